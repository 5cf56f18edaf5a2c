"""A sealed transcript opens for m of its auditors, whole and as it was, and for nobody else in no other form."""

import itertools
import json
import os
import struct
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.ledger import commit
from sekisho.ledger.auditor_key import AuditorKey, decode_auditor_key, encode_auditor_key, public_key_of
from sekisho.ledger.errors import AuditorKeyFileRefused, CommitmentRefused, SharesRefused, TranscriptRefused
from sekisho.ledger.sealed_header import MAGIC, Belonging, decode_header, open_share
from sekisho.ledger.sealing import CHUNK_SIZE_BYTES, TAG_SIZE_BYTES, Sealer, check_transcript, unseal
from sekisho.trust import Auditor, AuditorKeyRefused, Auditors

NAMES = ("auditor-a", "auditor-b", "auditor-c")
KEYS = {name: AuditorKey(mlkem=name.encode().ljust(64), x25519=name.encode().ljust(32)) for name in NAMES}
AUDITORS = Auditors(threshold=2, members=tuple(Auditor(name=name, key=KEYS[name].public) for name in NAMES))
REQUEST_SALT, RESPONSE_SALT = b"q" * 32, b"a" * 32
REQUEST_ID = "req_00000000000000000000000001"
STEP = CHUNK_SIZE_BYTES + TAG_SIZE_BYTES


def belonging(request: bytes, request_id: str = REQUEST_ID) -> Belonging:
    return Belonging(
        log="sekisho.example/calls/gate-0", request_id=request_id, request_commitment=commit(request, REQUEST_SALT)
    )


def seal(request: bytes, *answers: bytes, auditors: Auditors = AUDITORS, request_id: str = REQUEST_ID) -> bytes:
    """Return a sealed transcript, the answer taken in pieces."""
    sealer = Sealer(
        belonging(request, request_id),
        auditors,
        request_salt=REQUEST_SALT,
        response_salt=RESPONSE_SALT,
        randomness=os.urandom,
    )
    parts = [sealer.begin(len(request)), *(sealer.add(piece) for piece in (request, *answers)), sealer.finish()]
    return b"".join(parts)


def shares(sealed: bytes, *names: str) -> dict[str, bytes]:
    header, _ = decode_header(sealed)
    return {name: open_share(header, name, KEYS[name]) for name in names}


def opened(sealed: bytes, *names: str):
    return unseal(sealed, shares(sealed, *(names or NAMES[:2])))


SEALED = seal(b"a question", b"an ", b"answer")


@given(
    request=st.binary(max_size=200), answers=st.lists(st.binary(max_size=200), max_size=5), names=st.permutations(NAMES)
)
@settings(max_examples=25)
def test_what_is_sealed_opens_for_any_m(request, answers, names):
    """However the answer was cut, and whoever of the auditors opens it."""
    transcript = opened(seal(request, *answers), *names[:2])
    assert (transcript.request, transcript.response) == (request, b"".join(answers))
    check_transcript(
        transcript,
        belonging(request),
        response_commitment=commit(b"".join(answers), RESPONSE_SALT),
        response_size_bytes=sum(map(len, answers)),
    )


