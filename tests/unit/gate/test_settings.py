"""The gate's own files."""

import json

import pytest

from sekisho.core import SekishoError
from sekisho.gate.errors import BadSettings
from sekisho.gate.settings import check_origin, read_secret, read_settings, read_upstreams

GATE = {
    "slot": "gate-0",
    "host": "127.0.0.1",
    "port": 0,
    "admin_port": 0,
    "origin": None,
    "programme": "sekisho.example",
    "control_socket": "/srv/gate.sock",
    "run_file": "/srv/run.json",
    "max_body_bytes": 1000,
}
LAB = {"party": "lab-a", "base_url": "https://lab.example/v", "dialect": "openai", "credential": "sk-secret-0123456789"}


def write(path, value, mode=0o600):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    path.chmod(mode)
    return path


def test_settings_are_read_for_their_own_slot(tmp_path):
    """The file is found by slot and says the same slot."""
    write(tmp_path / "gate-0" / "gate.json", GATE)
    settings = read_settings(tmp_path, "gate-0")
    assert (settings.log_name, settings.log_origin) == ("calls/gate-0", "sekisho.example/calls/gate-0")
    assert settings.public == tmp_path / "ledger" / "calls" / "gate-0"
    for slot in ("gate-1", "../gate-0", "", "Gate"):
        with pytest.raises(BadSettings):
            read_settings(tmp_path, slot)


@pytest.mark.parametrize(
    "change", [{"port": 70_000}, {"port": "80"}, {"host": ""}, {"origin": "https://gate.example/"}, {"slot": "gate-9"}]
)
def test_what_is_wrong_in_the_file_is_named(tmp_path, change):
    """A gate that guessed its origin would take tokens that are not for it."""
    write(tmp_path / "gate-0" / "gate.json", GATE | change)
    with pytest.raises(BadSettings):
        read_settings(tmp_path, "gate-0")


@pytest.mark.parametrize("origin", ["gate.example", "ftp://gate.example", "https://a/b", "https://u@a?x", "https://"])
def test_an_origin_has_one_spelling(origin):
    """RFC 6454: scheme, host, port."""
    with pytest.raises(BadSettings):
        check_origin(origin)


def test_credentials_are_read_once_and_never_shown(tmp_path):
    """Invariant 3: the value of a lab does not print its secret."""
    path = write(tmp_path / "labs.json", {"labs": [LAB]})
    upstream = read_upstreams(path)["lab-a"]
    assert upstream.credential == LAB["credential"]
    assert LAB["credential"] not in repr(upstream)
    assert upstream.endpoint.base_path == "/v"


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "file:///etc/passwd"},
        {"base_url": "http://user:pass@lab.example"},
        {"dialect": "smtp"},
        {"credential": "two\r\nlines"},
        {"credential": ""},
        {"party": 7},
    ],
)
def test_a_lab_that_could_not_be_called_is_refused_at_the_start(tmp_path, change):
    """And the message does not repeat the credential."""
    path = write(tmp_path / "labs.json", {"labs": [LAB | change]})
    with pytest.raises(SekishoError) as refused:
        read_upstreams(path)
    assert "sk-secret" not in str(refused.value)
    assert "lines" not in str(refused.value)


def test_credentials_that_others_can_read_are_refused(tmp_path):
    """A file of secrets is its owner's alone."""
    path = write(tmp_path / "labs.json", {"labs": [LAB]}, mode=0o644)
    with pytest.raises(BadSettings):
        read_upstreams(path)


def test_a_lab_is_named_once(tmp_path):
    """Two addresses for one lab would make the gate choose."""
    with pytest.raises(BadSettings):
        read_upstreams(write(tmp_path / "labs.json", {"labs": [LAB, LAB]}))


def test_a_secret_is_one_visible_line(tmp_path):
    """The link's secret goes into a frame as it is."""
    path = tmp_path / "link.token"
    path.write_text("skl_abc\n")
    assert read_secret(path) == "skl_abc"
    path.write_text("a b\nc")
    with pytest.raises(BadSettings):
        read_secret(path)
