"""Denials: the official SDKs raise their own errors, with our code where people and programs look for it."""

import json

import anthropic
import openai
import pytest

from sekisho.core import REASONS, Reason
from sekisho.labs import ANTHROPIC_MESSAGES, OPENAI_CHAT, OPENAI_RESPONSES, Denial, dialect_named, unauthenticated_body

from .conftest import DENIAL, chat_example, messages_example, responses_example

MESSAGES = [{"role": "user", "content": "hi"}]


def openai_client(base_url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{base_url}/v1", api_key="unused", max_retries=0)


def openai_calls(client: openai.OpenAI, *, stream: bool):
    return (
        lambda: client.chat.completions.create(model="m", messages=MESSAGES, stream=stream),
        lambda: client.responses.create(model="m", input="hi", stream=stream),
    )


def anthropic_call(client: anthropic.Anthropic, *, stream: bool):
    return client.messages.create(model="m", messages=MESSAGES, max_tokens=9, stream=stream)


@pytest.mark.parametrize("stream", [False, True])
def test_openai_raises_its_permission_error_with_our_code(scripted_lab, stream):
    """403 → PermissionDeniedError; the code is `error.code`, the words are in the message."""
    scripted_lab.status, scripted_lab.body = 403, dialect_named("openai").error_body(DENIAL)
    with openai_client(scripted_lab.base_url) as client:
        for call in openai_calls(client, stream=stream):
            with pytest.raises(openai.PermissionDeniedError) as raised:
                call()
            assert raised.value.code == DENIAL.code
            assert DENIAL.message_en in str(raised.value)
            assert raised.value.response.json()["sekisho"]["message_ja"] == DENIAL.message_ja


@pytest.mark.parametrize("stream", [False, True])
def test_anthropic_raises_its_permission_error_with_our_code(scripted_lab, stream):
    """403 → PermissionDeniedError; the code is `error_code`, the words are in the message."""
    scripted_lab.status, scripted_lab.body = 403, dialect_named("anthropic").error_body(DENIAL)
    with (
        anthropic.Anthropic(base_url=scripted_lab.base_url, api_key="unused", max_retries=0) as client,
        pytest.raises(anthropic.PermissionDeniedError) as raised,
    ):
        anthropic_call(client, stream=stream)
    assert (raised.value.error_code, raised.value.type) == (DENIAL.code, "permission_error")
    assert DENIAL.message_en in str(raised.value.api_message)
    assert raised.value.response.json()["sekisho"]["ask_ja"] == DENIAL.ask_ja


def test_both_sdks_read_the_answer_to_those_who_are_not_authenticated(scripted_lab):
    """One body, the same bytes for everybody, and AuthenticationError from either SDK."""
    scripted_lab.status, scripted_lab.body = 401, unauthenticated_body()
    with openai_client(scripted_lab.base_url) as client:
        for call in openai_calls(client, stream=False):
            with pytest.raises(openai.AuthenticationError) as raised:
                call()
            assert raised.value.code == Reason.NOT_AUTHENTICATED.value
    with (
        anthropic.Anthropic(base_url=scripted_lab.base_url, api_key="unused", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError) as raised_by_anthropic,
    ):
        anthropic_call(client, stream=False)
    assert raised_by_anthropic.value.error_code == Reason.NOT_AUTHENTICATED.value
    assert unauthenticated_body() == unauthenticated_body()
    assert json.loads(unauthenticated_body())["sekisho"]["request_id"] is None


@pytest.mark.parametrize(("number", "example"), [(0, chat_example()), (1, responses_example())])
def test_openai_raises_in_the_middle_of_a_stream(scripted_lab, number, example):
    """What had arrived is seen, then APIError with our code; the stream never looks complete."""
    event = dialect_named("openai").error_event(example.surface, DENIAL)
    scripted_lab.content_type, scripted_lab.body = "text/event-stream", example.frames[0] + event
    seen = []
    with openai_client(scripted_lab.base_url) as client, pytest.raises(openai.APIError) as raised:
        seen.extend(openai_calls(client, stream=True)[number]())
    assert len(seen) == 1
    assert raised.value.code == DENIAL.code
    assert DENIAL.message_en in raised.value.message


def test_anthropic_raises_in_the_middle_of_a_stream(scripted_lab):
    """The same for Messages."""
    example = messages_example()
    event = dialect_named("anthropic").error_event(ANTHROPIC_MESSAGES, DENIAL)
    scripted_lab.content_type, scripted_lab.body = "text/event-stream", example.frames[0] + event
    seen = []
    with (
        anthropic.Anthropic(base_url=scripted_lab.base_url, api_key="unused", max_retries=0) as client,
        pytest.raises(anthropic.APIStatusError) as raised,
    ):
        seen.extend(anthropic_call(client, stream=True))
    assert len(seen) == 1
    assert raised.value.error_code == DENIAL.code


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
@pytest.mark.parametrize(
    "surface", [OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES], ids=lambda surface: surface.name
)
def test_every_reason_has_a_shape_in_every_dialect(surface, reason):
    """One frame, one line of JSON, the code and both languages in it, whatever the reason."""
    words = REASONS[reason]
    denial = Denial(
        status=words.status,
        code=reason.value,
        message_en=words.en,
        message_ja=words.ja,
        change_en=words.change_en,
        change_ja=words.change_ja,
        ask_en=words.ask.en,
        ask_ja=words.ask.ja,
    )
    dialect = dialect_named(surface.dialect)
    event = dialect.error_event(surface, denial)
    assert event.endswith(b"\n\n")
    assert event.count(b"\n\n") == 1
    data = event.split(b"data: ", 1)[1]
    for told in (json.loads(dialect.error_body(denial)), json.loads(data)):
        assert told["error"]["type"]
        assert told["error"]["message"].startswith(f"[{reason.value}]")
        assert (told["sekisho"]["code"], told["sekisho"]["message_ja"]) == (reason.value, words.ja)
