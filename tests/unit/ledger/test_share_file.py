"""The file that an auditor hands over: of one transcript, of one auditor, and of nothing else."""

import base64
import json
import os
from dataclasses import replace

import pytest

from sekisho.ledger import commit
from sekisho.ledger.auditor_key import AuditorKey
from sekisho.ledger.errors import SharesRefused, TranscriptRefused
from sekisho.ledger.sealed_header import Belonging
from sekisho.ledger.sealing import Sealer, unseal
from sekisho.ledger.share_file import collect_shares, decode_share, encode_share, open_own_share
from sekisho.trust import Auditor, Auditors

KEYS = {name: AuditorKey(mlkem=name.encode().ljust(64), x25519=name.encode().ljust(32)) for name in ("a", "b")}
AUDITORS = Auditors(threshold=2, members=tuple(Auditor(name=name, key=key.public) for name, key in KEYS.items()))


def seal(content: bytes) -> bytes:
    belonging = Belonging(
        log="sekisho.example/calls/gate-0", request_id=f"req_{1:026d}", request_commitment=commit(content, bytes(32))
    )
    sealer = Sealer(belonging, AUDITORS, request_salt=bytes(32), response_salt=bytes(32), randomness=os.urandom)
    return sealer.begin(len(content)) + sealer.add(content) + sealer.finish()


SEALED, OTHER = seal(b"one"), seal(b"other")
A, B = (open_own_share(SEALED, name, KEYS[name]) for name in "ab")


def test_share_files_open_the_transcript():
    """Each goes to a file and back; together they open it."""
    shares = [decode_share(encode_share(share)) for share in (B, A)]
    assert shares == [B, A]
    assert unseal(SEALED, collect_shares(SEALED, shares)).request == b"one"


def test_a_share_of_another_transcript_or_a_second_one_is_refused():
    """Before anything is put together, and with the name of its auditor."""
    other = open_own_share(OTHER, "b", KEYS["b"])
    with pytest.raises(SharesRefused, match="share of b is of another transcript"):
        collect_shares(SEALED, [A, other])
    with pytest.raises(SharesRefused, match="two shares of a"):
        collect_shares(SEALED, [A, A])
    # Who writes the right digest into it gains nothing: the sealed file commits to each share.
    with pytest.raises(SharesRefused, match="share of b is not the one"):
        unseal(SEALED, collect_shares(SEALED, [A, replace(other, transcript_sha256=A.transcript_sha256)]))


def test_a_share_does_not_show_when_it_is_printed():
    """A log line must not hold it."""
    assert A.share.hex() not in repr(A)
    assert base64.b64encode(A.share).decode() not in repr(A)


def _bent(**changed: object) -> bytes:
    return json.dumps(json.loads(encode_share(A)) | changed, separators=(",", ":"), sort_keys=True).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 10_000,
        encode_share(A) + b" ",
        b" " * 5_000 + encode_share(A),
        _bent(kind="sekisho-transcript-share/v2"),
        _bent(more=1),
        _bent(number="x"),
        _bent(number=True),
        _bent(auditor=1),
        _bent(share="%"),
        _bent(share=None),
    ],
)
def test_what_is_no_share_file_is_refused(data):
    """With an error that does not repeat it."""
    with pytest.raises(SharesRefused) as refused:
        decode_share(data)
    assert base64.b64encode(A.share).decode() not in str(refused.value)


def test_what_is_no_sealed_file_has_no_shares():
    """An error of ours, whatever it is."""
    with pytest.raises(TranscriptRefused):
        open_own_share(b"noise", "a", KEYS["a"])
