"""DPoP: a proof opens one request, of one method, to one address, with one token, once, now."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.core import Reason
from sekisho.tokens import (
    Binding,
    Nonces,
    NonceStale,
    Proof,
    ProofKeyMismatch,
    ProofMissing,
    ProofRefused,
    ProofReplayed,
    ProofStale,
    TokenMissing,
    hash_token,
    make_proof,
    require_dpop_token,
    verify_proof,
)
from sekisho.tokens.jws import sign_compact

from .conftest import ED25519, P256, Recorded

ORIGIN = "https://gate.example:8441"
TARGET = "/v1/messages"
TOKEN = "a.bound.token"
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
NONCES = Nonces(bytes(range(32)))
JTI = "jti_0123456789abcdef"


def proof_by(key, **changes) -> str:
    fields = {"method": "POST", "url": ORIGIN + TARGET, "jti": JTI, "at": AT, "token": TOKEN}
    return make_proof(key=key, **{**fields, "nonce": NONCES.current(AT), **changes})


def verify(*headers: str, key=P256, replays=None, **changes) -> Proof:
    fields = {
        "method": "POST",
        "origin": ORIGIN,
        "target": TARGET,
        "at": AT,
        "binding": Binding(token=TOKEN, jkt=key.public.thumbprint),
        "nonces": NONCES,
    }
    return verify_proof(headers, **{**fields, **changes}, replays=replays or Recorded())


def rfc_proofs(vectors):
    return json.loads((vectors / "rfc" / "rfc9449-dpop.json").read_bytes())


def test_the_proofs_of_the_rfc_are_good(vectors):
    """RFC 9449 4.1, 5, 7.1: each at its own time, with its own token, by the key of 6.1."""
    suite = rfc_proofs(vectors)
    assert hash_token(suite["access_token"]) == suite["ath"]
    for case in suite["proofs"]:
        origin, slash, path = case["request"]["uri"].rpartition("/")
        token = case.get("access_token")
        proof = verify_proof(
            [case["proof"]],
            method=case["request"]["method"],
            origin=origin,
            target=slash + path,
            at=datetime.fromtimestamp(case["payload"]["iat"], UTC),
            binding=None if token is None else Binding(token=token, jkt=suite["jkt"]),
            nonces=None,
            replays=Recorded(),
        )
        assert (proof.jkt, proof.jti) == (suite["jkt"], case["payload"]["jti"])
    assert len(suite["proofs"]) == 3


def test_a_proof_is_good_for_its_request(key):
    """RFC 9449 4.3, every check passed; what must be remembered is named with its key and outlives the proof."""
    replays = Recorded()
    proof = verify(proof_by(key), key=key, replays=replays)
    assert (proof.key, proof.jti, proof.issued_at) == (key.public, JTI, AT)
    assert replays.kept == {f"{key.public.thumbprint}.{JTI}": AT + timedelta(seconds=61)}


requests = st.tuples(
    st.sampled_from(["POST", "GET", "post", "DELETE"]),
    st.sampled_from([ORIGIN, "http://gate.example:8441", "https://gate.example", "https://other.example:8441"]),
    st.sampled_from([TARGET, "/v1/messages/", "/v1/Messages", "/v1/responses", "/", "/v1/%6dessages", "//v1/messages"]),
    st.sampled_from([TOKEN, "a.bound.tokem", "another"]),
)


@settings(deadline=None, max_examples=150)
@given(key=st.sampled_from([P256, ED25519]), made=requests, used=requests)
def test_a_proof_for_one_request_is_refused_for_any_other(key, made, used):
    """RFC 9449 4.3: method, origin, path and token are the request's, or there is no proof."""
    method, origin, target, token = made
    text = make_proof(
        key=key, method=method, url=origin + target, jti=JTI, at=AT, token=token, nonce=NONCES.current(AT)
    )
    binding = Binding(token=used[3], jkt=key.public.thumbprint)
    if made == used:
        verify(text, key=key, method=used[0], origin=used[1], target=used[2], binding=binding)
    else:
        with pytest.raises(ProofRefused):
            verify(text, key=key, method=used[0], origin=used[1], target=used[2], binding=binding)


