"""The Anthropic dialect: Messages. References: docs.anthropic.com/en/api/messages, …/messages-streaming, …/errors."""

import re

import msgspec

from sekisho.labs.body import MAX_TOKENS, parse_body, read_count, read_flag, read_model
from sekisho.labs.credential import check_credential
from sekisho.labs.denials import sekisho_object, sentence, to_frame, to_json
from sekisho.labs.errors import BadCall, LabGarbled
from sekisho.labs.interfaces import AnswerReader, Call, Denial, Surface
from sekisho.labs.reader import ModelName, StreamReader, Tally, Tokens, WholeReader, decode
from sekisho.labs.sse import DONE

_DECISIVE = frozenset({"model", "stream", "max_tokens"})
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


class _Usage(msgspec.Struct):
    """Cumulative. `input_tokens` leaves out what was written to and read from the cache."""

    input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None


class _Error(msgspec.Struct):
    type: str | None = None


class _Message(msgspec.Struct):
    """A message, whole or in `message_start`; `type` is `error` when there is none."""

    type: str
    model: ModelName | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None
    error: _Error | None = None


class _Event(msgspec.Struct):
    type: str
    message: _Message | None = None
    usage: _Usage | None = None
    error: _Error | None = None


_MESSAGE = msgspec.json.Decoder(_Message)
_EVENT = msgspec.json.Decoder(_Event)


class AnthropicDialect:
    """Messages. Implements `Dialect`."""

    name = "anthropic"

    def parse_call(self, surface: Surface, body: bytes) -> Call:
        """Return what `body` asks for, or raise BadCall; `max_tokens` is required, as the API has it."""
        value = parse_body(body, decisive=_DECISIVE)
        max_tokens = read_count(value, "max_tokens", most=MAX_TOKENS)
        if max_tokens is None:
            raise BadCall("max_tokens is missing")
        return Call(model=read_model(value), stream=read_flag(value, "stream"), max_output_tokens=max_tokens)

    def credential_headers(self, credential: str) -> tuple[tuple[bytes, bytes], ...]:
        """Return the x-api-key header, or raise BadEndpoint; the caller's `anthropic-version` passes beside it."""
        return ((b"x-api-key", check_credential(credential)),)

    def prepare_body(self, surface: Surface, body: bytes, call: Call) -> bytes:
        """Return `body` as it is: the stream reports its usage unasked."""
        return body

    def error_body(self, denial: Denial) -> bytes:
        """Return `denial` in Anthropic's error shape; the SDK shows the code as `error_code`."""
        return to_json(_error(denial))

    def error_event(self, surface: Surface, denial: Denial) -> bytes:
        """Return `denial` as the event `error`, on which the SDK raises APIStatusError."""
        return to_frame("error", _error(denial))

    def reader(self, surface: Surface, call: Call, body: bytes) -> AnswerReader:
        """Return the reader of a message, streamed or whole."""
        return StreamReader(_MessageWatcher()) if call.stream else WholeReader(_read_message)


class _MessageWatcher:
    """A streamed message: over with `message_stop`."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._usage = _Usage()

    def observe(self, data: bytes) -> bool:
        # Not Anthropic's, but some compatible endpoints close with it.
        if data == DONE:
            return True
        event = decode(_EVENT, data)
        if event.message is not None:
            self.tally.model = event.message.model or self.tally.model
            self._take_usage(event.message.usage)
        self._take_usage(event.usage)
        if event.type == "error":
            self.tally.lab_error = _word(event.error)
        self.tally.ended = event.type == "message_stop"
        return True

    def _take_usage(self, usage: _Usage | None) -> None:
        if usage is not None:
            self._usage = _newest(self._usage, usage)
            _count(self.tally, self._usage)


def _read_message(body: bytes) -> Tally:
    tally, message = Tally(), decode(_MESSAGE, body)
    if message.type == "error":
        tally.lab_error = _word(message.error)
        return tally
    if message.type != "message" or message.stop_reason is None:
        raise LabGarbled("a reply that is not a finished message")
    tally.model = message.model
    _count(tally, message.usage or _Usage())
    tally.ended = True
    return tally


def _newest(old: _Usage, new: _Usage) -> _Usage:
    def pick(name: str) -> int | None:
        value: int | None = getattr(new, name)
        return getattr(old, name) if value is None else value

    return _Usage(**{name: pick(name) for name in _Usage.__struct_fields__})


def _count(tally: Tally, usage: _Usage) -> None:
    parts = (usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
    known = [part for part in parts if part is not None]
    tally.input_tokens = sum(known) if known else None
    tally.output_tokens = usage.output_tokens


def _word(error: _Error | None) -> str:
    """Return the lab's word for `error`, never its message: that may quote the prompt or the credential."""
    word = error.type if error is not None else None
    return word if word is not None and _WORD.fullmatch(word) else "error"


def _error(denial: Denial) -> dict[str, object]:
    kind = _ERROR_TYPES.get(denial.status, "api_error")
    error = {"type": kind, "message": sentence(denial), "details": {"error_code": denial.code}}
    return {"type": "error", "error": error, "request_id": denial.request_id, "sekisho": sekisho_object(denial)}
