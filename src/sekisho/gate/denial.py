"""How the gate says no: one reason, its words, in the shape that the caller's SDK understands. Pure."""

from sekisho.core import REASONS, Reason
from sekisho.gate import answers
from sekisho.labs import Denial, Dialect, dialect_named

# An SDK that tries a denied call again gets the same answer, and a coding agent does so seven times.
NO_RETRY = (b"x-should-retry", b"false")


def make_denial(reason: Reason, request_id: str | None, *, status: int | None = None) -> Denial:
    """Return the words of `reason` for one call. `status`: in place of the reason's own."""
    text = REASONS[reason]
    return Denial(
        status=text.status if status is None else status,
        code=reason.value,
        message_en=text.en,
        message_ja=text.ja,
        change_en=text.change_en,
        change_ja=text.change_ja,
        ask_en=text.ask.en,
        ask_ja=text.ask.ja,
        request_id=request_id,
    )


def encode_denial(denial: Denial, dialect: Dialect, fields: tuple[answers.Field, ...]) -> bytes:
    """Return `denial` as a whole answer with `fields` beside its own."""
    return answers.encode_whole(denial.status, (answers.JSON, NO_RETRY, *fields), dialect.error_body(denial))


def encode_malformed(reason: Reason, *, status: int) -> bytes:
    """Return the answer to bytes that are no request. It closes the connection: nobody knows where the next begins."""
    denial = make_denial(reason, None, status=status)
    return encode_denial(denial, dialect_named("openai"), (answers.CLOSE,))
