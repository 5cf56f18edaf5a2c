"""What can go wrong with a log, each with its code. None of them loses an entry that was acknowledged."""

from typing import ClassVar

from sekisho.core.errors import SekishoError


class EntryRefused(SekishoError):
    """The entry is not of a kind and shape that the ledger takes."""

    code: ClassVar[str] = "SKS-LEDGER-001"
    hint = "docs/specs/ledger-entries.md lists every kind with its fields."


class CommitmentRefused(SekishoError):
    """The content and salt are not those of the commitment."""

    code: ClassVar[str] = "SKS-LEDGER-002"
    exit_code: ClassVar[int] = 1
    hint = "Check that the content is byte for byte what was sent, and the salt the one of this entry."


class LedgerUnavailable(SekishoError):
    """The disk did not take the entry or the tiles. What was acknowledged before stands."""

    code: ClassVar[str] = "SKS-LEDGER-010"
    hint = "Look at the disk (full, read-only, failing); the log goes on by itself once it can write."


class LogLocked(SekishoError):
    """Another process writes this log."""

    code: ClassVar[str] = "SKS-LEDGER-011"
    hint = "One process writes a log. Stop the other one first; a lock never outlives its process."


class LogClosed(SekishoError):
    """The log was closed before this entry was taken."""

    code: ClassVar[str] = "SKS-LEDGER-012"
    hint = "The process is stopping; try again once it is up."


class LogOverloaded(SekishoError):
    """More entries wait for the disk than the log holds."""

    code: ClassVar[str] = "SKS-LEDGER-013"
    hint = "Try again in a moment; if it lasts, the disk is too slow for this load."


class StoreBehind(SekishoError):
    """The log was published, or signed, beyond what the store holds: the store lost entries."""

    code: ClassVar[str] = "SKS-LEDGER-014"
    hint = "Restore the newer store. Going on from this one would sign a second history."


class LedgerForked(SekishoError):
    """The store's entries do not make the tree that was signed before."""

    code: ClassVar[str] = "SKS-LEDGER-015"
    hint = "Keep the store and the public folder as they are, and tell the programme office: entries were changed."


class StoreDamaged(SekishoError):
    """The store is not a log's database, or entries in it are missing or unreadable."""

    code: ClassVar[str] = "SKS-LEDGER-016"
    hint = "Restore the store from its newest backup; a store that is behind will be refused, not followed."


class WrongLog(SekishoError):
    """The store or the public folder belongs to another log or another key."""

    code: ClassVar[str] = "SKS-LEDGER-017"
    hint = "Check the data directory and the key file: each log has its own store, folder and key."


class CheckpointDamaged(SekishoError):
    """The published checkpoint is not one that this log's key signed."""

    code: ClassVar[str] = "SKS-LEDGER-018"
    hint = (
        "Put back the newest copy of the checkpoint that anybody holds; a crash does not do this, a hand or disk does."
    )


class HeadMoved(LedgerUnavailable):
    """The head in the store is not the one that this process persisted or read last."""

    code: ClassVar[str] = "SKS-LEDGER-019"
    hint = "The log looks at its store again by itself; if it comes back, two deployments publish one log."


class NoSuchLog(SekishoError):
    """The ledger has no log of this name."""

    code: ClassVar[str] = "SKS-LEDGER-022"
    hint = "Name one of the ledger's logs: --log decisions, or --log calls/gate-0."


class NoSuchEntry(SekishoError):
    """The log has no entry at this index, by its checkpoint."""

    code: ClassVar[str] = "SKS-LEDGER-023"
    exit_code: ClassVar[int] = 1
    hint = "Indexes begin at 0; `sekisho ledger tail` shows the last one."


class LogDamaged(SekishoError):
    """The files of the log do not make the tree that its checkpoint signs."""

    code: ClassVar[str] = "SKS-LEDGER-024"
    exit_code: ClassVar[int] = 1
    hint = "Run `sekisho ledger fsck` on it: it names the file that is wrong."


class LogForked(SekishoError):
    """Two checkpoints with the log's signature contradict each other."""

    code: ClassVar[str] = "SKS-LEDGER-025"
    exit_code: ClassVar[int] = 1
    hint = "Keep both checkpoints and show them to the parties: together they prove that the log shows two histories."


class LedgerNotFound(SekishoError):
    """There is no ledger at this path."""

    code: ClassVar[str] = "SKS-LEDGER-020"
    hint = "Give the data directory, its ledger/ folder, or one log in it (a folder with a checkpoint)."


class SharesRefused(SekishoError):
    """The shares are not enough, not different ones, or not those of this transcript."""

    code: ClassVar[str] = "SKS-LEDGER-040"
    exit_code: ClassVar[int] = 1
    hint = "Collect as many share files of this transcript as its threshold says, each from another auditor."


class AuditorKeyFileRefused(SekishoError):
    """The file holds no auditor's private key."""

    code: ClassVar[str] = "SKS-LEDGER-041"
    hint = "Give the file that `sekisho transcript new-key` made for this auditor."


class TranscriptRefused(SekishoError):
    """The file is no sealed transcript, or is damaged, cut off, or not the one that the ledger names."""

    code: ClassVar[str] = "SKS-LEDGER-042"
    exit_code: ClassVar[int] = 1
    hint = "Get the file from the programme office again; if it stays so, keep it: the ledger says what it should be."


class NotSealed(SekishoError):
    """A transcript could not be sealed or kept."""

    code: ClassVar[str] = "SKS-LEDGER-043"
    hint = "Look at the disk that holds the gate's folder (full, read-only, failing)."


class TranscriptMissing(SekishoError):
    """The gate keeps no transcript of this request."""

    code: ClassVar[str] = "SKS-LEDGER-044"
    hint = "`sekisho transcript list` says which calls were sealed, and which of them were erased."


class AddressRefused(SekishoError):
    """This is not the address of a log's database, or it could be read by others, or lead to a server unseen."""

    code: ClassVar[str] = "SKS-LEDGER-070"
    hint = "One line, mode 0600: postgresql://USER:PASSWORD@HOST/DATABASE?sslrootcert=FILE; see ledger-postgresql.md."


class DriverMissing(SekishoError):
    """A PostgreSQL address is given, and the driver is not installed."""

    code: ClassVar[str] = "SKS-LEDGER-071"
    hint = "Install the extra `postgres`: pip install 'sekisho[postgres]'."


class UnsafeServer(LedgerUnavailable):
    """The database server would acknowledge what it could still lose."""

    code: ClassVar[str] = "SKS-LEDGER-072"
    hint = "Turn fsync on in postgresql.conf, leave synchronous_commit on, and run PostgreSQL 14 or newer."
