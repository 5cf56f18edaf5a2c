"""What is in force: accords, grants and holds, the snapshot that gates hold, and how a call is judged by it.

This door has values, errors and pure decisions and needs no database; `access.services` is the other one.
"""

from sekisho.access.compile import compile_grant, compile_snapshot
from sekisho.access.errors import (
    Denied,
    DocumentConflict,
    DocumentTooLarge,
    GrantRefused,
    HoldRenewed,
    NotInForce,
    SnapshotRefused,
)
from sekisho.access.resolve import Standing, check_scope, resolve
from sekisho.access.snapshot import (
    GrantState,
    Snapshot,
    SnapshotAsset,
    SnapshotGrant,
    SnapshotHold,
    SnapshotInstitution,
    SnapshotLab,
    SnapshotPrincipal,
)
from sekisho.access.snapshot_json import (
    decode_snapshot,
    digest_snapshot,
    encode_snapshot,
    snapshot_from_json,
    snapshot_to_json,
)
from sekisho.access.stops import Stopped, list_stopped_by
from sekisho.trust import TargetKind

__all__ = [
    "Denied",
    "DocumentConflict",
    "DocumentTooLarge",
    "GrantRefused",
    "GrantState",
    "HoldRenewed",
    "NotInForce",
    "Snapshot",
    "SnapshotAsset",
    "SnapshotGrant",
    "SnapshotHold",
    "SnapshotInstitution",
    "SnapshotLab",
    "SnapshotPrincipal",
    "SnapshotRefused",
    "Standing",
    "Stopped",
    "TargetKind",
    "check_scope",
    "compile_grant",
    "compile_snapshot",
    "decode_snapshot",
    "digest_snapshot",
    "encode_snapshot",
    "list_stopped_by",
    "resolve",
    "snapshot_from_json",
    "snapshot_to_json",
]
