"""`sekisho ledger check-receipt`: an exit code and a sentence for each outcome, and the file that shows it."""

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from sekisho.cli.ledger import app
from sekisho.cli.ledger.check_receipt import ReceiptUnreadable
from sekisho.ledger import Entry, EntryKind, Log, encode_entry
from sekisho.ledger.broken_promise import EvidenceRefused
from sekisho.ledger.promise import Promise, parse_promise, sign_promise
from sekisho.ledger.receipt import ReceiptRefused
from sekisho.server.system import SystemClock
from sekisho.tlog.merkle import hash_leaf
from sekisho.tlog.note import NoteSigner
from sekisho.tlog.proof import parse_proof

ORIGIN = "sekisho.example/calls/gate-0"
KEY = Ed25519PrivateKey.from_private_bytes(b"calls".ljust(32))


@pytest.fixture
def data(tmp_path, ids, monkeypatch):
    """A data directory with a calls log of one intent; commands run beside it."""
    monkeypatch.chdir(tmp_path)
    open_log(tmp_path, "decisions", Ed25519PrivateKey.generate(), opening(ids))
    open_log(tmp_path, "calls/gate-0", KEY, intent(ids))
    return tmp_path


def open_log(data, name, key, entry):
    log = Log.open(
        store=data / f"{name.replace('/', '-')}.db",
        public=data / "ledger" / name,
        origin=f"sekisho.example/{name}",
        key=key,
        clock=SystemClock(),
    )
    log.append(entry).result()
    log.close()


def opening(ids):
    vkey = NoteSigner(ORIGIN, KEY).verifier.vkey
    body = {"log": "calls/gate-0", "origin": ORIGIN, "vkey": vkey}
    return Entry(kind=EntryKind.CALLS_LOG_OPENED, at=SystemClock().now(), id=ids.new("ent"), body=body)


def intent(ids):
    texts = ("institution", "principal", "grant", "lab", "model", "surface", "asset", "technique")
    counts = ("request_size_bytes", "reserved_tokens", "decisions_size", "snapshot_version")
    body = dict.fromkeys(texts, "x") | dict.fromkeys(counts, 0)
    body |= {"request_id": "req-1", "case": None, "request_commitment": f"sha256:{'0' * 64}"}
    body |= {"decisions_root": "A" * 43 + "=", "snapshot_sha256": "0" * 64}
    return Entry(kind=EntryKind.CALL_INTENDED, at=SystemClock().now(), id="ent_" + "0" * 26, body=body)


def receipt(data, *, leaf_hash=None, index=0, age=timedelta(0)):
    """Write the headers of an answer to a file."""
    if leaf_hash is None:
        bundle = (data / "ledger/calls/gate-0/tile/entries/000.p/1").read_bytes()
        leaf_hash = hash_leaf(bundle[2:])
    promise = Promise(
        origin=ORIGIN,
        request_id="req-1",
        index=index,
        leaf_hash=leaf_hash,
        at=SystemClock().now() - age,
        max_delay_s=600,
    )
    line = sign_promise(promise, NoteSigner(ORIGIN, KEY))
    file = data / "headers"
    file.write_bytes(f"HTTP/1.1 200 OK\r\nsekisho-request-id: req-1\r\nsekisho-promise: {line}\r\n\r\n".encode())
    return file


def run(*arguments, text=None):
    result = CliRunner().invoke(app, ["check-receipt", *map(str, arguments)], input=text)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_kept_exits_0_and_writes_the_proof(data):
    """The proof lies in a new file, named by the index alone; nothing is overwritten."""
    file = receipt(data)
    code, output = run(file, data)
    assert code == 0
    assert "KEPT" in output
    assert "self-consistent" in output
    proof = parse_proof((data / "receipt-0.tlog-proof").read_bytes())
    assert proof.index == 0
    with pytest.raises(ReceiptUnreadable):
        run(file, data)
    code, output = run("-", data, "--out", data / "new", "--json", text=file.read_text())
    assert (code, json.loads(output)["outcome"]) == (0, "kept")
    assert json.loads(output)["entry"]["request_id"] == "req-1"
    assert (data / "new").read_bytes() == (data / "receipt-0.tlog-proof").read_bytes()


def test_not_yet_due_exits_3_and_writes_nothing(data):
    """The log has its time."""
    code, output = run(receipt(data, index=5), data)
    assert code == 3
    assert "NOT YET DUE" in output
    assert not list(data.glob("receipt-*"))


@pytest.mark.parametrize(
    ("changed", "breach"),
    [({"leaf_hash": b"x" * 32}, "other-leaf"), ({"index": 5, "age": timedelta(hours=1)}, "not-covered")],
)
def test_broken_exits_1_with_evidence_that_a_third_party_judges(data, changed, breach):
    """The same command judges the evidence, by the key that the decisions log has on record."""
    file = receipt(data, **changed)
    code, output = run(file, data, "--json", "--out", data / "evidence")
    told = json.loads(output)
    assert (code, told["outcome"], told["breach"]) == (1, "broken", breach)
    code, output = run(data / "evidence", data)
    assert code == 1
    assert "BROKEN" in output
    held = json.loads((data / "evidence").read_bytes())
    honest = receipt(data).read_text().rpartition("sekisho-promise: ")[2].strip()
    assert parse_promise(honest).promise.index == 0
    (data / "evidence").write_text(json.dumps(held | {"promise": honest}))
    with pytest.raises(EvidenceRefused):
        run(data / "evidence", data)


def test_a_forged_receipt_is_a_refusal_with_exit_2(data):
    """No verdict on the log: somebody else wrote this."""
    file = receipt(data)
    file.write_bytes(file.read_bytes().replace(b" 0 ", b" 1 "))
    with pytest.raises(ReceiptRefused) as refused:
        run(file, data)
    assert refused.value.exit_code == 2
    with pytest.raises(ReceiptUnreadable):
        run(data / "nowhere", data)


def test_the_intent_of_the_fixture_is_one(ids):
    """Else the tests above would show nothing."""
    assert encode_entry(intent(ids))
