"""Making a data directory: once, private, whole, or a coded refusal."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from sekisho.server import setup
from sekisho.server.places import DataDir
from sekisho.server.setup import (
    DEFAULT_SETTINGS,
    SetupRefused,
    prepare,
    read_credential,
    read_key,
    read_settings,
    write_private,
)


@pytest.fixture
def places(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "d")


def _contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_preparing_again_changes_no_byte(places: DataDir) -> None:
    """A key is never replaced behind a log's back, nor a setting that the operator chose first."""
    chosen = prepare(places, replace(DEFAULT_SETTINGS, programme="one.example", control_port=1))
    before = _contents(places.root)
    assert prepare(places, replace(DEFAULT_SETTINGS, programme="two.example", control_port=2)) == chosen
    assert _contents(places.root) == before


def test_what_is_private_is_the_owners_alone(places: DataDir) -> None:
    """0700 for folders, 0600 for every file, whatever the umask; the ledger is the members'."""
    old = os.umask(0)
    try:
        prepare(places, DEFAULT_SETTINGS)
    finally:
        os.umask(old)
    for folder in (places.root, places.run, places.control, places.gate("gate-0"), places.ledger):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in places.root.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_every_secret_is_its_own(places: DataDir, tmp_path: Path) -> None:
    """No two keys or credentials are equal, within a directory or between two."""
    other = DataDir(tmp_path / "other")
    secrets = []
    for made in (places, other):
        prepare(made, DEFAULT_SETTINGS)
        files = (made.ledger_key, made.token_key, made.gate("gate-0") / "ledger.pem", made.office_token)
        secrets += [path.read_bytes() for path in (*files, made.link_token("gate-0"))]
    assert len(set(secrets)) == len(secrets) == 10


def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    """The kernel's limit, found at the first start and not by a gate that cannot connect."""
    places = DataDir(tmp_path / ("x" * 120))
    with pytest.raises(SetupRefused):
        prepare(places, DEFAULT_SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file where a folder should be, or below one."""
    (tmp_path / "file").write_text("")
    for root in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SetupRefused):
            prepare(DataDir(root), DEFAULT_SETTINGS)


def test_a_disk_that_refuses_at_any_file_is_a_refusal_of_ours(places: DataDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only folder fails at the first file, a full disk at any; what is there then is still good."""
    allowed = 0
    real = os.open

    def failing(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        nonlocal allowed
        if flags & os.O_CREAT:
            allowed -= 1
            if allowed < 0:
                raise OSError(30, "Read-only file system")
        return real(path, flags, mode, **more)

    monkeypatch.setattr(setup.os, "open", failing)
    half_made = [DataDir(places.root / str(count)) for count in range(8)]
    for count, made in enumerate(half_made):
        allowed = count
        with pytest.raises(SetupRefused, match="Read-only"):
            prepare(made, DEFAULT_SETTINGS)
    monkeypatch.undo()
    for made in half_made:
        prepare(made, DEFAULT_SETTINGS)
        read_key(made.ledger_key)
        read_credential(made.office_token)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"programme": 1}',
        b'{"programme": "a", "programme": "b"}',
    ],
)
def test_damaged_settings_are_refused(places: DataDir, damaged: bytes) -> None:
    """By name, so that the operator knows which file to put back."""
    prepare(places, DEFAULT_SETTINGS)
    places.settings.write_bytes(damaged)
    with pytest.raises(SetupRefused, match=r"settings\.json"):
        read_settings(places)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("control_port", 65_536),
        ("control_port", -1),
        ("gate_port", 2**40),
        ("gate_admin_port", True),
        ("control_port", "8440"),
        ("programme", ""),
        ("programme", "Two Words"),
        ("programme", "a/b"),
        ("programme", "a+b"),
        ("programme", "x" * 200),
        ("control_host", None),
    ],
)
def test_settings_that_nothing_can_be_served_with_are_refused(places: DataDir, name: str, value: Any) -> None:
    """In the file, and before a ledger is made under a name that no charter can take."""
    if type(value) is type(getattr(DEFAULT_SETTINGS, name)):
        with pytest.raises(SetupRefused):
            prepare(places, replace(DEFAULT_SETTINGS, **{name: value}))
        assert not places.root.exists()
    prepare(places, DEFAULT_SETTINGS)
    settings = json.loads(places.settings.read_bytes())
    places.settings.write_text(json.dumps({**settings, name: value}))
    with pytest.raises(SetupRefused):
        read_settings(places)


def test_no_directory_says_how_to_make_one(places: DataDir) -> None:
    """The commonest mistake has its own hint."""
    with pytest.raises(SetupRefused) as refused:
        read_settings(places)
    assert "sekisho serve" in refused.value.hint


@given(cut=st.integers(0, 46))
def test_a_credential_is_whole_or_refused(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """A file cut to nothing would be an empty credential, and let in whoever sends none."""
    path = tmp_path_factory.mktemp("c") / "office.token"
    path.write_bytes((f"sko_{'a' * 43}"[:cut] + "\n").encode())
    with pytest.raises(SetupRefused):
        read_credential(path)


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    """Absent, empty, rubbish, P-256, and one under a password."""
    key = Ed25519PrivateKey.generate()
    files = {
        "empty": b"",
        "rubbish": b"\x00\xff",
        "p256": generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "locked": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    for name in (*files, "absent"):
        with pytest.raises(SetupRefused):
            read_key(tmp_path / name)


@pytest.mark.parametrize("call", ["open", "fsync"])
def test_a_write_that_fails_leaves_the_old_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The old or the new, whole; no half of a secret under another name."""
    path = tmp_path / "key"
    write_private(path, b"old")

    def failing(*_arguments: Any, **_more: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(setup.os, call, failing)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    monkeypatch.undo()
    assert _contents(tmp_path) == {"key": b"old"}
    write_private(path, b"new")
    assert _contents(tmp_path) == {"key": b"new"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_ledger_is_closed_in_a_folder_that_is_open(tmp_path: Path) -> None:
    """It tells call volumes: a data directory that an operator made with mode 0755 must not show them to every user."""
    (tmp_path / "data").mkdir(mode=0o755)
    places = DataDir(tmp_path / "data")
    prepare(places, DEFAULT_SETTINGS)
    assert stat.S_IMODE(places.ledger.stat().st_mode) == 0o700
