"""Entries: a closed list, one spelling, nothing unknown."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core import SekishoError
from sekisho.formats import jcs
from sekisho.ledger import Entry, EntryKind, EntryRefused, decode_entry, encode_entry
from sekisho.ledger.entries import CALLS_KINDS, FIELDS
from sekisho.ledger.fields import Field, Shape
from sekisho.tlog.tile import MAX_ENTRY_SIZE_BYTES

SPEC = Path(__file__).parents[3] / "docs" / "specs" / "ledger-entries.md"
GOOD: dict[Shape, Any] = {
    Shape.TEXT: "some text, 関所",
    Shape.COUNT: 7,
    Shape.DIGEST: "0a" * 32,
    Shape.COMMITMENT: "sha256:" + "0a" * 32,
    Shape.ROOT: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    Shape.TIME: "2026-11-22T09:00:00.000000Z",
    Shape.LOG: "calls/gate-0",
    Shape.TEXTS: ["lab-a", "home"],
    Shape.COUNTS: {"SKS-GATE-202": 3},
}
BAD: dict[Shape, tuple[Any, ...]] = {
    Shape.TEXT: (1, True, ["a"], {}),
    Shape.COUNT: (-1, True, "1", []),
    Shape.DIGEST: ("0A" * 32, "0a" * 31, "0a" * 32 + "\n", 1),
    Shape.COMMITMENT: ("0a" * 32, "sha256:" + "0A" * 32, "sha512:" + "0a" * 32),
    Shape.ROOT: ("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", "AAAA", "", 0),
    Shape.TIME: ("2026-11-22T09:00:00Z", "2026-13-22T09:00:00.000000Z", "now", 0),
    Shape.LOG: ("decisions", "calls/", "calls/../x", "calls/a/b", "calls/-a", "calls/" + "a" * 41),
    Shape.TEXTS: ("text", [1], [["a"]], {}),
    Shape.COUNTS: ({"a": -1}, {"a": "1"}, {"a": True}, [], "a"),
}


def full(kind: EntryKind) -> dict[str, Any]:
    """A body with every field of `kind`."""
    return {field.name: GOOD[field.shape] for field in FIELDS[kind]}


def entry(kind: EntryKind, body: dict[str, Any], **changed: Any) -> Entry:
    fields: dict[str, Any] = {"at": datetime(2026, 11, 22, 9, tzinfo=UTC), "id": "ent_" + "0" * 26}
    return Entry(kind=kind, body=body, **(fields | changed))


@pytest.mark.parametrize("kind", EntryKind)
def test_every_kind_is_read_as_it_is_written_in_full_and_bare(kind: EntryKind) -> None:
    """Encoding and decoding are inverse, with all fields and with the required ones alone."""
    bare = {field.name: GOOD[field.shape] for field in FIELDS[kind] if field.is_required}
    nulled = {f.name: None if f.may_be_null else GOOD[f.shape] for f in FIELDS[kind] if f.is_required}
    for body in (full(kind), bare, nulled):
        made = entry(kind, body)
        data = encode_entry(made)
        read = decode_entry(data)
        assert (read.kind, read.at, read.id, dict(read.body)) == (made.kind, made.at, made.id, body)
        assert encode_entry(read) == data == jcs.canonical(json.loads(data))


@given(
    text=st.text(max_size=12) | st.sampled_from(["é", "e\u0301", "\ud800", "\x7f", "\u2028"]),
    count=st.integers(-1, 2**70) | st.booleans(),
    null=st.none() | st.text(st.characters(max_codepoint=127), max_size=5),
)
def test_an_entry_is_written_as_its_canonical_json_or_refused(text: str, count: int, null: str | None) -> None:
    """However an entry is written, its bytes are the RFC 8785 form of its four names, and are read back."""
    made = entry(EntryKind.CALL_ANSWERED, full(EntryKind.CALL_ANSWERED))
    body = dict(made.body) | {"outcome": text, "duration_us": count, "model_answered": null}
    value = {"at": "2026-11-22T09:00:00.000000Z", "body": body, "id": made.id, "kind": made.kind.value}
    is_good = 0 <= count <= jcs.MAX_INTEGER and not isinstance(count, bool)
    try:
        expected = jcs.parse_canonical(rfc8785.dumps(value)) if is_good else None
    except (SekishoError, rfc8785.CanonicalizationError):
        expected = None
    if expected is None:
        with pytest.raises(EntryRefused):
            encode_entry(entry(made.kind, body))
    else:
        assert encode_entry(entry(made.kind, body)) == rfc8785.dumps(value)


@pytest.mark.parametrize("kind", EntryKind)
def test_an_unknown_a_missing_or_a_misshapen_field_is_refused(kind: EntryKind) -> None:
    """Both when writing and when reading, field by field."""
    with pytest.raises(EntryRefused, match="no such field"):
        encode_entry(entry(kind, full(kind) | {"surprise": 1}))
    for field in FIELDS[kind]:
        for value in BAD[field.shape]:
            with pytest.raises(EntryRefused, match=field.name):
                encode_entry(entry(kind, full(kind) | {field.name: value}))
        body = full(kind)
        del body[field.name]
        if field.is_required:
            with pytest.raises(EntryRefused, match=field.name):
                encode_entry(entry(kind, body))
        if not field.may_be_null:
            with pytest.raises(EntryRefused, match=field.name):
                encode_entry(entry(kind, full(kind) | {field.name: None}))


GOOD_DATA = encode_entry(entry(EntryKind.CALLS_CHECKPOINT, full(EntryKind.CALLS_CHECKPOINT)))


@settings(max_examples=300)
@given(at=st.integers(0, len(GOOD_DATA) - 1), value=st.integers(0, 255))
def test_a_changed_byte_is_refused_or_still_the_only_spelling(at: int, value: int) -> None:
    """Whatever decodes is written back the same: no entry has two spellings."""
    data = GOOD_DATA[:at] + bytes([value]) + GOOD_DATA[at + 1 :]
    try:
        assert encode_entry(decode_entry(data)) == data
    except EntryRefused:
        assert data != GOOD_DATA


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_refusal(data: bytes) -> None:
    """A stranger's bytes never end in another error."""
    with pytest.raises(EntryRefused):
        decode_entry(data)


