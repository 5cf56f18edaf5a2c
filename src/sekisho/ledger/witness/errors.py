"""What can go wrong at a witness, and with those that a log asks."""

from typing import ClassVar

from sekisho.core.errors import SekishoError
from sekisho.ledger.errors import LedgerUnavailable


class RecordMissing(SekishoError):
    """The witness has keys, and the record of what it cosigned is gone."""

    code: ClassVar[str] = "SKS-LEDGER-084"
    hint = "Retire these keys and make a new witness: one that forgot could cosign a second history. No backup helps."


class RecordDamaged(SekishoError):
    """The witness's record is not one, or belongs to other keys."""

    code: ClassVar[str] = "SKS-LEDGER-085"
    hint = "Put the right data directory back if it was mixed up; otherwise retire these keys and make a new witness."


class RecordUnavailable(SekishoError):
    """The disk did not take the witness's record, so nothing is cosigned."""

    code: ClassVar[str] = "SKS-LEDGER-086"
    hint = "Look at the disk (full, read-only, failing); the witness goes on by itself once it can write."


class ClockBehind(SekishoError):
    """The clock is well before the time of the last cosignature."""

    code: ClassVar[str] = "SKS-LEDGER-087"
    hint = "Set the clock right; the witness cosigns again once it has caught up with what it said before."


class WitnessKeyRefused(SekishoError):
    """A key or a list of the witness's data directory cannot be written or read."""

    code: ClassVar[str] = "SKS-LEDGER-088"
    hint = "Make keys with `sekisho witness keygen`; list logs with `sekisho witness add-log`, one key a line."


class WitnessesUnavailable(LedgerUnavailable):
    """Too few witnesses answered: the checkpoint is not published yet. Entries are taken as before."""

    code: ClassVar[str] = "SKS-LEDGER-089"
    hint = "Look at the witnesses that the message names. The log asks again by itself and publishes once they cosign."


class WitnessRefused(SekishoError):
    """A witness answered what the protocol does not allow, or will not cosign this log."""

    code: ClassVar[str] = "SKS-LEDGER-090"
    hint = "Ask the witness's operator whether it knows this log's key, and compare its own key with the policy's."


class WitnessPolicyRefused(SekishoError):
    """The policy cannot be one of this log's witnesses."""

    code: ClassVar[str] = "SKS-LEDGER-091"
    hint = "docs/witnesses.md shows the file: witnesses with their addresses, and a quorum that those can make."


class EvidenceRefused(SekishoError):
    """The file does not prove that the log signed two histories."""

    code: ClassVar[str] = "SKS-LEDGER-092"
    exit_code: ClassVar[int] = 1
    hint = (
        "Keep the file. Two heads of different sizes are reconciled by a consistency proof that only the log can give."
    )
