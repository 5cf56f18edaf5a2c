"""Who does not prove who it is gets one answer, whatever is wrong, and the true cause stays in the log."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from gate_rig import ANA_KEY, ISSUER_KEY, NOW, ORIGIN, STRANGER_KEY, Desk, chat_body

from sekisho.core import Reason
from sekisho.labs import unauthenticated_body
from sekisho.ledger import EntryKind
from sekisho.tokens import Nonces

PATH = "/v1/chat/completions"


def strip_nonce(raw: bytes) -> bytes:
    return re.sub(rb"dpop-nonce: [^\r]*", b"dpop-nonce: -", raw)


def _proof(**changes):
    def build(desk: Desk) -> bytes:
        token = desk.token()
        options = {"token": token} | changes
        return desk.request(token=token, proof=desk.proof(options.pop("token"), PATH, **options))

    return build


def _token(**changes):
    return lambda desk: desk.request(token=desk.token(**changes))


def _without(name: bytes):
    def build(desk: Desk) -> bytes:
        return re.sub(rb"(?m)^" + name + rb": [^\r]*\r\n", b"", desk.request())

    return build


def _replace(old: bytes, new: bytes):
    return lambda desk: desk.request().replace(old, new, 1)


def _garbled_signature(desk: Desk) -> bytes:
    token = desk.token()
    head, payload, signature = token.split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    return desk.request(token=f"{head}.{payload}.{flipped}", proof=desk.proof(token, PATH))


def _old_token(desk: Desk) -> bytes:
    at = desk.rig.clock.now()
    return desk.request(token=desk.token(issued_at=at - timedelta(seconds=301), expires_at=at - timedelta(seconds=1)))


def _future_token(desk: Desk) -> bytes:
    at = desk.rig.clock.now()
    return desk.request(token=desk.token(issued_at=at + timedelta(60), expires_at=at + timedelta(60, 100)))


def _at(seconds: int):
    def build(desk: Desk) -> bytes:
        token = desk.token()
        return desk.request(
            token=token, proof=desk.proof(token, PATH, at=desk.rig.clock.now() + timedelta(seconds=seconds))
        )

    return build


STRANGERS = {
    "nothing at all": (lambda desk: b"POST /v1/responses HTTP/1.1\r\nHost: a\r\n\r\n", "TOKEN_MISSING"),
    "an unknown path": (lambda desk: b"GET /v1/nothing HTTP/1.1\r\nHost: a\r\n\r\n", "TOKEN_MISSING"),
    "the admin pages": (lambda desk: b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "TOKEN_MISSING"),
    "no token": (_without(b"Authorization"), "TOKEN_MISSING"),
    "a bearer": (_replace(b"Authorization: DPoP", b"Authorization: Bearer"), "TOKEN_MISSING"),
    "a lab's key": (_replace(b"Authorization: DPoP", b"x-api-key: DPoP"), "TOKEN_MISSING"),
    "a word for a token": (lambda desk: desk.request(token="x"), "TOKEN_REFUSED"),
    "a flipped signature": (_garbled_signature, "TOKEN_REFUSED"),
    "a stranger's issuer": (_token(key=STRANGER_KEY), "TOKEN_REFUSED"),
    "another issuer's name": (_token(issuer="http://other.example"), "TOKEN_REFUSED"),
    "another gate's token": (_token(audience="http://other.example"), "TOKEN_REFUSED"),
    "an expired token": (_old_token, "TOKEN_EXPIRED"),
    "a token of tomorrow": (_future_token, "TOKEN_EXPIRED"),
    "a token without its proof": (_without(b"DPoP"), "PROOF_MISSING"),
    "a token without its key": (_proof(key=STRANGER_KEY), "PROOF_KEY_MISMATCH"),
    "a word for a proof": (lambda desk: desk.request(proof="x"), "PROOF_REFUSED"),
    "a proof for another method": (_proof(method="GET"), "PROOF_REFUSED"),
    "a proof for another path": (_proof(url=ORIGIN + "/v1/responses"), "PROOF_REFUSED"),
    "a proof for another gate": (_proof(url="http://other.example" + PATH), "PROOF_REFUSED"),
    "a proof for the Host": (_proof(url="http://whatever.example" + PATH), "PROOF_REFUSED"),
    "a proof for another token": (_proof(token="another"), "PROOF_REFUSED"),
    "a proof of yesterday": (_at(-61), "PROOF_STALE"),
    "a proof of tomorrow": (_at(62), "PROOF_STALE"),
    "a proof without nonce": (_proof(nonce=None), "PROOF_STALE"),
    "a proof with another process's nonce": (_proof(nonce=Nonces(b"m" * 32).current(NOW)), "PROOF_STALE"),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGERS)
async def test_every_stranger_gets_the_same_bytes(rig, desk, name):
    """No oracle: the answer does not tell a wrong key from a wrong path, and the count keeps the cause."""
    build, reason = STRANGERS[name]
    reply = await rig.exchange(build(desk))
    plain = await rig.exchange(b"POST /x HTTP/1.1\r\nHost: a\r\n\r\n")
    assert strip_nonce(reply.raw) == strip_nonce(plain.raw)
    assert reply.status == 401
    assert reply.body == unauthenticated_body()
    assert reply.fields["www-authenticate"].startswith('DPoP error="use_dpop_nonce"')
    assert reply.fields["dpop-nonce"] == rig.nonce()
    assert rig.lab.requests == []
    assert rig.log.written == []
    await rig.gate.parts.counts.write(rig.gate.parts.recorder)
    (entry,) = rig.log.bodies(EntryKind.DENIALS_COUNTED)
    counts = dict(entry["counts"])
    counts[Reason.TOKEN_MISSING.value] -= 1  # the plain one's
    assert {code for code, count in counts.items() if count} == {Reason[reason].value}


async def test_a_proof_opens_one_request(rig, desk):
    """RFC 9449 11.1: a captured request sent again is a stranger's, and so it is with another body."""
    data = desk.request()
    assert (await rig.exchange(data)).status == 200
    assert (await rig.exchange(data)).status == 401
    token = desk.token()
    proof = desk.proof(token, PATH)
    assert (await rig.exchange(desk.request(token=token, proof=proof))).status == 200
    assert (await rig.exchange(desk.request(body=chat_body(max_tokens=1), token=token, proof=proof))).status == 401
    assert len(rig.lab.requests) == 2


