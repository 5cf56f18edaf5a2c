"""The OpenAI dialect: Chat Completions and Responses, as OpenAI and the endpoints compatible with it speak them.

References: platform.openai.com/docs/api-reference/chat, …/responses, …/responses-streaming.
"""

import json
import re
from typing import Annotated, Any

import msgspec

from sekisho.labs.body import MAX_CHOICES, MAX_TOKENS, parse_body, read_count, read_flag, read_model
from sekisho.labs.credential import check_credential
from sekisho.labs.denials import sekisho_object, sentence, to_frame, to_json
from sekisho.labs.errors import BadCall, LabGarbled
from sekisho.labs.interfaces import AnswerReader, Call, Denial, Surface
from sekisho.labs.reader import ModelName, StreamReader, Tally, Tokens, WholeReader, decode
from sekisho.labs.sse import DONE
from sekisho.labs.surfaces import OPENAI_CHAT

_DECISIVE = frozenset(
    {
        "model",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "n",
        "background",
    }
)
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "invalid_request_error",
    429: "rate_limit_error",
}
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class _Error(msgspec.Struct):
    code: str | int | None = None
    type: str | None = None


class _ChatUsage(msgspec.Struct):
    prompt_tokens: Tokens | None = None
    completion_tokens: Tokens | None = None


class _Choice(msgspec.Struct):
    index: Annotated[int, msgspec.Meta(ge=0, lt=MAX_CHOICES)] = 0
    finish_reason: str | None = None


class _Chat(msgspec.Struct):
    """A chat completion, or one chunk of it."""

    choices: list[_Choice] | None = None
    model: ModelName | None = None
    usage: _ChatUsage | None = None
    error: _Error | str | None = None


class _ResponseUsage(msgspec.Struct):
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None


class _Response(msgspec.Struct):
    """A response object, whole or inside an event."""

    status: str | None = None
    model: ModelName | None = None
    usage: _ResponseUsage | None = None
    error: _Error | str | None = None


class _Event(msgspec.Struct):
    """One event of a streamed response; `code` is that of the event named `error`."""

    type: str
    response: _Response | None = None
    code: str | int | None = None
    error: _Error | str | None = None


_CHAT = msgspec.json.Decoder(_Chat)
_RESPONSE = msgspec.json.Decoder(_Response)
_EVENT = msgspec.json.Decoder(_Event)
_ENDS = frozenset({"completed", "incomplete", "failed"})
_LAST_EVENTS = frozenset(f"response.{end}" for end in _ENDS)


class OpenAIDialect:
    """Chat Completions and Responses. Implements `Dialect`."""

    name = "openai"

    def parse_call(self, surface: Surface, body: bytes) -> Call:
        """Return what `body` asks for, or raise BadCall. Of two bounds in one chat request the larger counts."""
        value = parse_body(body, decisive=_DECISIVE)
        if surface is OPENAI_CHAT:
            bounds = [read_count(value, name, most=MAX_TOKENS) for name in ("max_tokens", "max_completion_tokens")]
            choices = read_count(value, "n", most=MAX_CHOICES) or 1
            _stream_options(value)
        else:
            _refuse_background(value)
            bounds, choices = [read_count(value, "max_output_tokens", most=MAX_TOKENS)], 1
        return Call(
            model=read_model(value),
            stream=read_flag(value, "stream"),
            max_output_tokens=max((bound for bound in bounds if bound is not None), default=None),
            choices=choices,
        )

    def credential_headers(self, credential: str) -> tuple[tuple[bytes, bytes], ...]:
        """Return the Authorization header, or raise BadEndpoint."""
        return ((b"authorization", b"Bearer " + check_credential(credential)),)

    def prepare_body(self, surface: Surface, body: bytes, call: Call) -> bytes:
        """Return `body`, for a chat stream with `stream_options.include_usage` set: else nobody learns the usage."""
        if surface is not OPENAI_CHAT or not call.stream:
            return body
        value = parse_body(body, decisive=_DECISIVE)
        if "stream_options" not in value:
            # Put in as text, so that everything else passes as the caller wrote it.
            return body.replace(b"{", b'{"stream_options":{"include_usage":true},', 1)
        options = _stream_options(value)
        if options.get("include_usage") is True:
            return body
        # In ASCII: a lone surrogate, which JSON may escape, has no other spelling.
        return json.dumps({**value, "stream_options": {**options, "include_usage": True}}).encode("ascii")

    def error_body(self, denial: Denial) -> bytes:
        """Return `denial` in OpenAI's error shape; the SDK shows the code as `error.code`."""
        return to_json({"error": _error(denial), "sekisho": sekisho_object(denial)})

    def error_event(self, surface: Surface, denial: Denial) -> bytes:
        """Return `denial` as an event that carries `error`, on which the SDK raises APIError."""
        error = _error(denial)
        if surface is OPENAI_CHAT:
            return to_frame(None, {"error": error, "sekisho": sekisho_object(denial)})
        event = {**error, "type": "error", "error": error, "sekisho": sekisho_object(denial)}
        return to_frame("error", event)

    def reader(self, surface: Surface, call: Call, body: bytes) -> AnswerReader:
        """Return the reader of the surface; the usage chunk is kept from callers who did not ask for it."""
        if surface is not OPENAI_CHAT:
            return StreamReader(_ResponseWatcher()) if call.stream else WholeReader(_read_response)
        if not call.stream:
            return WholeReader(_read_chat)
        return StreamReader(_ChatWatcher(choices=call.choices, shows_usage=_asks_for_usage(body)))


