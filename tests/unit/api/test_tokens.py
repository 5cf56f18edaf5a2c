"""The token endpoint: one way through, and every step refused by itself."""

import base64
import gc
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sekisho.api import tokens
from sekisho.api.replays import TakenOnce
from sekisho.api.tokens import MAX_FORM_BYTES, TOKEN_LIFE
from sekisho.core import SekishoError
from sekisho.ledger import EntryKind
from sekisho.server.control import GateAbsent
from sekisho.server.setup import read_key
from sekisho.tokens import (
    ASSERTION_TYPE,
    Binding,
    CallScope,
    SigningKey,
    encode_details,
    make_client_assertion,
    make_proof,
    public_key_of,
    verify_access_token,
    verify_proof,
)

ISSUER = "http://127.0.0.1:8440"
URL = f"{ISSUER}/oauth/token"
GATE = "http://127.0.0.1:8441"
SCOPE = CallScope(technique="find", asset="ast_1", case=None)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A token request before it is sent."""

    form: tuple[tuple[str, str], ...]
    proofs: tuple[str, ...]

    def with_field(self, name: str, value: str) -> "Request":
        return replace(self, form=tuple((n, value if n == name else v) for n, v in self.form))

    def without_field(self, name: str) -> "Request":
        return replace(self, form=tuple(pair for pair in self.form if pair[0] != name))


class Desk:
    """A workload that is enrolled, and what it can get wrong."""

    def __init__(self, served: Any) -> None:
        self.served, self.world = served, served.world
        self.bank = self.world.enrol()
        self.key: SigningKey = self.bank.key
        # Past the first second, in which a proof could be from before a restart.
        self.world.clock.advance(timedelta(seconds=2))

    def assertion(self, **changed: Any) -> str:
        given = {
            "client_id": self.bank.principal.id,
            "issuer": ISSUER,
            "key": self.key,
            "jti": self.world.ids.new("jti"),
            "at": self.world.clock.now(),
        }
        return make_client_assertion(**(given | changed))

    def proof(self, **changed: Any) -> str:
        given = {
            "key": self.key,
            "method": "POST",
            "url": URL,
            "jti": self.world.ids.new("jti"),
            "at": self.world.clock.now(),
            "token": None,
            "nonce": None,
        }
        return make_proof(**(given | changed))

    def request(self, *, assertion: str | None = None, proof: str | None = None) -> Request:
        return Request(
            form=(
                ("grant_type", "client_credentials"),
                ("client_assertion_type", ASSERTION_TYPE),
                ("client_assertion", assertion or self.assertion()),
                ("authorization_details", json.dumps(encode_details(SCOPE))),
            ),
            proofs=(proof or self.proof(),),
        )

    def send(self, request: Request) -> Any:
        headers = [("content-type", "application/x-www-form-urlencoded")]
        return self.served.stranger.post(
            "/oauth/token",
            content=urlencode(request.form).encode(),
            headers=[*headers, *(("dpop", proof) for proof in request.proofs)],
        )


@pytest.fixture
def desk(served: Any) -> Desk:
    return Desk(served)


@pytest.fixture(scope="module")
def open_desk(shared: Any) -> Desk:
    """One desk for all that is refused."""
    return Desk(shared)


def _refused(answer: Any, *, status: int, error: str) -> dict[str, Any]:
    value: dict[str, Any] = answer.json()
    assert (answer.status_code, value["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert {"error", "error_description", "code", "message", "hint"} == set(value)
    assert "access_token" not in answer.text
    return value


def test_an_enrolled_workload_gets_a_token_that_a_gate_takes(desk: Desk) -> None:
    """Bound to its key, for this gate, for what it asked, for five minutes; never to be stored on the way."""
    answer = desk.send(desk.request())
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    value = answer.json()
    assert (value["token_type"], value["expires_in"]) == ("DPoP", 300)
    issuer_key = public_key_of(read_key(desk.world.places.token_key).public_key())
    now = desk.world.clock.now()
    token = verify_access_token(
        value["access_token"], keys={issuer_key.thumbprint: issuer_key}, issuer=ISSUER, audience=GATE, at=now
    )
    assert (token.principal_id, token.scope, token.jkt) == (desk.bank.principal.id, SCOPE, desk.key.public.thumbprint)
    assert token.expires_at - token.issued_at == TOKEN_LIFE
    proof = desk.proof(method="POST", url=f"{GATE}/v1/chat/completions", token=value["access_token"])
    verify_proof(
        [proof],
        method="POST",
        origin=GATE,
        target="/v1/chat/completions",
        at=now,
        binding=Binding(token=value["access_token"], jkt=token.jkt),
        nonces=None,
        replays=_Anything(),
    )


class _Anything:
    def check_new(self, proof_id: str, until: Any) -> None:
        return None


def test_a_p256_key_serves_as_well(desk: Desk) -> None:
    """What `principal keygen` makes by default."""
    key = SigningKey(generate_private_key(SECP256R1()))
    body = {
        "institution_id": desk.bank.institution.id,
        "kind": "workload",
        "name": "other",
        "key": dict(key.public.to_jwk()),
    }
    principal = desk.served.post("/principals", body).json()["id"]
    answer = desk.send(desk.request(assertion=desk.assertion(client_id=principal, key=key), proof=desk.proof(key=key)))
    assert answer.status_code == 200, answer.text


def test_the_endpoint_s_words_are_those_of_its_metadata(desk: Desk) -> None:
    """RFC 8414: a client that reads it finds the endpoint and the key that signs."""
    metadata = desk.served.stranger.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == ISSUER
    assert metadata["token_endpoint"] == URL
    (key,) = desk.served.stranger.get("/.well-known/jwks.json").json()["keys"]
    public = public_key_of(read_key(desk.world.places.token_key).public_key())
    assert {name: key[name] for name in ("kty", "crv", "x")} == dict(public.to_jwk())
    assert "d" not in key


OTHER = SigningKey(Ed25519PrivateKey.from_private_bytes(b"o" * 32))
REPLAYED = "jti_00000000000000000000000000"
MINUTE = timedelta(seconds=61)

# What is wrong → the request, the status, the name of RFC 6749, 9396 or 9449.
WRONG: dict[str, tuple[Callable[[Desk], Request], int, str]] = {
    "unknown client": (lambda d: d.request(assertion=d.assertion(client_id="wkl_nobody")), 401, "invalid_client"),
    "another's key": (lambda d: d.request(assertion=d.assertion(key=OTHER)), 401, "invalid_client"),
    "another's key, both": (
        lambda d: d.request(assertion=d.assertion(key=OTHER), proof=d.proof(key=OTHER)),
        401,
        "invalid_client",
    ),
    "assertion for another issuer": (
        lambda d: d.request(assertion=d.assertion(issuer="https://other.example")),
        401,
        "invalid_client",
    ),
    "assertion expired": (
        lambda d: d.request(assertion=d.assertion(at=d.world.clock.now() - MINUTE)),
        401,
        "invalid_client",
    ),
    "assertion of tomorrow": (
        lambda d: d.request(assertion=d.assertion(at=d.world.clock.now() + MINUTE)),
        401,
        "invalid_client",
    ),
    "assertion that is a proof": (lambda d: d.request(assertion=d.proof()), 401, "invalid_client"),
    "assertion that is nothing": (lambda d: d.request(assertion="a.b.c"), 401, "invalid_client"),
    "assertion without a signature": (
        lambda d: d.request(assertion=d.assertion().rpartition(".")[0] + "."),
        401,
        "invalid_client",
    ),
    "proof of another key": (lambda d: d.request(proof=d.proof(key=OTHER)), 401, "invalid_client"),
    "proof for GET": (lambda d: d.request(proof=d.proof(method="GET")), 400, "invalid_dpop_proof"),
    "proof for another path": (lambda d: d.request(proof=d.proof(url=ISSUER + "/other")), 400, "invalid_dpop_proof"),
    "proof for another host": (
        lambda d: d.request(proof=d.proof(url="http://127.0.0.2:8440/oauth/token")),
        400,
        "invalid_dpop_proof",
    ),
    "proof for the gate": (lambda d: d.request(proof=d.proof(url=GATE + "/oauth/token")), 400, "invalid_dpop_proof"),
    "proof too old": (
        lambda d: d.request(proof=d.proof(at=d.world.clock.now() - MINUTE)),
        400,
        "invalid_dpop_proof",
    ),
    "proof of tomorrow": (
        lambda d: d.request(proof=d.proof(at=d.world.clock.now() + MINUTE)),
        400,
        "invalid_dpop_proof",
    ),
    "proof that is an assertion": (lambda d: d.request(proof=d.assertion()), 400, "invalid_dpop_proof"),
    "no proof": (lambda d: replace(d.request(), proofs=()), 400, "invalid_dpop_proof"),
    "two proofs": (lambda d: replace(d.request(), proofs=(d.proof(), d.proof())), 400, "invalid_dpop_proof"),
    "two proofs in one header": (
        lambda d: replace(d.request(), proofs=(f"{d.proof()}, {d.proof()}",)),
        400,
        "invalid_dpop_proof",
    ),
    "from before a restart": (
        lambda d: d.request(proof=d.proof(at=d.world.clock.now() - timedelta(seconds=5))),
        401,
        "invalid_client",
    ),
    "another grant type": (
        lambda d: d.request().with_field("grant_type", "authorization_code"),
        400,
        "invalid_request",
    ),
    "another assertion type": (
        lambda d: d.request().with_field("client_assertion_type", "x"),
        400,
        "invalid_request",
    ),
    "details that are no JSON": (
        lambda d: d.request().with_field("authorization_details", "{"),
        400,
        "invalid_authorization_details",
    ),
    "no details": (
        lambda d: d.request().with_field("authorization_details", "[]"),
        400,
        "invalid_authorization_details",
    ),
    "two details": (
        lambda d: d.request().with_field("authorization_details", json.dumps(encode_details(SCOPE) * 2)),
        400,
        "invalid_authorization_details",
    ),
    "details of another type": (
        lambda d: d.request().with_field("authorization_details", '[{"type":"x","technique":"find"}]'),
        400,
        "invalid_authorization_details",
    ),
    "deep details": (
        lambda d: d.request().with_field("authorization_details", "[" * 5_000),
        400,
        "invalid_authorization_details",
    ),
    "details with a name twice": (
        lambda d: d.request().with_field("authorization_details", '[{"type":"sekisho_call","type":"x"}]'),
        400,
        "invalid_authorization_details",
    ),
    "a field twice": (lambda d: _twice(d.request(), "authorization_details"), 400, "invalid_request"),
    "the assertion twice": (lambda d: _twice(d.request(), "client_assertion"), 400, "invalid_request"),
    "a field beside": (lambda d: _beside(d.request(), ("resource", "x")), 400, "invalid_request"),
    "oversized": (lambda d: _beside(d.request(), ("x", "y" * MAX_FORM_BYTES)), 400, "invalid_request"),
    **{
        f"no {name}": (lambda d, name=name: d.request().without_field(name), 400, "invalid_request")  # type: ignore[misc]
        for name in ("grant_type", "client_assertion_type", "client_assertion", "authorization_details")
    },
}


def _twice(request: Request, name: str) -> Request:
    return replace(request, form=(*request.form, next(pair for pair in request.form if pair[0] == name)))


def _beside(request: Request, pair: tuple[str, str]) -> Request:
    return replace(request, form=(*request.form, pair))


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_every_step_refuses_by_itself(open_desk: Desk, wrong: tuple[Callable[[Desk], Request], int, str]) -> None:
    """All else right. And nobody's refused request stands in the way of the next good one."""
    make, status, error = wrong
    _refused(open_desk.send(make(open_desk)), status=status, error=error)
    assert open_desk.send(open_desk.request()).status_code == 200