@pytest.mark.parametrize("size", [CHUNK_SIZE_BYTES * n - 72 + d for n in (1, 2, 3) for d in (-1, 0, 1)])
def test_every_size_around_a_full_chunk_opens(size):
    """And has one file: a full last chunk is the last, none is empty."""
    content = os.urandom(size)
    for request, answer in ((content, b""), (b"", content), (content[:7], content[7:])):
        sealed = seal(request, answer)
        transcript = opened(sealed)
        assert (transcript.request, transcript.response) == (request, answer)
        _, start = decode_header(sealed)
        assert len(sealed) - start == size + 72 + TAG_SIZE_BYTES * -(-(size + 72) // CHUNK_SIZE_BYTES)


def test_fewer_than_m_auditors_cannot_open_it():
    """Nor can one who brings a share twice under two names."""
    with pytest.raises(SharesRefused, match="needs 2"):
        unseal(SEALED, shares(SEALED, "auditor-a"))
    with pytest.raises(SharesRefused, match="needs 2"):
        unseal(SEALED, {})
    twice = shares(SEALED, "auditor-a")["auditor-a"]
    with pytest.raises(SharesRefused, match="auditor-b"):
        unseal(SEALED, {"auditor-a": twice, "auditor-b": twice})


def test_a_false_share_is_refused_by_its_auditors_name():
    """So that the others know who gave it."""
    held = shares(SEALED, "auditor-a", "auditor-b")
    bent = held | {"auditor-b": bytes(byte ^ 1 for byte in held["auditor-b"])}
    with pytest.raises(SharesRefused, match="auditor-b"):
        unseal(SEALED, bent)
    swapped = {"auditor-a": held["auditor-b"], "auditor-b": held["auditor-a"]}
    with pytest.raises(SharesRefused, match="auditor-a"):
        unseal(SEALED, swapped)


def test_a_share_of_another_transcript_is_refused():
    """The same auditors, the same call even: every transcript has its own key."""
    other = seal(b"a question", b"another answer")
    with pytest.raises(SharesRefused, match="not the one of this transcript"):
        unseal(SEALED, shares(SEALED, "auditor-a") | shares(other, "auditor-b"))


def test_an_auditor_opens_only_its_own_share():
    """With another's key nothing opens, and who is not named has none."""
    header, _ = decode_header(SEALED)
    with pytest.raises(SharesRefused, match="another key"):
        open_share(header, "auditor-a", KEYS["auditor-b"])
    with pytest.raises(SharesRefused, match="not sealed to"):
        open_share(header, "auditor-d", KEYS["auditor-a"])


def rewritten(sealed: bytes, bend) -> bytes:
    """Return `sealed` with its head changed by `bend`, the content as it was."""
    header, start = decode_header(sealed)
    fields = json.loads(header.encoded)
    bend(fields)
    encoded = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
    return MAGIC + struct.pack(">I", len(encoded)) + encoded + sealed[start:]


OTHER = seal(b"another question", b"another answer", request_id="req_00000000000000000000000002")


def _take_share(fields):
    fields["shares"][0] = json.loads(decode_header(OTHER)[0].encoded)["shares"][0]


@pytest.mark.parametrize(
    "bend",
    [
        _take_share,
        lambda f: f.update(request_id="req_00000000000000000000000002"),
        lambda f: f.update(log="sekisho.example/calls/gate-1"),
        lambda f: f.update(request_commitment=f"sha256:{'0' * 64}"),
        lambda f: f.update(key_commitment="0" * 64),
        lambda f: f.update(threshold=1),
        lambda f: f["shares"][0].update(commitment="0" * 64),
        lambda f: f["shares"][0].update(key_id="0" * 64),
    ],
)
def test_a_share_opens_only_in_the_head_it_was_sealed_for(bend):
    """Another call, log, threshold or key: HPKE's info names them all."""
    header, _ = decode_header(rewritten(SEALED, bend))
    with pytest.raises(SharesRefused):
        open_share(header, "auditor-a", KEYS["auditor-a"])


@pytest.mark.parametrize(
    "bend",
    [
        lambda f: f.update(request_id="req_00000000000000000000000002"),
        lambda f: f.update(threshold=1),
        lambda f: f["shares"].pop(),
        lambda f: f["shares"][2].update(auditor="auditor-d"),
    ],
)
def test_the_content_opens_only_under_its_own_head(bend):
    """Also for those who hold the key already."""
    held = shares(SEALED, "auditor-a", "auditor-b")
    with pytest.raises(TranscriptRefused, match="chunk 0"):
        unseal(rewritten(SEALED, bend), held)


@pytest.mark.parametrize(
    "bend",
    [
        lambda f: f.pop("log"),
        lambda f: f.update(more=1),
        lambda f: f.update(log="../../etc"),
        lambda f: f.update(request_id="../../etc"),
        lambda f: f.update(threshold=0),
        lambda f: f.update(threshold=4),
        lambda f: f.update(threshold=True),
        lambda f: f.update(shares=[]),
        lambda f: f.update(shares=f["shares"] * 5),
        lambda f: f["shares"].reverse(),
        lambda f: f["shares"][1].update(auditor="auditor-a"),
        lambda f: f["shares"][1].update(number=1),
        lambda f: f["shares"][1].update(sealed="AAAA"),
        lambda f: f["shares"][1].update(sealed="%"),
        lambda f: f["shares"][1].update(sealed=None),
        lambda f: f["shares"][1].update(extra=None),
    ],
)
def test_a_head_of_another_shape_is_refused(bend):
    """Before anything is opened."""
    with pytest.raises(TranscriptRefused):
        decode_header(rewritten(SEALED, bend))


def test_no_file_that_was_cut_off_opens():
    """At whatever byte, also where a chunk ends."""
    sealed = seal(b"q" * 10, os.urandom(3 * CHUNK_SIZE_BYTES))
    held = shares(sealed, "auditor-a", "auditor-b")
    _, start = decode_header(sealed)
    cuts = {start, start + 1, start + STEP, start + 2 * STEP, start + 3 * STEP, len(sealed) - 1, start - 1, 5, 0}
    for cut in cuts:
        with pytest.raises(TranscriptRefused):
            unseal(sealed[:cut], held)


def test_chunks_cannot_be_moved_left_out_repeated_or_added():
    """Each is sealed for its place, and the last for being the last."""
    sealed = seal(b"", os.urandom(3 * CHUNK_SIZE_BYTES))
    held = shares(sealed, "auditor-a", "auditor-b")
    _, start = decode_header(sealed)
    chunks = [sealed[at : at + STEP] for at in range(start, len(sealed), STEP)]
    assert len(chunks) == 4
    arranged = {b"".join(order) for order in itertools.permutations(chunks)}
    arranged |= {b"".join(chunks[:n] + chunks[n + 1 :]) for n in range(4)} | {b"".join(chunks + chunks[:1])}
    for content in arranged - {b"".join(chunks)}:
        with pytest.raises(TranscriptRefused):
            unseal(sealed[:start] + content, held)


@given(at=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7))
def test_no_bit_of_the_file_can_be_changed(at, bit):
    """Refused with an error of ours, wherever it is."""
    held = shares(SEALED, "auditor-a", "auditor-b")
    bent = bytearray(SEALED)
    bent[at] ^= 1 << bit
    with pytest.raises((TranscriptRefused, SharesRefused)):
        unseal(bytes(bent), held)


