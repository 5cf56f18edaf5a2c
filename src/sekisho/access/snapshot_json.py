"""A snapshot as canonical JSON (RFC 8785): what a gate receives, and what the ledger records the digest of.

Read strictly: exact names, exact types. A gate that guessed at a field would enforce something that nobody signed.
"""

import hashlib
from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeVar

from sekisho.access.errors import SnapshotRefused
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
from sekisho.core import SekishoError, Window, format_utc, parse_utc
from sekisho.core.ids import AccordId, AssetId, GrantId, HoldId, InstitutionId, PrincipalId
from sekisho.formats import jcs
from sekisho.registry import AssetKind, InstitutionKind, PrincipalKind, parse_lei
from sekisho.tokens import encode_key_set, parse_key_set
from sekisho.trust import TargetKind, auditors_payload, read_auditors

_Fields = Mapping[str, jcs.Json]
_T = TypeVar("_T")
_E = TypeVar("_E", bound=Enum)


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """Return the RFC 8785 bytes of `snapshot`."""
    return jcs.canonical(snapshot_to_json(snapshot))


def decode_snapshot(data: bytes) -> Snapshot:
    """Return the snapshot that `data` (canonical JSON) is, or raise JsonRefused or SnapshotRefused."""
    return snapshot_from_json(jcs.parse(data))


def digest_snapshot(snapshot: Snapshot) -> str:
    """Return SHA-256 of the snapshot's canonical bytes, 64 hex digits: what every intent entry names."""
    return hashlib.sha256(encode_snapshot(snapshot)).hexdigest()


def snapshot_to_json(snapshot: Snapshot) -> dict[str, jcs.Json]:
    """Return `snapshot` as a JSON value, to be put into a frame."""
    return {
        "version": snapshot.version,
        "made_at": format_utc(snapshot.made_at),
        "lease_s": snapshot.lease_s,
        "issuer": snapshot.issuer,
        "token_keys": encode_key_set(snapshot.token_keys),
        "institutions": [{"id": i.id, "lei": i.lei, "kind": i.kind.value} for i in snapshot.institutions],
        "principals": [
            {"id": p.id, "institution": p.institution_id, "kind": p.kind.value, "jkt": p.jkt}
            for p in snapshot.principals
        ],
        "assets": [
            {"id": a.id, "institution": a.institution_id, "kind": a.kind.value, "name": a.name} for a in snapshot.assets
        ],
        "grants": [_grant_to_json(grant) for grant in snapshot.grants],
        "holds": [_hold_to_json(hold) for hold in snapshot.holds],
        "labs": [{"party": lab.party, "models": lab.models} for lab in snapshot.labs],
        **({} if snapshot.auditors is None else {"auditors": auditors_payload(snapshot.auditors)}),
    }


def snapshot_from_json(value: jcs.Json) -> Snapshot:
    """Return the snapshot that `value` says, or raise SnapshotRefused.

    Steps: (1) field by field; (2) written again it is the same, so that its digest is the one in the ledger: a time
    or a key has a second spelling.
    """
    try:
        # (1)
        snapshot = _read_snapshot(value)
        # (2)
        if encode_snapshot(snapshot) != jcs.canonical(value):
            raise SnapshotRefused("a field of the snapshot is not in its canonical spelling")
    except SnapshotRefused:
        raise
    except SekishoError as error:
        raise SnapshotRefused(f"a field of the snapshot is refused: {error.message}") from error
    return snapshot


def _read_snapshot(value: jcs.Json) -> Snapshot:
    names = frozenset(Snapshot.__dataclass_fields__) - {"_index"}
    # Absent, not null, where there are none.
    if isinstance(value, Mapping) and "auditors" not in value:
        names -= {"auditors"}
    fields = _object(value, names)
    return Snapshot(
        version=_integer(fields["version"]),
        made_at=parse_utc(_text(fields["made_at"])),
        lease_s=_integer(fields["lease_s"]),
        issuer=_text(fields["issuer"]),
        token_keys=tuple(parse_key_set(fields["token_keys"]).values()),
        institutions=_list(fields["institutions"], _institution),
        principals=_list(fields["principals"], _principal),
        assets=_list(fields["assets"], _asset),
        grants=_list(fields["grants"], _grant),
        holds=_list(fields["holds"], _hold),
        labs=_list(fields["labs"], _lab),
        auditors=read_auditors(fields["auditors"]) if "auditors" in fields else None,
    )


def _institution(value: jcs.Json) -> SnapshotInstitution:
    fields = _object(value, frozenset({"id", "lei", "kind"}))
    return SnapshotInstitution(
        id=InstitutionId(_text(fields["id"])),
        lei=parse_lei(_text(fields["lei"])),
        kind=_member(InstitutionKind, fields["kind"]),
    )