@pytest.mark.parametrize(
    "changed",
    [
        {"extra": 1},
        {"kind": "grant-issued/v2"},
        {"kind": None},
        {"kind": []},
        {"at": "2026-11-22T09:00:00Z"},
        {"at": 1},
        {"id": "ENT_" + "0" * 26},
        {"id": "ent_1"},
        {"id": 1},
        {"body": []},
        {"body": None},
    ],
)
def test_a_malformed_frame_is_refused(changed: dict[str, Any]) -> None:
    """Exactly four names, a known kind, one spelling of time, an id, an object."""
    with pytest.raises(EntryRefused):
        decode_entry(jcs.canonical(json.loads(GOOD_DATA) | changed))


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    """The length in a bundle has 16 bits; nothing is cut."""
    body = full(EntryKind.CHARTER_PINNED)
    with pytest.raises(EntryRefused, match="more than"):
        encode_entry(entry(EntryKind.CHARTER_PINNED, body | {"envelope": "a" * MAX_ENTRY_SIZE_BYTES}))
    with pytest.raises(EntryRefused, match="more than"):
        decode_entry(b"a" * (MAX_ENTRY_SIZE_BYTES + 1))


def test_times_outside_utc_and_text_without_canonical_form_are_refused() -> None:
    """Foreign errors of the floor do not leave the room."""
    body = full(EntryKind.SNAPSHOT_PUBLISHED)
    tokyo = datetime(2026, 11, 22, 9, tzinfo=timezone(timedelta(hours=9)))
    for bad in (tokyo, datetime(2026, 11, 22, 9)):  # noqa: DTZ001 - a naive time is the case under test
        with pytest.raises(EntryRefused):
            encode_entry(entry(EntryKind.SNAPSHOT_PUBLISHED, body, at=bad))
    for text in ("\ud800", "e\u0301"):
        with pytest.raises(EntryRefused):
            encode_entry(entry(EntryKind.INSTITUTION_ENROLLED, full(EntryKind.INSTITUTION_ENROLLED) | {"name": text}))


def test_a_refusal_does_not_repeat_the_value() -> None:
    """What was refused may be private, and errors are logged."""
    with pytest.raises(EntryRefused) as refused:
        Field(name="digest", shape=Shape.DIGEST).check("the prompt itself")
    assert "prompt" not in str(refused.value)


def test_the_specification_page_documents_every_kind_field_and_shape() -> None:
    """docs/specs/ledger-entries.md and the code say the same: a row a field, with shape and need, in order."""
    page = SPEC.read_text(encoding="utf-8")
    for kind in EntryKind:
        section = page.split(f"\n### {kind.value}\n")[1].split("\n### ")[0].split("\n## ")[0]
        rows = [line for line in section.splitlines() if line.startswith("| `")]
        assert len(rows) == len(FIELDS[kind]), kind.value
        for row, field in zip(rows, FIELDS[kind], strict=True):
            need = "required" if field.is_required else "optional"
            shape = f"{field.shape.value} or null" if field.may_be_null else field.shape.value
            assert row.startswith(f"| `{field.name}` | {shape} | {need} |"), (kind.value, field.name)
        log = "calls log" if kind in CALLS_KINDS else "decisions log"
        assert f"In the {log}" in section, kind.value
    assert page.count("\n### ") == len(EntryKind)
    for shape in Shape:
        assert f"| {shape.value} |" in page