def test_an_unknown_client_and_a_false_signature_get_the_same_bytes(desk: Desk) -> None:
    """Or the endpoint would be a list of who is enrolled."""
    unknown = desk.send(desk.request(assertion=desk.assertion(client_id="wkl_nobody")))
    false = desk.send(desk.request(assertion=desk.assertion(key=OTHER)))
    assert (unknown.status_code, unknown.content) == (false.status_code, false.content)


def test_an_assertion_is_good_once(desk: Desk) -> None:
    """With a fresh proof too; also if the first request was refused later on."""
    assertion = desk.assertion()
    assert desk.send(desk.request(assertion=assertion)).status_code == 200
    _refused(desk.send(desk.request(assertion=assertion)), status=400, error="invalid_dpop_proof")


def test_a_proof_is_good_once(desk: Desk) -> None:
    """With a fresh assertion too."""
    proof = desk.proof()
    assert desk.send(desk.request(proof=proof)).status_code == 200
    _refused(desk.send(desk.request(proof=proof)), status=400, error="invalid_dpop_proof")


def test_a_stolen_assertion_cannot_fill_the_record_with_proofs(desk: Desk) -> None:
    """One assertion lets one proof be remembered, whatever keys a thief makes."""
    assertion = desk.assertion()
    for number in range(20):
        key = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))
        assert desk.send(desk.request(assertion=assertion, proof=desk.proof(key=key))).status_code in (400, 401)
    (taken,) = _records(desk)
    assert len(taken) <= 2


