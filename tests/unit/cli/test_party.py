import json
import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from sekisho.cli import party
from sekisho.cli.party import KeyFileRefused, read_key, write_key
from sekisho.formats import dsse
from sekisho.trust import DocumentRefused, raw_key
from sekisho.trust.party import check_key, read_party


def _run(*args):
    return CliRunner().invoke(party.app, args, catch_exceptions=False)


def test_a_new_key_is_its_owners_alone_and_its_entry_fits_a_charter(tmp_path):
    """Mode 0600, and the printed entry is one that a charter lists, of the key in the file."""
    out = tmp_path / "home-gov.pem"
    printed = json.loads(_run("keygen", "--party", "home-gov", "--out", str(out), "--json").stdout)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    entry = read_party({"name": printed["party"], "role": "home", "keys": [printed["key"]]})
    public_key = read_key(out).public_key()
    assert entry.keys[0].raw == raw_key(public_key)
    assert printed["key_id"] == dsse.key_id_of(public_key)
    check_key(entry.keys[0].raw)


def test_standard_output_is_the_entry_and_nothing_else(tmp_path):
    """`keygen > japan.json` is what goes into the charter's list of keys; whose it is goes to people."""
    out = tmp_path / "japan.pem"
    result = _run("keygen", "--party", "japan", "--out", str(out))
    entry = read_party({"name": "japan", "role": "home", "keys": [json.loads(result.stdout)]})
    assert entry.keys[0].raw == raw_key(read_key(out).public_key())
    assert entry.keys[0].key_id in result.stderr
    assert entry.keys[0].window.opens.microsecond == 0


def test_the_private_key_is_not_printed(tmp_path):
    """People read the output aloud and paste it."""
    out = tmp_path / "key.pem"
    printed = _run("keygen", "--party", "lab-a", "--out", str(out)).output
    assert "PRIVATE" not in printed
    assert out.read_text().splitlines()[1] not in printed


def test_a_key_that_is_there_is_never_replaced(tmp_path):
    """It may be the only one that a charter knows; a link to another file is not followed either."""
    out = tmp_path / "key.pem"
    _run("keygen", "--party", "lab-a", "--out", str(out))
    before = out.read_bytes()
    link = tmp_path / "link.pem"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (out, link, tmp_path / "no" / "folder.pem"):
        with pytest.raises(KeyFileRefused):
            _run("keygen", "--party", "lab-a", "--out", str(path))
    assert out.read_bytes() == before
    assert not (tmp_path / "elsewhere").exists()


def test_a_name_that_no_charter_takes_makes_no_key(tmp_path):
    """Refused before anything is written."""
    with pytest.raises(DocumentRefused):
        _run("keygen", "--party", "Home Gov", "--out", str(tmp_path / "key.pem"))
    assert list(tmp_path.iterdir()) == []


def test_two_keys_differ(tmp_path):
    """Each call draws a new one."""
    for name in ("a", "b"):
        _run("keygen", "--party", "lab-a", "--out", str(tmp_path / name))
    assert raw_key(read_key(tmp_path / "a").public_key()) != raw_key(read_key(tmp_path / "b").public_key())


def test_a_file_that_holds_no_ed25519_key_is_refused(tmp_path):
    """Nothing, rubbish, a key under a password, a key of another kind."""
    p256 = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
    for name, data in (("empty", b""), ("rubbish", b"\x00\xff"), ("p256", p256), ("encrypted", encrypted)):
        (tmp_path / name).write_bytes(data)
    for name in ("empty", "rubbish", "p256", "encrypted", "absent"):
        with pytest.raises(KeyFileRefused):
            read_key(tmp_path / name)


def test_a_written_key_reads_back(tmp_path):
    """write_key and read_key are inverse."""
    key = Ed25519PrivateKey.generate()
    write_key(tmp_path / "key.pem", key)
    assert raw_key(read_key(tmp_path / "key.pem").public_key()) == raw_key(key.public_key())