class _ChatWatcher:
    """A chat stream: over with `[DONE]`, or with a finish reason for every choice and the usage."""

    def __init__(self, *, choices: int, shows_usage: bool) -> None:
        self.tally = Tally()
        self._choices = choices
        self._shows_usage = shows_usage
        self._finished: set[int] = set()

    def observe(self, data: bytes) -> bool:
        if data == DONE:
            # After an error the mark closes the stream, not the answer.
            self.tally.ended = self.tally.lab_error is None
            return True
        chunk = decode(_CHAT, data)
        _count_chat(self.tally, chunk)
        if chunk.error is not None:
            self.tally.suffices = False
            return True
        if chunk.choices is None:
            raise LabGarbled("a chunk without choices")
        self._finished |= {choice.index for choice in chunk.choices if choice.finish_reason is not None}
        self.tally.suffices = (
            len(self._finished) >= self._choices
            and self.tally.output_tokens is not None
            and self.tally.lab_error is None
        )
        is_usage_alone = not chunk.choices and chunk.usage is not None
        return self._shows_usage or not is_usage_alone


class _ResponseWatcher:
    """A streamed response: over with the event that carries the finished object."""

    def __init__(self) -> None:
        self.tally = Tally()

    def observe(self, data: bytes) -> bool:
        # Not OpenAI's, but some compatible endpoints close with it.
        if data == DONE:
            return True
        event = decode(_EVENT, data)
        if event.response is not None:
            _count_response(self.tally, event.response)
        if event.type == "error":
            self.tally.lab_error = _word(event.error) or _word(_Error(code=event.code)) or "error"
        if event.type in _LAST_EVENTS:
            if event.response is None:
                raise LabGarbled("a last event without its response")
            self.tally.ended = True
        return True


def _read_chat(body: bytes) -> Tally:
    tally, chat = Tally(), decode(_CHAT, body)
    _count_chat(tally, chat)
    if chat.error is None and not chat.choices:
        raise LabGarbled("a chat completion without choices")
    tally.ended = chat.error is None
    return tally


def _read_response(body: bytes) -> Tally:
    tally, response = Tally(), decode(_RESPONSE, body)
    _count_response(tally, response)
    if response.status is None and response.error is None:
        raise LabGarbled("a response without a status")
    tally.ended = response.status in _ENDS
    return tally


def _count_chat(tally: Tally, chat: _Chat) -> None:
    tally.model = chat.model or tally.model
    if chat.usage is not None:
        tally.input_tokens, tally.output_tokens = chat.usage.prompt_tokens, chat.usage.completion_tokens
    tally.lab_error = _word(chat.error) or tally.lab_error


def _count_response(tally: Tally, response: _Response) -> None:
    tally.model = response.model or tally.model
    if response.usage is not None:
        tally.input_tokens, tally.output_tokens = response.usage.input_tokens, response.usage.output_tokens
    tally.lab_error = _word(response.error) or tally.lab_error


def _word(error: _Error | str | None) -> str | None:
    """Return the lab's word for `error`, never its message: that may quote the prompt or the credential."""
    if error is None:
        return None
    words = (error.code, error.type) if isinstance(error, _Error) else ()
    return next((word for word in words if isinstance(word, str) and _WORD.fullmatch(word)), "error")


def _error(denial: Denial) -> dict[str, str | None]:
    kind = _ERROR_TYPES.get(denial.status, "server_error")
    return {"message": sentence(denial), "type": kind, "param": None, "code": denial.code}


def _stream_options(value: dict[str, Any]) -> dict[str, Any]:
    options = value.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise BadCall("stream_options is not an object")
    return options or {}


def _asks_for_usage(body: bytes) -> bool:
    # Most do not mention it; a name can also be spelt with escapes, and then the body is read.
    if b"stream_options" not in body and b"\\u" not in body:
        return False
    return _stream_options(parse_body(body, decisive=_DECISIVE)).get("include_usage") is True


def _refuse_background(value: dict[str, Any]) -> None:
    # The answer would be fetched later, past the gate: no outcome, no usage, and no hold could cut it.
    if read_flag(value, "background"):
        raise BadCall("background is not carried", hint="Call without background; stream long answers instead.")