@settings(deadline=None, max_examples=100)
@given(key=st.sampled_from([P256, ED25519]), data=st.data())
def test_any_flipped_bit_is_refused(key, data):
    """A proof is good as it is, and only as it is."""
    raw = bytearray(proof_by(key).encode())
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProofRefused):
        verify(raw.decode("latin-1"), key=key)


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        (ORIGIN + TARGET + "?beta=true", ORIGIN, TARGET),
        (ORIGIN + TARGET, ORIGIN, TARGET + "?beta=true&x=%2F#y"),
        (ORIGIN + TARGET + "?a=1", ORIGIN, TARGET + "?b=2"),
        ("HTTPS://GATE.example:8441" + TARGET, ORIGIN, TARGET),
        ("https://gate.example:443/v1", "https://gate.example", "/v1"),
        ("http://gate.example/v1", "http://gate.example:80", "/v1"),
        ("http://[::1]:8441/v1", "http://[::1]:8441", "/v1"),
        ("https://gate.example", "https://gate.example", "/"),
        ("https://gate.example?x=1", "https://gate.example", "/"),
    ],
)
def test_query_case_of_host_and_default_port_do_not_matter(url, origin, target):
    """RFC 9449 4.3 9, RFC 9110 4.2.3: Claude Code calls `/v1/messages?beta=true`, and its proof has no query."""
    verify(proof_by(P256, url=url), origin=origin, target=target)


@pytest.mark.parametrize("age_s", [-60, 0, 60])
def test_a_minute_of_skew_is_taken_either_way(age_s):
    """iat within 60 s."""
    at = AT + timedelta(seconds=age_s)
    verify(proof_by(P256, nonce=NONCES.current(at)), at=at)


@pytest.mark.parametrize("age_s", [-3600, -61, 61, 3600])
def test_older_or_newer_proofs_are_stale(age_s):
    """iat within 60 s, and no more."""
    at = AT + timedelta(seconds=age_s)
    with pytest.raises(ProofStale) as refused:
        verify(proof_by(P256, nonce=NONCES.current(at)), at=at)
    assert refused.value.reason is Reason.PROOF_STALE


def test_a_proof_without_a_current_nonce_is_stale():
    """RFC 9449 9: made in advance, on a machine that was borrowed for a minute, it opens nothing later."""
    for nonce in (None, "guess", NONCES.current(AT - timedelta(seconds=300))):
        with pytest.raises(NonceStale) as refused:
            verify(proof_by(P256, nonce=nonce))
        assert refused.value.reason is Reason.PROOF_STALE


def test_a_proof_by_another_key_than_the_tokens_is_refused(key, other_key):
    """RFC 9449 7.1: a stolen token opens nothing, and the thief takes up no room in the record."""
    replays = Recorded()
    with pytest.raises(ProofKeyMismatch) as refused:
        verify(proof_by(other_key), key=key, replays=replays)
    assert refused.value.reason is Reason.PROOF_KEY_MISMATCH
    assert replays.kept == {}


def test_a_proof_opens_one_request():
    """RFC 9449 11.1: the same proof again is a replay; another caller's proof with the same id is not."""
    replays = Recorded()
    verify(proof_by(P256), replays=replays)
    verify(proof_by(ED25519), key=ED25519, replays=replays)
    with pytest.raises(ProofReplayed) as refused:
        verify(proof_by(P256), replays=replays)
    assert refused.value.reason is Reason.PROOF_REPLAYED


def test_a_refused_proof_is_not_remembered():
    """Only a proof that passed every other check is taken down: a flood of bad ones cannot fill the record."""
    replays = Recorded()
    for changes in (
        {"method": "GET"},
        {"target": "/"},
        {"at": AT + timedelta(hours=1)},
        {"origin": "https://x.example"},
    ):
        with pytest.raises(ProofRefused):
            verify(proof_by(P256), replays=replays, **changes)
    assert replays.kept == {}


def test_there_is_exactly_one_header():
    """RFC 9449 4.3 1: none, two, or two joined by a proxy's comma."""
    good = proof_by(P256)
    for headers in ((), (good, good), (good, "")):
        with pytest.raises(ProofMissing) as refused:
            verify(*headers)
        assert refused.value.reason is Reason.PROOF_MISSING
    with pytest.raises(ProofRefused):
        verify(f"{good}, {good}")