@given(data=st.binary(max_size=300))
def test_noise_is_no_transcript(data):
    """Refused with an error of ours, also behind a good beginning."""
    for noise in (data, MAGIC + data, MAGIC + struct.pack(">I", len(data)) + data):
        with pytest.raises(TranscriptRefused):
            decode_header(noise)


def test_a_transcript_of_another_call_is_refused():
    """Though it opens: the ledger says which call has which."""
    transcript = opened(OTHER)
    with pytest.raises(TranscriptRefused, match="another call"):
        check_transcript(transcript, belonging(b"a question"), response_commitment=None, response_size_bytes=0)


def test_content_that_the_ledger_does_not_commit_to_is_refused():
    """A gate that seals another answer than it passed on is found by whoever opens it."""
    transcript, outcome = opened(SEALED), commit(b"an answer", RESPONSE_SALT)
    check_transcript(transcript, belonging(b"a question"), response_commitment=outcome, response_size_bytes=9)
    for bent in (
        replace(transcript, response=b"an Answer"),
        replace(transcript, response_salt=b"b" * 32),
        replace(transcript, request=b"a Question"),
        replace(transcript, request_salt=b"b" * 32),
    ):
        with pytest.raises(CommitmentRefused):
            check_transcript(bent, belonging(b"a question"), response_commitment=outcome, response_size_bytes=9)
    with pytest.raises(TranscriptRefused, match="size"):
        check_transcript(transcript, belonging(b"a question"), response_commitment=None, response_size_bytes=0)


def test_two_seals_of_one_content_have_nothing_in_common():
    """Every transcript has a key of its own; nobody sees that two calls asked the same."""
    one, two = seal(b"q" * 99, b"a" * 99), seal(b"q" * 99, b"a" * 99)
    assert one[-200:] != two[-200:]
    assert b"q" * 9 not in one
    assert REQUEST_SALT not in one


def test_an_auditors_key_reads_back_and_never_shows():
    """Its file keeps it; printing it does not tell it."""
    key = AuditorKey.generate()
    assert decode_auditor_key(encode_auditor_key(key)) == key
    assert key.mlkem.hex() not in repr(key)
    assert repr(key) == "AuditorKey()"
    public_key_of(key.public)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b"-----BEGIN PRIVATE KEY-----",
        b'{"kind": "sekisho-auditor-key/v1", "mlkem768": "AAAA", "x25519": "AAAA"}',
        encode_auditor_key(KEYS["auditor-a"]).replace(b"/v1", b"/v2"),
        encode_auditor_key(KEYS["auditor-a"]).replace(b'"x25519": "', b'"x25519": "%'),
        b" " * 5000 + encode_auditor_key(KEYS["auditor-a"]),
    ],
)
def test_what_is_no_key_file_is_refused(data):
    """With an error that does not repeat it."""
    with pytest.raises(AuditorKeyFileRefused) as refused:
        decode_auditor_key(data)
    assert data.decode("latin-1") == "" or data.decode("latin-1") not in str(refused.value)


def test_nothing_is_sealed_to_a_bad_key():
    """Though a charter would not list it."""
    with pytest.raises(AuditorKeyRefused):
        public_key_of(bytes(1216))
