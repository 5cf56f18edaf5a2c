"""The two ways in which a lab answers, a stream or one JSON object, watched until the answer is complete.

What an event or an object means is the dialect's: it hands in a watcher. What is forwarded, bounded and refused is
the same for all and decided here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar

import msgspec

from sekisho.labs.errors import LabGarbled
from sekisho.labs.interfaces import Answer, Call
from sekisho.labs.sse import DONE, FrameSplitter, check_rest, is_whole_frame, read_data

# A reply in one piece, images in base64 included.
MAX_WHOLE_BYTES = 16 * 1024 * 1024
_SPACE = b" \t\r\n"
_BARE_DONE = (b"data: [DONE]", b"data:[DONE]")

# Both go into the ledger: counts stay exact for every JSON reader, names are visible ASCII of bounded length.
Tokens = Annotated[int, msgspec.Meta(ge=0, le=2**48)]
ModelName = Annotated[str, msgspec.Meta(pattern=r"^[\x20-\x7e]{1,256}$")]

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What is known of an answer so far.

    `ended`: the lab said that this was all, and may say no more. `suffices`: it has said all that the API promises
    short of that.
    """

    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    ended: bool = False
    suffices: bool = False
    lab_error: str | None = None
    events: int = 0

    def close(self, tail: bytes) -> Answer:
        """Return the answer as it stands."""
        return Answer(
            model=self.model,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            complete=self.ended or self.suffices,
            tail=tail,
            lab_error=self.lab_error,
            events=self.events,
        )


class Watcher(Protocol):
    """What a dialect knows about the events of one surface."""

    @property
    def tally(self) -> Tally:
        """What was learnt so far."""
        ...

    def observe(self, data: bytes) -> bool:
        """Take in one event's payload, or raise LabGarbled; say whether its frame is for the caller."""
        ...


class StreamReader:
    """Watches a stream of server-sent events; forwards whole frames, so that a refusal can follow any of them."""

    __slots__ = ("_splitter", "_watcher")

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._splitter = FrameSplitter()

    def feed(self, data: bytes) -> bytes:
        """Return the frames that `data` completes and the caller should see, or raise LabGarbled."""
        return b"".join(frame for frame in self._splitter.split(data) if self._is_for_caller(frame))

    def finish(self) -> Answer:
        """Return what the stream came to; raise LabGarbled if it ended in something that is no event at all."""
        rest = self._splitter.rest()
        check_rest(rest)
        # A frame without its blank line is none, but for the closing mark, which some labs end on bare.
        if not is_whole_frame(rest) and rest.strip() in _BARE_DONE:
            rest = b"data: [DONE]\n\n"
        passes = is_whole_frame(rest) and self._is_for_caller(rest)
        return self._watcher.tally.close(rest if passes else b"")

    def _is_for_caller(self, frame: bytes) -> bool:
        data = read_data(frame)
        if data is None:
            return True
        if self._watcher.tally.ended and data != DONE:
            raise LabGarbled("an event after the last one")
        self._watcher.tally.events += 1
        return self._watcher.observe(data)


class WholeReader:
    """Gathers a reply in one piece, bounded, and passes it on at the end, when it has proved to be what it should."""

    __slots__ = ("_buffer", "_opened", "_read")

    def __init__(self, read: Callable[[bytes], Tally]) -> None:
        self._read = read
        self._buffer = bytearray()
        self._opened = False

    def feed(self, data: bytes) -> bytes:
        """Return nothing yet; raise LabGarbled if the reply is too large or cannot become a JSON object."""
        self._buffer += data
        if len(self._buffer) > MAX_WHOLE_BYTES:
            raise LabGarbled(f"a reply longer than {MAX_WHOLE_BYTES} bytes")
        if not self._opened:
            # Only what is new: labs that think long send white space meanwhile, and all of it again would be quadratic.
            text = data.lstrip(_SPACE)
            if text and not text.startswith(b"{"):
                raise LabGarbled("a reply that is not a JSON object")
            self._opened = bool(text)
        return b""

    def finish(self) -> Answer:
        """Return what the reply came to, the whole of it as `tail`, or raise LabGarbled."""
        body = bytes(self._buffer)
        self._buffer.clear()
        return self._read(body).close(body)


def require_content_type(call: Call, content_type: str | None) -> None:
    """Raise LabGarbled unless `content_type`, the header of a 200 answer, is what `call` asked for."""
    wanted = "text/event-stream" if call.stream else "application/json"
    if content_type is None or content_type.partition(";")[0].strip().lower() != wanted:
        raise LabGarbled(f"an answer that is not {wanted}")


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Return what `decoder` reads in `data`, or raise LabGarbled; nothing of the text is kept in the error."""
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise LabGarbled("an answer that is not the JSON its API promises") from None