def _records(desk: Desk) -> list[set[str]]:
    ours = desk.world.clock
    return [o._taken for o in gc.get_objects() if isinstance(o, TakenOnce) and o._clock is ours]


def test_without_a_gate_the_client_is_told_to_wait(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """No fault of the client's: 503, not a refusal of its key."""

    def absent() -> str:
        raise GateAbsent("no gate")

    monkeypatch.setattr(tokens, "_answer", lambda *_a, **_k: absent())
    _refused(desk.send(desk.request()), status=503, error="temporarily_unavailable")


async def test_an_endless_form_is_not_held(desk: Desk) -> None:
    """The endpoint is open to strangers: it stops reading where a form ends."""
    read, answered = 0, []

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"x" * 1_000, "more_body": True}

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "POST", "path": "/oauth/token", "headers": [], "query_string": b""}
    await desk.served.stranger.app(scope, receive, send)
    assert answered[0]["status"] == 400
    assert read * 1_000 <= MAX_FORM_BYTES + 2_000


@pytest.mark.parametrize("body", [b"", b"\xff", b"%", b"&&&", b"a=b;c=d", b"{}", b"grant_type", "関所=1".encode()])
def test_what_is_no_form_is_refused(open_desk: Desk, body: bytes) -> None:
    """With a code, never a traceback."""
    _refused(open_desk.served.stranger.post("/oauth/token", content=body), status=400, error="invalid_request")


