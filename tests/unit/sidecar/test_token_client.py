"""Tokens: asked for with the key, held until shortly before they end, refused in the server's words."""

import json
from datetime import timedelta

import httpx2
import pytest

from sekisho.sidecar import IssuerUnreachable, TokenAnswerGarbled, TokenClient, TokenDenied, make_key
from sekisho.tokens import CallScope, Nonces

from .conftest import ASSET, PRINCIPAL


@pytest.fixture
def http():
    with httpx2.Client(trust_env=False) as client:
        yield client


def test_a_token_is_held_until_half_a_minute_before_its_end(programme, tokens, http):
    """One request serves four and a half minutes; leaving the context forgets what is held."""
    with tokens:
        first = tokens.fetch(http)
        assert first.audience == programme.origin
        programme.clock.advance(timedelta(seconds=269))
        assert tokens.fetch(http) is first
        programme.clock.advance(timedelta(seconds=1))
        second = tokens.fetch(http)
        assert second.text != first.text
        assert programme.tokens_issued == 2
    tokens.fetch(http)
    assert programme.tokens_issued == 3


def test_an_issuer_may_ask_for_a_nonce_once(programme, tokens, http):
    """RFC 9449 8: use_dpop_nonce is answered with a second proof, and a second refusal is final."""
    programme.issuer_nonces = Nonces(bytes(range(32)))
    assert tokens.fetch(http).text
    programme.issuer_nonces = Nonces(bytes(32))
    tokens.forget(tokens.fetch(http))
    programme.token_answer = (400, b'{"error":"use_dpop_nonce"}')
    with pytest.raises(TokenDenied, match="use_dpop_nonce"):
        tokens.fetch(http)


def test_a_refusal_keeps_the_servers_words(programme, tokens, http):
    """What the server says is what the person needs; a terminal's control characters are not."""
    words = {"error": "invalid_client", "error_description": "the key\x1b[2J is not enrolled", "hint": "Enrol it."}
    programme.token_answer = (401, json.dumps(words).encode())
    with pytest.raises(TokenDenied) as refused:
        tokens.fetch(http)
    assert refused.value.message == "the issuer answered 401: invalid_client; the key [2J is not enrolled; Enrol it."
    programme.token_answer = (403, b'{"error":' + json.dumps("x" * 5000).encode() + b"}")
    with pytest.raises(TokenDenied) as refused:
        tokens.fetch(http)
    assert len(refused.value.message) < 400


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>"),
        (500, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"access_token":"a.b.c","token_type":"Bearer","expires_in":300}'),
        (200, b'{"access_token":"a.b.c","token_type":"DPoP","expires_in":300}'),
        (200, b'{"access_token":7,"token_type":"DPoP","expires_in":300}'),
        (200, b'{"access_token":"a.b.c","token_type":"DPoP","expires_in":true}'),
        (200, b'{"access_token":"a.b.c","token_type":"DPoP","expires_in":0}'),
        (200, b'{"access_token":"a.b.c","token_type":"DPoP","expires_in":1e9}'),
        (200, b"{" + b" " * 20_000 + b"}"),
        (200, b"[" * 9_000),
        (200, b"\xff"),
    ],
)
def test_an_answer_that_is_no_token_is_garbled(programme, tokens, http, status, body):
    """Something else answers at that address: a coded error, never a traceback."""
    programme.token_answer = (status, body)
    with pytest.raises(TokenAnswerGarbled):
        tokens.fetch(http)


def test_an_issuer_that_is_not_there_is_unreachable(programme, ids, http):
    """The network's exception does not cross the room's border."""
    scope = CallScope(technique="find", asset=ASSET)
    gone = TokenClient(
        issuer="http://127.0.0.1:9",
        principal_id=PRINCIPAL,
        key=programme.client_key,
        scope=scope,
        clock=programme.clock,
        ids=ids,
    )
    with pytest.raises(IssuerUnreachable):
        gone.fetch(http)


def test_another_key_gets_no_token(programme, ids, http, tmp_path):
    """A principal's id without its key is nothing."""
    stranger = TokenClient(
        issuer=programme.origin,
        principal_id=PRINCIPAL,
        key=make_key(tmp_path / "other.pem"),
        scope=CallScope(technique="find", asset=ASSET),
        clock=programme.clock,
        ids=ids,
    )
    with pytest.raises(TokenDenied, match="invalid_client"):
        stranger.fetch(http)
    assert programme.tokens_issued == 0


def test_a_held_token_is_not_shown(tokens, http):
    """A token in a log is bound to a key, and still nobody's business."""
    held = tokens.fetch(http)
    assert held.text not in repr(held)
