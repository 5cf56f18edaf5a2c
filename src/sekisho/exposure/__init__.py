"""Whether an institution runs an affected component: inventories, matching, verdicts.

Values, errors and pure decisions; what touches the database is `sekisho.exposure.services`.
"""

from sekisho.exposure.errors import AffectedRefused, InventoryRefused
from sekisho.exposure.matching import expose
from sekisho.exposure.types import Affected, Exposure, Inventory, Verdict, Why

__all__ = [
    "Affected",
    "AffectedRefused",
    "Exposure",
    "Inventory",
    "InventoryRefused",
    "Verdict",
    "Why",
    "expose",
]
