"""The values that pass between the gate and a lab's dialect, and the two Protocols a dialect fulfils. No I/O."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One API of a lab that the gate carries. `path` is the raw path without query; `dialect` names who speaks it."""

    name: str
    method: str
    path: str
    dialect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What the gate must know of a request's body.

    `max_output_tokens`: the caller's own bound for one choice, None if it set none. `choices`: how many answers
    the lab will write (`n`); a budget reserves that many times the bound.
    """

    model: str
    stream: bool
    max_output_tokens: int | None
    choices: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Why the gate says no, ready for a caller: the wire status, the stable code, the words in two languages."""

    status: int
    code: str
    message_en: str
    message_ja: str
    change_en: str
    change_ja: str
    ask_en: str
    ask_ja: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one answer of a lab came to.

    `model`: as the lab named it (visible ASCII). `input_tokens` counts what was cached too. `complete`: the lab
    brought the answer to the end that its API defines; short of it the counts are what was told so far. `tail`: bytes
    still to be forwarded. `lab_error`: the lab's own word for its failure, such as `overloaded_error`, never its
    message, which may quote the prompt. `events`: how many events of a stream brought something.
    """

    model: str | None
    input_tokens: int | None
    output_tokens: int | None
    complete: bool
    tail: bytes
    lab_error: str | None = None
    events: int = 0


class AnswerReader(Protocol):
    """Watches one answer as it passes; memory is bounded, and the bytes may be cut anywhere."""

    def feed(self, data: bytes) -> bytes:
        """Return what may be forwarded now (whole SSE frames, or nothing yet), or raise LabGarbled."""
        ...

    def finish(self) -> Answer:
        """Return what the answer came to, once the lab has closed it; raise LabGarbled if it is no answer at all."""
        ...


class Dialect(Protocol):
    """How one family of labs speaks. Every method is pure."""

    @property
    def name(self) -> str:
        """`openai` or `anthropic`."""
        ...

    def parse_call(self, surface: Surface, body: bytes) -> Call:
        """Return what `body` (JSON) asks for, or raise BadCall."""
        ...

    def credential_headers(self, credential: str) -> tuple[tuple[bytes, bytes], ...]:
        """Return the headers, names in lower case, that carry the lab's credential, or raise BadEndpoint."""
        ...

    def prepare_body(self, surface: Surface, body: bytes, call: Call) -> bytes:
        """Return the body to forward: `body` itself unless the lab must be asked to report its usage."""
        ...

    def error_body(self, denial: Denial) -> bytes:
        """Return `denial` as JSON in the dialect's own shape, with a `sekisho` object beside it."""
        ...

    def error_event(self, surface: Surface, denial: Denial) -> bytes:
        """Return `denial` as the SSE frame that makes the dialect's SDK raise in the middle of a stream."""
        ...

    def reader(self, surface: Surface, call: Call, body: bytes) -> AnswerReader:
        """Return a reader for the answer to `body`, the caller's body before `prepare_body`."""
        ...
