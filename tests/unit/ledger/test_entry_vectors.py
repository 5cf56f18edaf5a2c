"""docs/specs/vectors/{ledger-entries,commitments}.json: what our code writes and refuses, and what the page alone says.

The second reading uses `json`, `hashlib`, `re` and the tables of docs/specs/ledger-entries.md: no line of ours.
"""

import base64
import hashlib
import hmac
import importlib.util
import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sekisho.ledger import (
    CommitmentRefused,
    Entry,
    EntryKind,
    EntryRefused,
    check_commitment,
    commit,
    decode_entry,
    encode_entry,
)
from sekisho.ledger.entries import FIELDS
from sekisho.tlog.merkle import hash_leaf

ROOT = Path(__file__).parents[3]
SPECS = ROOT / "docs" / "specs"


def load(name: str) -> Any:
    return json.loads((SPECS / "vectors" / name).read_text(encoding="ascii"))


ENTRIES, COMMITMENTS = load("ledger-entries.json"), load("commitments.json")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """`scripts/write-vectors`, imported by its path."""
    loader = SourceFileLoader("write_vectors", str(ROOT / "scripts" / "write-vectors"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["ledger-entries.json", "commitments.json"])
def test_the_file_is_what_the_script_writes(script: ModuleType, name: str) -> None:
    """Run scripts/write-vectors after changing a kind; a published vector is never changed, only added."""
    assert (SPECS / "vectors" / name).read_text(encoding="ascii") == script.encode(script.FILES[name]())


def test_every_kind_and_every_field_has_a_vector() -> None:
    """In full with every field of its kind, and bare with the required ones."""
    assert set(ENTRIES["kinds"]) == {kind.value for kind in EntryKind}
    bodies = {vector["name"]: vector["entry"]["body"] for vector in ENTRIES["good"]}
    for kind in EntryKind:
        assert set(bodies[f"{kind.value} full"]) == {field.name for field in FIELDS[kind]}
        assert set(bodies[f"{kind.value} bare"]) == {field.name for field in FIELDS[kind] if field.is_required}


@pytest.mark.parametrize("vector", ENTRIES["good"], ids=lambda vector: str(vector["name"]))
def test_a_good_entry_is_read_and_written_as_it_is(vector: Mapping[str, Any]) -> None:
    """Both ways, to the byte and to the leaf hash."""
    data, said = bytes.fromhex(vector["canonical_hex"]), vector["entry"]
    read = decode_entry(data)
    assert dict(read.body) == said["body"]
    made = Entry(kind=EntryKind(said["kind"]), at=datetime.fromisoformat(said["at"]), id=said["id"], body=said["body"])
    assert encode_entry(read) == encode_entry(made) == data
    assert hash_leaf(data).hex() == vector["leaf_hash_hex"]


@pytest.mark.parametrize("vector", ENTRIES["refused"], ids=lambda vector: str(vector["name"]))
def test_a_refused_entry_is_refused(vector: Mapping[str, Any]) -> None:
    """With our error, whatever the bytes."""
    with pytest.raises(EntryRefused):
        decode_entry(bytes.fromhex(vector["bytes_hex"]))


def test_commitments_hold_and_no_other_does() -> None:
    """Salt and content make the commitment; nothing else opens it."""
    for vector in COMMITMENTS["good"]:
        salt, content = bytes.fromhex(vector["salt_hex"]), bytes.fromhex(vector["content_hex"])
        assert commit(content, salt) == vector["commitment"]
        check_commitment(vector["commitment"], content, salt)
    for vector in COMMITMENTS["refused"]:
        with pytest.raises(CommitmentRefused):
            check_commitment(
                vector["commitment"], bytes.fromhex(vector["content_hex"]), bytes.fromhex(vector["salt_hex"])
            )


# The second reading, from the page.

SHAPES: Mapping[str, Callable[[Any], object]] = {
    "text": lambda v: isinstance(v, str) and unicodedata.is_normalized("NFC", v) and not _has_surrogate(v),
    "count": lambda v: type(v) is int and 0 <= v < 2**53,
    "digest": lambda v: isinstance(v, str) and re.fullmatch("[0-9a-f]{64}", v),
    "commitment": lambda v: isinstance(v, str) and re.fullmatch("sha256:[0-9a-f]{64}", v),
    "root": lambda v: isinstance(v, str) and len(v) == 44 and base64.b64encode(base64.b64decode(v)).decode() == v,
    "time": lambda v: (
        isinstance(v, str) and re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{6}Z", v) and datetime.fromisoformat(v)
    ),
    "log": lambda v: isinstance(v, str) and re.fullmatch("calls/(?!-)[a-z0-9-]{1,40}(?<!-)", v),
    "list of text": lambda v: isinstance(v, list) and all(isinstance(item, str) for item in v),
    "counts by name": lambda v: isinstance(v, dict) and all(type(item) is int and item >= 0 for item in v.values()),
}
ROW = re.compile(r"^\| `(\w+)` \| ([a-z ]+?)( or null)? \| (required|optional) \|", re.MULTILINE)


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= c <= "\udfff" for c in text)


