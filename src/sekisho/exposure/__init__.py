"""Whether an institution runs an affected component: inventories, matching, verdicts.

Values, errors and pure decisions; what touches the database is `sekisho.exposure.services`.
"""

from sekisho.exposure.errors import AffectedRefused, InventoryRefused
from sekisho.exposure.matching import expose
from sekisho.exposure.types import Affected, Exposure, Inventory, ReceivedSbom, Verdict, Why, read_sbom

__all__ = [
    "Affected",
    "AffectedRefused",
    "Exposure",
    "Inventory",
    "InventoryRefused",
    "ReceivedSbom",
    "Verdict",
    "Why",
    "expose",
    "read_sbom",
]
