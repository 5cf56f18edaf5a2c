"""A programme's papers, drafted and signed on the command line alone."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.cli import document
from sekisho.cli.document import DocumentFileRefused, Kind, NotSignedYet
from sekisho.cli.party import write_key
from sekisho.core import SteadyClock, Window, format_utc
from sekisho.formats import dsse
from sekisho.formats.dsse import EnvelopeRefused
from sekisho.formats.jcs import JsonRefused
from sekisho.trust import (
    CharterNotInForce,
    CharterOpensEarly,
    DocumentRefused,
    HoldRefused,
    PartyKey,
    QuorumNotMet,
    SignatureRefused,
    key_payload,
    pin_charter,
    raw_key,
)
from sekisho.trust.documents import READERS

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
YEAR = Window(opens=AT - timedelta(days=1), closes=AT + timedelta(days=364))
ROLES = {"lab-a": "lab", "home-gov": "home", "partner-gov": "partner"}
HOLD = {
    "id": "hld_1",
    "programme": "sekisho.example",
    "placed_by": "partner-gov",
    "target": {"kind": "lab", "id": "lab-a"},
    "basis": "鍵が公開されていたため。",
    "placed_at": format_utc(AT),
    "lapses_at": format_utc(AT + timedelta(hours=1)),
}


def _key(name):
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))


def _charter():
    window = {"opens": format_utc(YEAR.opens), "closes": format_utc(YEAR.closes)}
    parties = [
        {"name": name, "role": role, "keys": [key_payload(PartyKey(raw=raw_key(_key(name).public_key()), window=YEAR))]}
        for name, role in ROLES.items()
    ]
    origin = "sekisho.example/decisions"
    return {
        "programme": "sekisho.example",
        "version": 1,
        "previous": None,
        "valid": window,
        "parties": parties,
        "rules": {"grant": {"all": [{"lab_of_accord": True}, {"role": "home"}]}},
        "ledger": {"decisions": {"origin": origin, "vkey": f"{origin}+12345678+{'A' * 44}"}},
        "labs": [{"party": "lab-a", "models": ["cyber-1"]}],
        "hold_term_s": 3600,
    }


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Keys of all parties, a charter's and a hold's payload; the clock stands at AT."""
    monkeypatch.setattr(document, "SystemClock", lambda: SteadyClock(AT))
    for name in (*ROLES, "stranger"):
        write_key(tmp_path / f"{name}.pem", _key(name))
    (tmp_path / "charter.json").write_text(json.dumps(_charter(), indent=4))
    (tmp_path / "hold.json").write_text(json.dumps(HOLD, ensure_ascii=False, indent=1), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(*args):
    return CliRunner().invoke(document.app, args, catch_exceptions=False)


def _sign(file, kind, party, *, out=None, key=None):
    return _run(
        "sign", file, "--kind", kind, "--party", party, "--key", f"{key or party}.pem", *(["--out", out] if out else [])
    )


def _signed_charter():
    _sign("charter.json", "charter", "lab-a", out="charter.dsse")
    _sign("charter.dsse", "charter", "home-gov", out="charter.dsse")


def test_parties_sign_one_after_the_other(folder):
    """The first signature seals the payload, whatever its spelling; the next is added in place; then it pins."""
    _signed_charter()
    envelope = dsse.decode((folder / "charter.dsse").read_bytes())
    assert [signature.party for signature in envelope.signatures] == ["lab-a", "home-gov"]
    assert pin_charter(envelope, at=AT).programme == "sekisho.example"
    assert sorted(path.name for path in folder.iterdir() if path.suffix not in (".pem", ".json")) == ["charter.dsse"]


def test_without_out_the_envelope_is_all_there_is_on_standard_output(folder):
    """Data to stdout, the rest to stderr, so that a pipe works."""
    result = _sign("hold.json", "hold", "partner-gov")
    envelope = dsse.decode(result.stdout.encode())
    assert envelope.digest in result.stderr
    assert json.loads(envelope.payload) == HOLD


@pytest.mark.parametrize(
    ("bend", "error"),
    [
        (lambda h: h.pop("basis"), DocumentRefused),
        (lambda h: h.update(basis=""), DocumentRefused),
        (lambda h: h.update(extra=1), DocumentRefused),
        (lambda h: h.update(basis=1.5), JsonRefused),
    ],
)
def test_a_malformed_document_is_not_signed(folder, bend, error):
    """A signature under nonsense would be refused by everybody; it is refused before it is made."""
    payload = dict(HOLD)
    bend(payload)
    (folder / "hold.json").write_text(json.dumps(payload))
    with pytest.raises(error):
        _sign("hold.json", "hold", "partner-gov", out="hold.dsse")
    assert not (folder / "hold.dsse").exists()


def test_a_document_is_signed_as_the_kind_that_it_is(folder):
    """A hold is not signed as a charter, sealed or not."""
    with pytest.raises(DocumentRefused):
        _sign("hold.json", "charter", "partner-gov")
    _sign("hold.json", "hold", "partner-gov", out="hold.dsse")
    with pytest.raises(DocumentFileRefused, match="is a hold"):
        _sign("hold.dsse", "grant", "home-gov")
    assert _run("sign", "hold.json", "--kind", "amnesty", "--party", "lab-a", "--key", "lab-a.pem").exit_code == 2


def test_a_key_signs_once(folder):
    """A second signature by the same key is refused and leaves the file as it was."""
    _sign("hold.json", "hold", "partner-gov", out="hold.dsse")
    before = (folder / "hold.dsse").read_bytes()
    with pytest.raises(DocumentFileRefused, match="already"):
        _sign("hold.dsse", "hold", "partner-gov", out="hold.dsse")
    assert (folder / "hold.dsse").read_bytes() == before


def test_nobodys_signature_is_written_over(folder):
    """Signing the draft again into the file that another party signed would lose that party's signature."""
    _sign("charter.json", "charter", "lab-a", out="charter.dsse")
    before = (folder / "charter.dsse").read_bytes()
    with pytest.raises(DocumentFileRefused, match="is there") as caught:
        _sign("charter.json", "charter", "home-gov", out="charter.dsse")
    assert "charter.dsse" in caught.value.hint
    assert (folder / "charter.dsse").read_bytes() == before


def test_a_draft_can_be_looked_at_before_anybody_signs(folder):
    """With its kind, a payload is shown and judged as if it were an envelope without signatures."""
    _signed_charter()
    with pytest.raises(HoldRefused, match="has not signed"):
        _run("show", "hold.json", "--kind", "hold", "--charter", "charter.dsse")
    shown = json.loads(_run("show", "hold.json", "--kind", "hold", "--json").stdout)
    assert shown["signatures"] == []
    assert shown["payload"] == HOLD
    with pytest.raises(DocumentFileRefused, match="is a charter"):
        _run("show", "charter.dsse", "--kind", "hold")


def test_a_charter_that_opens_before_its_keys_is_not_enough(folder):
    """An auditor judges it at its opening, so signatures by keys that open later would count for nothing."""
    charter = _charter()
    charter["valid"]["opens"] = format_utc(YEAR.opens - timedelta(hours=1))
    (folder / "charter.json").write_text(json.dumps(charter))
    _signed_charter()
    with pytest.raises(CharterOpensEarly, match="nobody"):
        _run("show", "charter.dsse")


def test_files_that_are_not_there_or_no_documents_are_refused(folder):
    """Each with an error of ours."""
    with pytest.raises(DocumentFileRefused):
        _sign("absent.json", "hold", "partner-gov")
    with pytest.raises(DocumentFileRefused):
        _sign("hold.json", "hold", "partner-gov", out="no/folder")
    (folder / "rubbish").write_bytes(b"\xff")
    with pytest.raises(JsonRefused):
        _run("show", "rubbish")
    with pytest.raises(NotSignedYet):
        _run("show", "hold.json")
    (folder / "half").write_text('{"payloadType": "application/vnd.sekisho.hold.v1+json"}')
    with pytest.raises(EnvelopeRefused):
        _run("show", "half")


def test_show_says_what_it_is_and_who_signed(folder):
    """Kind, digest, signers and payload; without a charter no verdict is given."""
    _sign("hold.json", "hold", "partner-gov", out="hold.dsse")
    shown = json.loads(_run("show", "hold.dsse", "--json").stdout)
    assert shown["kind"] == "hold"
    assert shown["digest"] == dsse.decode((folder / "hold.dsse").read_bytes()).digest
    assert [signature["party"] for signature in shown["signatures"]] == ["partner-gov"]
    assert shown["judged_by"] is None
    assert shown["verdict"].startswith("not judged")
    assert shown["payload"] == HOLD


def test_show_judges_by_a_charter(folder):
    """With the charter given, the verdict is the charter's."""
    _signed_charter()
    _sign("hold.json", "hold", "partner-gov", out="hold.dsse")
    result = _run("show", "hold.dsse", "--charter", "charter.dsse", "--json")
    assert json.loads(result.stdout)["verdict"] == "enough"
    assert result.exit_code == 0


def test_show_judges_a_charter_by_its_own_rule(folder):
    """Half signed, it is shown, and the error says who is missing."""
    _sign("charter.json", "charter", "lab-a", out="charter.dsse")
    with pytest.raises(QuorumNotMet, match="missing: home-gov"):
        _run("show", "charter.dsse")
    _sign("charter.dsse", "charter", "home-gov", out="charter.dsse")
    assert "verdict: enough" in _run("show", "charter.dsse").stdout


def test_a_refused_document_is_still_shown(folder, capsys):
    """People need to see what was refused; the refusal ends the command with 1."""
    _signed_charter()
    _sign("hold.json", "hold", "partner-gov", out="hold.dsse", key="home-gov")
    with pytest.raises(SignatureRefused) as caught:
        document.show(folder / "hold.dsse", charter=folder / "charter.dsse", as_json=True)
    assert caught.value.exit_code == 1
    shown = json.loads(capsys.readouterr().out)
    assert "signed as partner-gov" in shown["verdict"]
    assert shown["payload"] == HOLD


def test_an_expired_charter_judges_nothing(folder, monkeypatch):
    """The same files a year later."""
    _signed_charter()
    _sign("hold.json", "hold", "partner-gov", out="hold.dsse")
    monkeypatch.setattr(document, "SystemClock", lambda: SteadyClock(YEAR.closes))
    with pytest.raises(CharterNotInForce):
        _run("show", "hold.dsse", "--charter", "charter.dsse")


def test_what_people_see_cannot_move_the_screen(folder):
    """The payload is printed in ASCII: what a stranger wrote into it stays letters and escapes."""
    _sign("hold.json", "hold", "partner-gov", out="hold.dsse")
    shown = _run("show", "hold.dsse").stdout
    assert shown[shown.index("{") :].isascii()
    assert "\\u9375" in shown


def test_every_kind_can_be_named():
    """The option's values are the kinds that trust reads."""
    assert {kind.value for kind in Kind} == set(READERS)
