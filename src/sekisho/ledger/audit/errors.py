"""Why an audit could not be made. None of them says anything about the accord."""

from typing import ClassVar

from sekisho.core import SekishoError


class LedgerNotSound(SekishoError):
    """The ledger's files do not verify, so nothing in them is shown."""

    code: ClassVar[str] = "SKS-LEDGER-121"
    exit_code: ClassVar[int] = 1
    hint = "Run `sekisho ledger verify` with the same path and charter: it says what is wrong and in which file."


class LedgerMoved(SekishoError):
    """The files changed between their verification and their reading."""

    code: ClassVar[str] = "SKS-LEDGER-122"
    exit_code: ClassVar[int] = 1
    hint = "Audit again, better on a copy that nobody writes to."


class AccordNotOnRecord(SekishoError):
    """The ledger has no accord of this id that can be read."""

    code: ClassVar[str] = "SKS-LEDGER-123"
    exit_code: ClassVar[int] = 1
    hint = "`sekisho ledger entries PATH --kind accord-in-force/v1` lists the accords on record."
