"""Receipts on the defender's side: every one is kept, whole, and nothing else of an answer."""

import json
import stat

import httpx2
import pytest

from sekisho.ledger.receipt import parse_receipt
from sekisho.sidecar import ReceiptFile, ReceiptNotKept, SekishoAuth, sign_in

RECEIPT = {
    "sekisho-request-id": "req-1",
    "sekisho-intent-index": "41",
    "sekisho-log": "calls/gate-0",
    "sekisho-promise": "v1 …",
}


def test_every_answer_s_receipt_is_a_line_that_check_receipt_reads(programme, tokens, tmp_path):
    """The challenge and the token's answer have none; a stream's is kept before its body is read."""
    path = tmp_path / "receipts.jsonl"
    programme.receipt = RECEIPT | {"sekisho-promise": "v1 a b"}
    keeping = SekishoAuth(tokens=tokens, keep_receipt=ReceiptFile(path).keep)
    with httpx2.Client(auth=keeping, trust_env=False) as http:
        assert http.post(f"{programme.origin}/v1/responses", json={"model": "m"}).status_code == 200
        with http.stream("POST", f"{programme.origin}/v1/responses", json={"model": "m"}) as stream:
            assert len(path.read_bytes().splitlines()) == 2
            stream.read()
    for line in path.read_bytes().splitlines():
        receipt = parse_receipt(line)
        assert (receipt.promise, receipt.index, receipt.log) == ("v1 a b", "41", "calls/gate-0")
        assert set(json.loads(line)) == set(RECEIPT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_answer_without_a_promise_leaves_no_line(tmp_path):
    """A denial proves itself by its own entry."""
    kept = ReceiptFile(tmp_path / "receipts")
    kept.keep({"sekisho-request-id": "req-1", "content-type": "x"})
    assert (tmp_path / "receipts").read_bytes() == b""


def test_what_a_server_sends_stays_one_line_of_ascii(tmp_path):
    """A header that holds a line's end, or what a terminal obeys, cannot forge a second receipt."""
    path = tmp_path / "receipts"
    ReceiptFile(path).keep(RECEIPT | {"sekisho-promise": 'x\n{"sekisho-promise": "y"}\u2028\x1b[2J' + "z" * 5000})
    (line,) = path.read_bytes().splitlines()
    assert line.isascii()
    assert json.loads(line)["sekisho-promise"].startswith('x\n{"')
    assert len(line) < 2000


def test_a_file_that_cannot_be_written_is_told_before_any_call_and_the_receipt_after_one(key_file, tmp_path):
    """No receipt is lost in silence: the error holds it."""
    with pytest.raises(ReceiptNotKept):
        sign_in(key_file=key_file, principal_id="p", issuer="http://i", asset=None, receipts=tmp_path)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReceiptNotKept):
        ReceiptFile(link)
    folder = tmp_path / "gone"
    folder.mkdir()
    kept = ReceiptFile(folder / "receipts")
    (folder / "receipts").unlink()
    folder.rmdir()
    with pytest.raises(ReceiptNotKept, match="calls/gate-0"):
        kept.keep(RECEIPT)
