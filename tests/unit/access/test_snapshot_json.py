"""A snapshot has one canonical form, and nothing else is read as one."""

import copy
import functools
import hashlib
import json
import operator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sekisho.access import (
    SnapshotRefused,
    TargetKind,
    decode_snapshot,
    digest_snapshot,
    encode_snapshot,
    snapshot_from_json,
    snapshot_to_json,
)
from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.trust import Auditor, Auditors, auditors_payload


@pytest.fixture
def snapshot(small):
    """A snapshot with something in every list."""
    return small.snapshot(holds=(small.hold(TargetKind.LAB, "lab-b"),))


def test_what_is_encoded_is_decoded(snapshot) -> None:
    """Through canonical bytes, and through a frame that was parsed as a whole."""
    data = encode_snapshot(snapshot)
    assert decode_snapshot(data) == snapshot
    assert snapshot_from_json(json.loads(data)) == snapshot
    assert jcs.canonical(snapshot_to_json(snapshot)) == data


def test_the_digest_is_of_the_canonical_bytes(snapshot) -> None:
    """Whoever has the JSON can recompute it."""
    assert digest_snapshot(snapshot) == hashlib.sha256(encode_snapshot(snapshot)).hexdigest()


def test_a_second_spelling_of_a_value_is_refused(snapshot) -> None:
    """It would have a second digest, and the ledger knows the first alone."""
    changed = json.loads(encode_snapshot(snapshot))
    changed["made_at"] = "2026-11-22T09:00:00Z"
    with pytest.raises(SnapshotRefused):
        snapshot_from_json(changed)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"nonsense", b'{"version":1,"version":2}', b"[" * 100_000])
def test_what_is_no_snapshot_is_refused(data) -> None:
    """With an error of ours, whatever came."""
    with pytest.raises(SekishoError):
        decode_snapshot(data)


def test_no_names_of_people_and_no_grounds_of_holds_are_in_it(snapshot) -> None:
    """A stolen gate tells neither."""
    value = snapshot_to_json(snapshot)
    assert set(value["principals"][0]) == {"id", "institution", "kind", "jkt"}
    assert "basis" not in value["holds"][0]


def _paths(value, path=()):
    """Every place in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield (*path, name)
        yield from _paths(item, (*path, name))


def _at(value, path):
    """The part of a JSON value at a place."""
    return functools.reduce(operator.getitem, path, value)


@pytest.mark.parametrize("wrong", [None, 1.5, True, -1, "", "x\u0301", [], {}, [[]], "2026-13-01T00:00:00Z"])
def test_a_wrong_value_anywhere_is_refused_or_is_another_snapshot(snapshot, wrong) -> None:
    """Field by field: a wrong type never passes as the right one, and no foreign error comes out."""
    original = json.loads(encode_snapshot(snapshot))
    for path in _paths(original):
        changed = copy.deepcopy(original)
        _at(changed, path[:-1])[path[-1]] = wrong
        try:
            read = snapshot_from_json(changed)
        except SnapshotRefused:
            continue
        assert json.loads(encode_snapshot(read)) == changed


def test_a_field_more_or_less_anywhere_is_refused(snapshot) -> None:
    """An unknown field is a rule that this gate would not enforce."""
    original = json.loads(encode_snapshot(snapshot))
    objects = [path for path in [(), *_paths(original)] if isinstance(_at(original, path), dict)]
    for path in objects:
        more, less = copy.deepcopy(original), copy.deepcopy(original)
        _at(more, path)["unknown"] = 1
        _at(less, path).popitem()
        for changed in (more, less):
            with pytest.raises(SnapshotRefused):
                snapshot_from_json(changed)


def test_auditors_are_carried_where_there_are_any(snapshot) -> None:
    """A gate seals to whom the charter names; a programme without auditors has the digest it always had."""
    key = MLKEM768PrivateKey.from_seed_bytes(bytes(64)).public_key().public_bytes_raw()
    key += X25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    auditors = Auditors(threshold=1, members=(Auditor(name="auditor-a", key=key),))
    sealed = replace(snapshot, auditors=auditors)
    assert decode_snapshot(encode_snapshot(sealed)) == sealed
    assert "auditors" not in snapshot_to_json(snapshot)
    for bent in (None, {}, {"threshold": 2, "members": auditors_payload(auditors)["members"]}):
        with pytest.raises(SnapshotRefused):
            snapshot_from_json(snapshot_to_json(sealed) | {"auditors": bent})
