"""What can go wrong with an inventory or with what it is matched against."""

from typing import ClassVar

from sekisho.core.errors import SekishoError


class AffectedRefused(SekishoError):
    """The description of what is affected is empty, too long, or mixes ecosystems."""

    code: ClassVar[str] = "SKS-EXPOSURE-001"
    hint = "Name the package as pkg:pypi/starlette and its ranges as vers:pypi/<0.27.0."


class InventoryRefused(SekishoError):
    """The inventory is not one that can be kept."""

    code: ClassVar[str] = "SKS-EXPOSURE-002"
    hint = "Send the SBOM as the tool wrote it: CycloneDX JSON, version 1.2 to 1.7."
