"""How a denial reads, whatever the dialect: one sentence for people, and one `sekisho` object for programs."""

import json
from typing import Any

from sekisho.core import REASONS, Reason
from sekisho.labs.interfaces import Denial


def sentence(denial: Denial) -> str:
    """Return the English words in one line: the code, what happened, what would change it, whom to ask."""
    return f"[{denial.code}] {denial.message_en} {denial.change_en} Ask: {denial.ask_en}."


def sekisho_object(denial: Denial) -> dict[str, str | None]:
    """Return the object that stands beside the lab's own error shape under `sekisho`."""
    return {
        "code": denial.code,
        "message_en": denial.message_en,
        "message_ja": denial.message_ja,
        "change_en": denial.change_en,
        "change_ja": denial.change_ja,
        "ask_en": denial.ask_en,
        "ask_ja": denial.ask_ja,
        "request_id": denial.request_id,
    }


def to_json(value: dict[str, Any]) -> bytes:
    """Return `value` as JSON in UTF-8 on one line, as an SSE frame needs it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def to_frame(event: str | None, value: dict[str, Any]) -> bytes:
    """Return `value` as one server-sent event, named `event` where the dialect names its events."""
    head = b"" if event is None else b"event: %s\n" % event.encode()
    return head + b"data: " + to_json(value) + b"\n\n"


def unauthenticated_body() -> bytes:
    """Return the answer to every caller who has not proved who it is: the same bytes whatever was wrong.

    Both families of SDKs read it, so that the path need not be known before it is sent.
    """
    return _UNAUTHENTICATED


def _uniform_body() -> bytes:
    reason = Reason.NOT_AUTHENTICATED
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
    error = {
        "type": "authentication_error",
        "message": sentence(denial),
        "code": denial.code,
        "param": None,
        "details": {"error_code": denial.code},
    }
    return to_json({"type": "error", "error": error, "sekisho": sekisho_object(denial)})


_UNAUTHENTICATED = _uniform_body()
