"""Why a charter is not pinned, or nothing can be done without one."""

from typing import ClassVar

from sekisho.core import SekishoError


class NoCharter(SekishoError):
    """Nothing can be granted before a charter is pinned."""

    code: ClassVar[str] = "SKS-SERVER-101"
    hint = "Have the parties sign a charter, then: sekisho charter pin FILE --data DIR."


class CharterPinned(SekishoError):
    """There is a charter already."""

    code: ClassVar[str] = "SKS-SERVER-102"
    hint = "A pinned charter is the trust root and is not replaced; start another data directory for another programme."


class ForeignCharter(SekishoError):
    """The charter names another ledger, so no verifier could ever check this one with it."""

    code: ClassVar[str] = "SKS-SERVER-103"
    hint = "Put the vkey of ledger/decisions/vkey and its origin into the charter, and have the parties sign again."


class CharterNotStored(SekishoError):
    """The charter's file cannot be written; it is not pinned."""

    code: ClassVar[str] = "SKS-SERVER-107"
    hint = "Look at the disk that holds the data directory (full, read-only), then pin the charter again."
