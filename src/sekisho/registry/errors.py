"""What the registry refuses."""

from typing import ClassVar

from sekisho.core import SekishoError


class LeiRefused(SekishoError):
    """The text is not a Legal Entity Identifier in its canonical form."""

    code: ClassVar[str] = "SKS-REGISTRY-001"
    hint = "Copy the LEI from the institution's record at search.gleif.org: 20 characters, A-Z and 0-9."


class TextRefused(SekishoError):
    """A name or another text for people holds what could mislead its reader."""

    code: ClassVar[str] = "SKS-REGISTRY-002"
    hint = "Use Latin or Japanese characters in NFC, without control characters; romanise names in other scripts."


class AssetRefused(SekishoError):
    """The name of an asset is not in the form of its kind."""

    code: ClassVar[str] = "SKS-REGISTRY-003"
    hint = "docs/institutions.md shows the form of a repository, a package, a host and an account."


class AlreadyEnrolled(SekishoError):
    """The institution, key or asset is registered already."""

    code: ClassVar[str] = "SKS-REGISTRY-004"
    hint = "Use the registered one; a key belongs to one principal in the whole programme."


class NotEnrolled(SekishoError):
    """No institution, principal or asset has this id."""

    code: ClassVar[str] = "SKS-REGISTRY-005"
    hint = "Enrol the institution first; `sekisho institution list` shows what is registered."
