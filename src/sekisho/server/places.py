"""Where things lie in a data directory, and who writes them. docs/operating.md shows the same as a table."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DataDir:
    """The paths below one data directory. One process writes each file."""

    root: Path

    @property
    def charter(self) -> Path:
        """The pinned charter, a DSSE envelope; written once by the control plane."""
        return self.root / "charter.json"

    @property
    def run(self) -> Path:
        """What listens where; written by each process when it is ready."""
        return self.root / "run"

    @property
    def ledger(self) -> Path:
        """The logs' files, for members: no content and no key, but call volumes; everything in here can be verified."""
        return self.root / "ledger"

    @property
    def notices(self) -> Path:
        """Published notices, one folder per institution."""
        return self.root / "notices"

    @property
    def control(self) -> Path:
        """The control plane's own: databases, keys, the gates' socket."""
        return self.root / "control"

    @property
    def control_db(self) -> Path:
        return self.control / "control.db"

    @property
    def decisions_store(self) -> Path:
        return self.control / "decisions.db"

    @property
    def witness_policy(self) -> Path:
        """Who cosigns the decisions log, if anybody does: written by the operator (docs/witnesses.md)."""
        return self.control / "witnesses.policy"

    @property
    def ledger_key(self) -> Path:
        return self.control / "ledger.pem"

    @property
    def token_key(self) -> Path:
        return self.control / "token.pem"

    @property
    def office_token(self) -> Path:
        return self.control / "office.token"

    @property
    def settings(self) -> Path:
        return self.control / "settings.json"

    @property
    def gate_socket(self) -> Path:
        return self.control / "gate.sock"

    @property
    def control_run(self) -> Path:
        return self.run / "control.json"

    def gate(self, slot: str) -> Path:
        """One gate's own folder: its store, its key, the lab credentials."""
        return self.root / slot

    def link_token(self, slot: str) -> Path:
        """What a gate proves its slot with on the link."""
        return self.gate(slot) / "link.token"

    def gate_run(self, slot: str) -> Path:
        return self.run / f"{slot}.json"
