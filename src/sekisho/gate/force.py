"""What is in force at this gate: the leased snapshot, compiled once, swapped as one value.

The lease runs on monotonic time: setting the machine's clock back makes nothing valid for longer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sekisho.access import Denied, Snapshot, TargetKind, digest_snapshot
from sekisho.access.compile import compile_snapshot
from sekisho.core import Reason
from sekisho.gate.errors import LinkRefused
from sekisho.policy import Policies
from sekisho.tokens import PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """One snapshot, ready to judge by. `digest`: SHA-256 of its canonical form; `decisions_*`: the log it rests on.

    `keys`: the issuer's, by thumbprint. `decisions_root`: base64.
    """

    snapshot: Snapshot
    policies: Policies
    keys: Mapping[str, PublicKey]
    digest: str
    decisions_size: int
    decisions_root: str

    @property
    def version(self) -> int:
        return self.snapshot.version


def put_in_force(snapshot: Snapshot, *, decisions_size: int, decisions_root: str) -> Force:
    """Return `snapshot` compiled, or raise PolicyRefused: then what was in force stays, and lapses."""
    return Force(
        snapshot=snapshot,
        policies=compile_snapshot(snapshot),
        keys={key.thumbprint: key for key in snapshot.token_keys},
        digest=digest_snapshot(snapshot),
        decisions_size=decisions_size,
        decisions_root=decisions_root,
    )


class Lease:
    """The snapshot in force and until when it may be trusted."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lapses_at = float("-inf")
        self.latest: Force | None = None

    def put(self, force: Force) -> None:
        """Put `force` in place of the snapshot before, or raise LinkRefused for one that is older.

        An older one would bring back what was revoked.
        """
        latest = self.latest
        if latest is not None and force.version < latest.version:
            raise LinkRefused(f"snapshot {force.version} is older than {latest.version}, which is in force")
        if latest is not None and force.version == latest.version and force.digest != latest.digest:
            raise LinkRefused(f"two different snapshots are called {force.version}")
        self.latest = force
        self._extend(force)

    def renew(self, version: int) -> None:
        """Extend the lease: the control plane lives, and no snapshot newer than ours was acknowledged before."""
        if self.latest is not None and version <= self.latest.version:
            self._extend(self.latest)

    def require(self) -> Force:
        """Return what is in force, or raise Denied (SNAPSHOT_STALE)."""
        if self.latest is None or self.remaining_s() <= 0:
            raise Denied(Reason.SNAPSHOT_STALE)
        return self.latest

    def remaining_s(self) -> float:
        """Return how long the lease still runs, in seconds; not above zero once it has lapsed."""
        return self._lapses_at - self._monotonic()

    def _extend(self, force: Force) -> None:
        self._lapses_at = self._monotonic() + force.snapshot.lease_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a call under way rests on; a hold on any of it cuts the call."""

    lab: str
    model: str
    institution: str
    principal: str
    grant: str
    accord: str


def is_cut(reach: Reach, snapshot: Snapshot, at: datetime) -> bool:
    """Say whether a hold of `snapshot` in force at `at` (aware UTC) stops what `reach` rests on.

    A revocation does not: what was permitted and is under way ends by itself (DESIGN, invariant 8).
    """
    targets = (
        (TargetKind.LAB, reach.lab),
        (TargetKind.MODEL, reach.model),
        (TargetKind.INSTITUTION, reach.institution),
        (TargetKind.PRINCIPAL, reach.principal),
        (TargetKind.GRANT, reach.grant),
        (TargetKind.ACCORD, reach.accord),
    )
    return any(snapshot.is_held(kind, target_id, at) for kind, target_id in targets)