async def test_a_proof_does_not_come_back_when_the_clock_is_set_back(rig, desk):
    """Invariant 2, a clock in doubt: the record of used proofs forgets by a clock that only runs forward."""
    data = desk.request()
    assert (await rig.exchange(data)).status == 200
    rig.clock.advance(timedelta(seconds=250))
    rig.monotonic[0] += 250
    rig.put(replace(rig.snapshot, version=2))
    assert (await desk.call()).status == 200
    rig.clock.advance(timedelta(seconds=-250))
    assert (await rig.exchange(data)).status == 401
    assert (await desk.call()).status == 200


async def test_a_token_that_was_cached_still_needs_its_proof_and_its_time(rig, desk):
    """A cache of verified tokens must not become a way around what makes them safe."""
    token = desk.token()
    assert (await desk.call(token=token)).status == 200
    thief = Desk(rig, key=STRANGER_KEY)
    assert (await thief.call(token=token)).status == 401
    rig.clock.advance(timedelta(seconds=299))
    assert (await desk.call(token=token)).status == 200
    rig.clock.advance(timedelta(seconds=1))
    assert (await desk.call(token=token)).status == 401


async def test_a_withdrawn_issuer_key_takes_its_tokens_with_it(rig, desk):
    """A cached token falls with the key that signed it."""
    token = desk.token()
    assert (await desk.call(token=token)).status == 200
    rig.put(replace(rig.snapshot, version=2, token_keys=(STRANGER_KEY.public,)))
    assert (await desk.call(token=token)).status == 401


async def test_a_flood_of_strangers_writes_one_entry(rig):
    """A flood cannot fill the log."""
    for _ in range(300):
        assert (await rig.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status == 401
    await rig.gate.parts.counts.write(rig.gate.parts.recorder)
    assert [entry.kind for entry in rig.log.written] == [EntryKind.DENIALS_COUNTED]
    assert rig.log.written[0].body["counts"] == {Reason.TOKEN_MISSING.value: 300}


async def test_a_caller_with_a_key_and_no_grant_learns_nothing_of_models(rig, desk):
    """Unknown and ungranted models look alike, to the byte but for the request's id."""
    replies = [await desk.call(body=chat_body(model=model)) for model in ("ungranted-1", "invented-1", "claude-9")]
    bodies = {re.sub(rb"req_[0-9a-z]{26}", b"-", reply.body) for reply in replies}
    assert len(bodies) == 1


def test_the_keys_of_these_tests_differ():
    """Or the tests above prove nothing."""
    assert len({key.public.thumbprint for key in (ANA_KEY, ISSUER_KEY, STRANGER_KEY)}) == 3
