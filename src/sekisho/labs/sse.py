"""Server-sent events (WHATWG HTML 9.2), cut out of a stream whose pieces may end anywhere."""

import re

from sekisho.labs.errors import LabGarbled

# The last event of a response repeats its whole text: 128,000 tokens are about half a megabyte.
MAX_FRAME_BYTES = 4 * 1024 * 1024
DONE = b"[DONE]"
_BOM = b"\xef\xbb\xbf"
# A CR ends a line, unless it is the first half of CR LF; what follows it must have arrived before we can tell.
_LINE_END = rb"(?:\r\n|\n|\r(?=[^\n]))"
# `_LINE_END{2}`, written so that `re` sees which bytes it can begin with and skips the rest: eight times as fast.
_END = re.compile(rb"\n%b|\r\n%b|\r(?=[^\n])%b" % ((_LINE_END,) * 3))
_END_OF_STREAM = re.compile(rb"(?:\r\n|\n|\r(?!\n)){2}\Z")
# A comment, a blank line, and the fields that carry no payload.
_SILENT_FIELDS = frozenset({b"", b"event", b"id", b"retry"})
_FIELDS = (b"data", *_SILENT_FIELDS)


class FrameSplitter:
    """Gathers bytes and gives back whole frames, as they came, blank line included. Memory: one frame."""

    __slots__ = ("_buffer", "_scanned", "_started")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._started = False

    def split(self, data: bytes) -> list[bytes]:
        """Return the frames that `data` completes, or raise LabGarbled if one grows beyond MAX_FRAME_BYTES."""
        self._buffer += data
        frames = []
        while match := _END.search(self._buffer, self._scanned):
            frames.append(self._take(match.end()))
        # An end is at most four bytes long, so it may have begun in the last three.
        self._scanned = max(0, len(self._buffer) - 3)
        if len(self._buffer) > MAX_FRAME_BYTES:
            raise LabGarbled(f"an event longer than {MAX_FRAME_BYTES} bytes")
        return frames

    def rest(self) -> bytes:
        """Return what is left when the stream has ended; a frame without its blank line is none (9.2.6)."""
        return self._take(len(self._buffer))

    def _take(self, end: int) -> bytes:
        frame = bytes(self._buffer[:end])
        del self._buffer[:end]
        self._scanned = 0
        if not self._started:
            self._started = True
            frame = frame.removeprefix(_BOM)
        return frame


def is_whole_frame(rest: bytes) -> bool:
    """Say whether `rest`, the last bytes of a stream, ends with the blank line that completes a frame."""
    return _END_OF_STREAM.search(rest) is not None


def read_data(frame: bytes) -> bytes | None:
    """Return the payload of `frame`, None if it has none (a comment, a ping), or raise LabGarbled.

    The standard lets readers skip unknown fields; a lab sends none, and a page of HTML is nothing else.
    """
    parts = []
    for line in frame.splitlines():
        name, _, value = line.partition(b":")
        if name == b"data":
            parts.append(value.removeprefix(b" "))
        elif name not in _SILENT_FIELDS:
            raise LabGarbled("a stream that is not server-sent events")
    return b"\n".join(parts) or None


def check_rest(rest: bytes) -> None:
    """Raise LabGarbled unless `rest`, the last bytes of a stream, could be the beginning of a frame."""
    for line in rest.splitlines():
        name, colon, _ = line.partition(b":")
        if name not in _FIELDS and (colon or not any(field.startswith(name) for field in _FIELDS)):
            raise LabGarbled("a stream that is not server-sent events")