def _principal(value: jcs.Json) -> SnapshotPrincipal:
    fields = _object(value, frozenset({"id", "institution", "kind", "jkt"}))
    return SnapshotPrincipal(
        id=PrincipalId(_text(fields["id"])),
        institution_id=InstitutionId(_text(fields["institution"])),
        kind=_member(PrincipalKind, fields["kind"]),
        jkt=_text(fields["jkt"]),
    )


def _asset(value: jcs.Json) -> SnapshotAsset:
    fields = _object(value, frozenset({"id", "institution", "kind", "name"}))
    return SnapshotAsset(
        id=AssetId(_text(fields["id"])),
        institution_id=InstitutionId(_text(fields["institution"])),
        kind=_member(AssetKind, fields["kind"]),
        name=_text(fields["name"]),
    )


def _lab(value: jcs.Json) -> SnapshotLab:
    fields = _object(value, frozenset({"party", "models"}))
    return SnapshotLab(party=_text(fields["party"]), models=_list(fields["models"], _text))


def _grant_to_json(grant: SnapshotGrant) -> dict[str, jcs.Json]:
    return {
        "id": grant.id,
        "accord": grant.accord_id,
        "institution": grant.institution_id,
        "principals": grant.principals,
        "lab": grant.lab,
        "models": grant.models,
        "tier": grant.tier,
        "assets": grant.assets,
        "techniques": grant.techniques,
        "budget": {"tokens": grant.budget_tokens, "calls": grant.budget_calls},
        "window": {"opens": format_utc(grant.window.opens), "closes": format_utc(grant.window.closes)},
        "state": grant.state.value,
    }


_GRANT_NAMES = frozenset(
    {"id", "accord", "institution", "principals", "lab", "models", "tier", "assets", "techniques"}
    | {"budget", "window", "state"}
)


def _grant(value: jcs.Json) -> SnapshotGrant:
    fields = _object(value, _GRANT_NAMES)
    budget = _object(fields["budget"], frozenset({"tokens", "calls"}))
    window = _object(fields["window"], frozenset({"opens", "closes"}))
    return SnapshotGrant(
        id=GrantId(_text(fields["id"])),
        accord_id=AccordId(_text(fields["accord"])),
        institution_id=InstitutionId(_text(fields["institution"])),
        principals=_list(fields["principals"], lambda item: PrincipalId(_text(item))),
        lab=_text(fields["lab"]),
        models=_list(fields["models"], _text),
        tier=_text(fields["tier"]),
        assets=_list(fields["assets"], lambda item: AssetId(_text(item))),
        techniques=_list(fields["techniques"], _text),
        budget_tokens=_integer(budget["tokens"]),
        budget_calls=_integer(budget["calls"]),
        window=Window(opens=parse_utc(_text(window["opens"])), closes=parse_utc(_text(window["closes"]))),
        state=_member(GrantState, fields["state"]),
    )


def _hold_to_json(hold: SnapshotHold) -> dict[str, jcs.Json]:
    return {
        "id": hold.id,
        "target": {"kind": hold.target_kind.value, "id": hold.target_id},
        "placed_by": hold.placed_by,
        "placed_at": format_utc(hold.placed_at),
        "lapses_at": format_utc(hold.lapses_at),
    }


def _hold(value: jcs.Json) -> SnapshotHold:
    fields = _object(value, frozenset({"id", "target", "placed_by", "placed_at", "lapses_at"}))
    target = _object(fields["target"], frozenset({"kind", "id"}))
    return SnapshotHold(
        id=HoldId(_text(fields["id"])),
        target_kind=_member(TargetKind, target["kind"]),
        target_id=_text(target["id"]),
        placed_by=_text(fields["placed_by"]),
        placed_at=parse_utc(_text(fields["placed_at"])),
        lapses_at=parse_utc(_text(fields["lapses_at"])),
    )


def _object(value: jcs.Json, names: frozenset[str]) -> _Fields:
    if not isinstance(value, Mapping) or set(value) != names:
        raise SnapshotRefused(f"expected an object with exactly {', '.join(sorted(names))}")
    return value


def _list(value: jcs.Json, read: Callable[[jcs.Json], _T]) -> tuple[_T, ...]:
    if not isinstance(value, list | tuple):
        raise SnapshotRefused("expected a list")
    return tuple(read(item) for item in value)


def _text(value: jcs.Json) -> str:
    if not isinstance(value, str):
        raise SnapshotRefused("expected text")
    return value


def _integer(value: jcs.Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SnapshotRefused("expected a whole number, zero or more")
    return value


def _member(kind: type[_E], value: jcs.Json) -> _E:
    try:
        return kind(_text(value))
    except ValueError as error:
        raise SnapshotRefused(f"not a {kind.__name__}") from error