def kinds_of_the_page() -> dict[str, dict[str, tuple[str, bool, bool]]]:
    """Kind → field → shape, whether it may be null, whether it is required."""
    sections = (SPECS / "ledger-entries.md").read_text(encoding="utf-8").split("\n### ")[1:]
    return {
        section.split("\n")[0]: {name: (shape, bool(null), need == "required") for name, shape, null, need in found}
        for section in sections
        for found in [ROW.findall(section)]
    }


KINDS = kinds_of_the_page()


def is_entry(data: bytes) -> bool:
    """Say whether `data` is an entry, by the page."""
    try:
        entry = json.loads(data.decode("utf-8"))
        # RFC 8785, for values without floats whose names are ASCII.
        if json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() != data:
            return False
        fields, body = KINDS[entry["kind"]], entry["body"]
        is_framed = set(entry) == {"at", "body", "id", "kind"} and SHAPES["time"](entry["at"])
        if not is_framed or not re.fullmatch("[a-z]{2,8}_[0-9a-z]{26}", entry["id"]) or not set(body) <= set(fields):
            return False
        return all(is_field(body, name, *said) for name, said in fields.items())
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def is_field(body: Mapping[str, Any], name: str, shape: str, may_be_null: bool, is_required: bool) -> bool:
    if name not in body:
        return not is_required
    return bool(may_be_null if body[name] is None else SHAPES[shape](body[name]))


def test_the_page_alone_takes_the_good_entries_and_refuses_the_others() -> None:
    """Whoever reads the page, and none of our code, comes to the same: accepted, refused, and the leaf's hash."""
    for vector in ENTRIES["good"]:
        data = bytes.fromhex(vector["canonical_hex"])
        assert is_entry(data), vector["name"]
        assert json.loads(data) == vector["entry"]
        assert hashlib.sha256(b"\x00" + data).hexdigest() == vector["leaf_hash_hex"]
    accepted = [vector["name"] for vector in ENTRIES["refused"] if is_entry(bytes.fromhex(vector["bytes_hex"]))]
    assert accepted == []


def test_the_page_alone_makes_the_commitments() -> None:
    """One line of `hashlib`; the salt is 32 bytes."""
    for vector in (*COMMITMENTS["good"], *COMMITMENTS["refused"]):
        salt, content = bytes.fromhex(vector["salt_hex"]), bytes.fromhex(vector["content_hex"])
        made = "sha256:" + hashlib.sha256(b"sekisho-commitment/v1\x00" + salt + content).hexdigest()
        is_good = len(salt) == 32 and hmac.compare_digest(made, vector["commitment"])
        assert is_good == ("name" not in vector)
