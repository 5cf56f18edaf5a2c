"""The official SDKs, unchanged, call through it: every request is proved, and nothing but our credential travels."""

import logging
from datetime import timedelta

import anthropic
import httpx2
import openai
import pytest

from sekisho.sidecar import SekishoAuth, TokenDenied, WrongGate, sign_in
from sekisho.tokens import CallScope, Nonces

from .conftest import ASSET

MESSAGES = [{"role": "user", "content": "hi"}]
SDK_KEY = "sk-must-not-travel"


def call_all(openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic) -> list[str | None]:
    chat = openai_client.chat.completions.create(model="m", messages=MESSAGES)
    stream = openai_client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    response = openai_client.responses.create(model="m", input="hi")
    message = anthropic_client.beta.messages.create(model="m", messages=MESSAGES, max_tokens=9)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    return [chat.choices[0].message.content, streamed, response.output_text, message.content[0].text]


def test_both_sdks_call_through_it(programme, auth):
    """Chat, streamed chat, responses and messages (with a query): one nonce round at the start, then none."""
    with httpx2.Client(auth=auth, trust_env=False) as http:
        base = programme.origin
        words = call_all(
            openai.OpenAI(base_url=f"{base}/v1", api_key=SDK_KEY, http_client=http, max_retries=0),
            anthropic.Anthropic(base_url=base, api_key=SDK_KEY, http_client=http, max_retries=0),
        )
    assert words == ["hello"] * 4
    assert programme.tokens_issued == 1
    assert programme.refusals == ["SKS-TOKENS-024"]
    assert programme.scopes == [CallScope(technique="find", asset=ASSET)] * 4
    for request in programme.gate_requests:
        assert request["authorization"].startswith("DPoP ey")
        assert not {"x-api-key", "api-key"} & set(request)
        assert SDK_KEY not in str(request)
    assert len({request["dpop"] for request in programme.gate_requests}) == 5


async def test_both_sdks_call_through_it_asynchronously(programme, auth):
    """The same for the asynchronous clients."""
    async with httpx2.AsyncClient(auth=auth, trust_env=False) as http:
        first = openai.AsyncOpenAI(base_url=f"{programme.origin}/v1", api_key=SDK_KEY, http_client=http, max_retries=0)
        second = anthropic.AsyncAnthropic(base_url=programme.origin, api_key=SDK_KEY, http_client=http, max_retries=0)
        chat = await first.chat.completions.create(model="m", messages=MESSAGES)
        stream = await first.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        streamed = [chunk.choices[0].delta.content async for chunk in stream]
        message = await second.messages.create(model="m", messages=MESSAGES, max_tokens=9)
    assert [chat.choices[0].message.content, streamed, message.content[0].text] == ["hello", ["hello"], "hello"]
    assert (programme.tokens_issued, programme.refusals) == (1, ["SKS-TOKENS-024"])


def post(programme, auth, **more) -> httpx2.Response:
    with httpx2.Client(auth=auth, trust_env=False) as http:
        return http.post(f"{programme.origin}/v1/responses", json={"model": "m"}, **more)


def test_a_new_nonce_is_answered_once_and_the_latest_is_kept(programme, auth):
    """RFC 9449 9: rotation costs one round when the old nonce has run out, and none while answers bring new ones."""
    assert post(programme, auth).status_code == 200
    programme.clock.advance(timedelta(seconds=61))
    assert post(programme, auth).status_code == 200
    assert len(programme.refusals) == 1
    programme.clock.advance(timedelta(seconds=61))
    programme.gate_nonces = Nonces(bytes(range(32)))
    assert post(programme, auth).status_code == 200
    assert len(programme.refusals) == 2


def test_a_refusal_that_a_nonce_does_not_cure_is_final_and_ends_the_token(programme, auth, tmp_path):
    """One retry, never a loop; the next call asks for a token that the gate takes (its key was exchanged)."""
    from sekisho.sidecar import make_key

    assert post(programme, auth).status_code == 200
    programme.issuer_key = make_key(tmp_path / "next.pem")
    before = len(programme.gate_requests)
    assert post(programme, auth).status_code == 401
    assert len(programme.gate_requests) == before + 1
    assert post(programme, auth).status_code == 200
    assert programme.tokens_issued == 2


def test_a_streamed_upload_is_sent_again_whole(programme, auth):
    """The nonce round must not lose a body that can be read only once."""
    pieces = iter([b'{"mo', b'del":"m"}'])
    with httpx2.Client(auth=auth, trust_env=False) as http:
        answer = http.post(f"{programme.origin}/v1/responses", content=pieces, headers={"content-length": "13"})
    assert answer.status_code == 200
    assert len(programme.gate_requests) == 2


@pytest.mark.parametrize("url", ["http://localhost:{port}/v1/responses", "http://127.0.0.1:9/v1/responses"])
def test_the_token_is_shown_to_its_gate_alone(programme, auth, url):
    """A base_url left at the lab's own address gets neither token nor prompt."""
    port = programme.origin.rpartition(":")[2]
    with httpx2.Client(auth=auth, trust_env=False) as http, pytest.raises(WrongGate):
        http.post(url.format(port=port), json={"model": "m", "input": "secret"})
    assert programme.gate_requests == []


def test_an_sdk_shows_why_no_token_came(programme, auth):
    """The SDK's connection error is caused by ours, with the server's words."""
    programme.token_answer = (401, b'{"error":"invalid_client","error_description":"suspended"}')
    with httpx2.Client(auth=auth, trust_env=False) as http:
        client = openai.OpenAI(base_url=f"{programme.origin}/v1", api_key=SDK_KEY, http_client=http, max_retries=0)
        with pytest.raises((openai.APIConnectionError, TokenDenied)) as raised:
            client.responses.create(model="m", input="hi")
    chain = [raised.value, raised.value.__cause__, raised.value.__context__]
    assert any(isinstance(error, TokenDenied) and "suspended" in error.message for error in chain)


def test_no_log_shows_token_proof_or_key(programme, auth, caplog, key_file):
    """Invariant 3, and nothing that opens a door: at the finest level, from every library on the way."""
    with caplog.at_level(logging.DEBUG):
        post(programme, auth)
    for request in programme.gate_requests:
        assert request["dpop"] not in caplog.text
        assert request["authorization"] not in caplog.text
    secret = "".join(key_file.read_text().splitlines()[1:-1])
    assert secret not in caplog.text + repr(auth) + repr(auth.__dict__) + repr(vars(auth._tokens))


def test_sign_in_is_all_that_a_program_needs(programme, key_file):
    """From a key file to what an SDK takes; the machine's own clock and randomness go in here alone."""
    auth = sign_in(key_file=key_file, principal_id="wkl_1", issuer=programme.origin, asset=ASSET)
    assert isinstance(auth, SekishoAuth)
    # The programme's clock stands elsewhere: it refuses, so what was sent was made with the machine's own.
    with httpx2.Client(auth=auth, trust_env=False) as http, pytest.raises(TokenDenied):
        http.post(f"{programme.origin}/v1/responses", json={"model": "m"})