def test_tokens_leave_the_ledger_alone(desk: Desk) -> None:
    """A flood of token requests must not fill the log."""
    before = len(desk.world.entries())
    desk.send(desk.request())
    desk.send(desk.request(proof="x"))
    assert len(desk.world.entries()) == before
    assert EntryKind.DOCUMENT_REFUSED not in desk.world.kinds()


def test_any_flipped_bit_of_a_request_is_refused(desk: Desk) -> None:
    """Each part of both signatures is covered."""
    good = desk.request()
    assertion, proof = dict(good.form)["client_assertion"], good.proofs[0]
    for text, put in (
        (assertion, lambda bad: good.with_field("client_assertion", bad)),
        (proof, lambda bad: replace(good, proofs=(bad,))),
    ):
        for position in range(0, len(text), 17):
            flipped = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
            if _means_the_same(text, flipped):
                continue
            assert desk.send(put(flipped)).status_code in (400, 401), position


def _means_the_same(one: str, other: str) -> bool:
    """Base64url may have spare bits in its last character; a strict reader refuses those too."""
    try:
        parts = [[base64.urlsafe_b64decode(p + "==") for p in text.split(".")] for text in (one, other)]
    except ValueError:
        return False
    return parts[0] == parts[1]


def test_errors_of_ours_alone_are_answered(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that fails is an outage, and says nothing about the client."""

    def broken(_question: Any) -> Any:
        raise SekishoError("the database failed")

    monkeypatch.setattr(desk.world.office, "read", broken)
    _refused(desk.send(desk.request()), status=503, error="temporarily_unavailable")
