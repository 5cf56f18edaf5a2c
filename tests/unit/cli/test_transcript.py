"""`sekisho transcript` as an auditor has it: the base install, no network, nothing written over, nothing shown."""

import base64
import json
import stat
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from sekisho.ledger.auditor_key import AuditorKey, encode_auditor_key

Sekisho = Callable[..., CompletedProcess[bytes]]
VECTOR = Path(__file__).parents[3] / "docs" / "specs" / "vectors" / "sealed-transcript.json"
OPEN = (
    "transcript",
    "open-share",
    "call.sealed",
    "--auditor",
    "auditor-a",
    "--key",
    "auditor-a.key",
    "--out",
    "share-a",
)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """The published vector's file and the key of its first auditor."""
    vector = json.loads(VECTOR.read_text())
    key = vector["auditors"]["auditor-a"]
    private = AuditorKey(mlkem=bytes.fromhex(key["mlkem768_seed_hex"]), x25519=bytes.fromhex(key["x25519_hex"]))
    (tmp_path / "auditor-a.key").write_bytes(encode_auditor_key(private))
    (tmp_path / "call.sealed").write_bytes(base64.b64decode(vector["sealed"]))
    return tmp_path


def test_an_auditor_works_on_the_base_install(sekisho: Sekisho, sealed: Path) -> None:
    """Opens the own share; neither key nor share is on any screen, and both are the auditor's alone."""
    ended = sekisho(*OPEN, base=True)
    assert (ended.returncode, ended.stdout) == (0, b"")
    share = json.loads((sealed / "share-a").read_bytes())["share"]
    assert share.encode() not in ended.stderr
    assert stat.S_IMODE((sealed / "share-a").stat().st_mode) == 0o600


def test_a_key_is_never_written_over(sekisho: Sekisho, sealed: Path) -> None:
    """What was sealed to it would be closed for good."""
    before = (sealed / "auditor-a.key").read_bytes()
    ended = sekisho("transcript", "new-key", "--name", "auditor-a", "--out", "auditor-a.key", base=True)
    assert ended.returncode == 2
    assert b"SKS-CLI-301" in ended.stderr
    assert (sealed / "auditor-a.key").read_bytes() == before


def test_what_cannot_be_opened_is_an_error_and_leaves_no_file(sekisho: Sekisho, sealed: Path) -> None:
    """Another file, or another auditor's share."""
    for bend in (lambda: None, lambda: (sealed / "call.sealed").write_bytes(b"noise")):
        bend()
        ended = sekisho(*(word.replace("auditor-a", "auditor-b") if word == "auditor-a" else word for word in OPEN))
        assert ended.returncode == 1
        assert b"error[SKS-LEDGER-04" in ended.stderr
        assert not (sealed / "share-a").exists()