def crafted(header: dict[str, object] | None = None, **changes) -> str:
    claims = {
        "jti": JTI,
        "htm": "POST",
        "htu": ORIGIN + TARGET,
        "iat": int(AT.timestamp()),
        "ath": hash_token(TOKEN),
        "nonce": NONCES.current(AT),
    }
    chosen = {name: value for name, value in {**claims, **changes}.items() if value is not ...}
    return sign_compact(chosen, header=header or {"typ": "dpop+jwt", "jwk": P256.public.to_jwk()}, key=P256)


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": P256.public.to_jwk()},
        {"typ": "JWT", "jwk": P256.public.to_jwk()},
        {"typ": "at+jwt", "jwk": P256.public.to_jwk()},
        {"typ": "dpop+jwt"},
        {"typ": "dpop+jwt", "jwk": {}},
        {"typ": "dpop+jwt", "jwk": ED25519.public.to_jwk()},
        {"typ": "dpop+jwt", "jwk": {**P256.public.to_jwk(), "d": "AA"}},
        {"typ": "dpop+jwt", "jwk": {"kty": "oct", "k": "AA"}},
        {"typ": "dpop+jwt", "jwk": P256.public.to_jwk(), "kid": "x"},
    ],
    ids=lambda header: ",".join(header),
)
def test_a_header_of_another_kind_is_refused(header):
    """RFC 9449 4.3 4 to 7: the type, a public key of a kind on the list, and the key that signed."""
    verify(crafted())
    with pytest.raises(ProofRefused):
        verify(crafted(header))


@pytest.mark.parametrize(
    "changes",
    [
        *({name: ...} for name in ("jti", "htm", "htu", "iat", "ath", "nonce")),
        {"jti": "short"},
        {"jti": "a" * 129},
        {"jti": "a.b.c.d/e f g h i j"},
        {"htm": 1},
        {"htu": None},
        {"htu": TARGET},
        {"htu": "https://user@gate.example:8441/v1/messages"},
        {"htu": "https://gate.example:8441\\@x/v1/messages"},
        {"htu": f"{ORIGIN}{TARGET}\n"},
        {"htu": "ftp://gate.example:8441/v1/messages"},
        {"iat": str(int(AT.timestamp()))},
        {"iat": True},
        {"iat": 2**52},
        {"ath": "A" * 43},
        {"ath": hash_token(TOKEN) + "="},
        {"nonce": 7},
    ],
    ids=str,
)
def test_claims_that_are_missing_or_of_another_shape_are_refused(changes):
    """RFC 9449 4.3 3: every required claim, of its own type."""
    with pytest.raises(ProofRefused):
        verify(crafted(**changes))


def test_at_the_token_endpoint_there_is_no_token_yet():
    """RFC 9449 5: neither ath nor nonce is asked for where there is none."""
    proof = verify(proof_by(P256, token=None, nonce=None), binding=None, nonces=None)
    assert proof.jkt == P256.public.thumbprint


def test_the_token_comes_once_and_under_its_own_scheme():
    """RFC 9449 7.1, 7.2: a bound token under Bearer, or beside a second one, is not taken."""
    assert require_dpop_token(["DPoP abc.def~-_+/=="]) == "abc.def~-_+/=="
    assert require_dpop_token(["dpop  abc"]) == "abc"
    refused = ([], ["DPoP a", "DPoP b"], ["Bearer a"], ["DPoP"], ["DPoP "], ["DPoPa"], ["DPoP a, DPoP b"], ["DPoP a b"])
    for headers in (*refused, ["DPoP é"], ["DPoP a\n"], ["DPoP " + "a" * 5000], ["Basic YTpi"]):
        with pytest.raises(TokenMissing) as error:
            require_dpop_token(headers)
        assert error.value.reason is Reason.TOKEN_MISSING


def test_a_proof_is_made_for_http_alone():
    """An address that no proof could be checked against is refused when the proof is made."""
    with pytest.raises(ProofRefused):
        proof_by(P256, url="unix:/run/gate.sock")
