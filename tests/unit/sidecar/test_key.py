"""The key file: of its owner alone, one kind of content, never overwritten."""

import os
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sekisho.sidecar import KeyFileRefused, load_key, make_key


@pytest.mark.parametrize(("kind", "alg"), [("p256", "ES256"), ("ed25519", "Ed25519")])
def test_a_key_is_made_once_and_read_again(tmp_path, kind, alg):
    """0600 whatever the umask, the same key when it is read."""
    path = tmp_path / "key.pem"
    before = os.umask(0)
    try:
        made = make_key(path, kind=kind)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert made.public.alg == alg
    assert load_key(path).public == made.public
    with pytest.raises(KeyFileRefused, match="exists"):
        make_key(path, kind=kind)
    assert load_key(path).public == made.public


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666, 0o644])
def test_a_file_that_others_may_open_is_refused(tmp_path, mode):
    """A key that others could read is spent: loading it would hide that."""
    path = tmp_path / "key.pem"
    make_key(path)
    path.chmod(mode)
    with pytest.raises(KeyFileRefused, match=f"{mode:04o}"):
        load_key(path)


def test_links_folders_and_pipes_are_refused(tmp_path):
    """What is opened is what was checked: no link to follow, nothing that blocks or never ends."""
    make_key(tmp_path / "key.pem")
    (tmp_path / "link.pem").symlink_to(tmp_path / "key.pem")
    os.mkfifo(tmp_path / "pipe.pem", 0o600)
    for name in ("link.pem", "pipe.pem", ".", "missing.pem"):
        with pytest.raises(KeyFileRefused):
            load_key(tmp_path / name)
    with pytest.raises(KeyFileRefused):
        make_key(tmp_path / "no" / "folder.pem")
    (tmp_path / "dangling.pem").symlink_to(tmp_path / "elsewhere.pem")
    with pytest.raises(KeyFileRefused):
        make_key(tmp_path / "dangling.pem")
    assert not (tmp_path / "elsewhere.pem").exists()


def pem_of(key, encryption=None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def contents() -> dict[str, bytes]:
    other_curve = generate_private_key(SECP384R1())
    return {
        "empty": b"",
        "text": b"secret words",
        "large": b"x" * 5000,
        "p384": pem_of(other_curve),
        "rsa": pem_of(generate_rsa(65537, 2048)),
        "encrypted": pem_of(other_curve, BestAvailableEncryption(b"x")),
        "public": other_curve.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }


def test_what_is_no_key_of_ours_is_refused_and_not_repeated(tmp_path):
    """Another kind of key, a locked one, half a file: a coded error that says nothing of the content."""
    from sekisho.tokens import KeyRefused

    for name, content in contents().items():
        path = tmp_path / f"{name}.pem"
        path.touch(mode=0o600)
        path.write_bytes(content)
        with pytest.raises((KeyFileRefused, KeyRefused)) as refused:
            load_key(path)
        assert "secret words" not in str(refused.value)
        assert refused.value.__cause__ is None
