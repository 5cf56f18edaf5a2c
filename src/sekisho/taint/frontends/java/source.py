"""From bytes to UTF-8 bytes that the parser takes, or a reason why not."""

# Beyond this a file holds data, not code: a class file itself cannot hold more.
MAX_SOURCE_BYTES = 4_194_304


class Unreadable(Exception):
    """The bytes are not source text; the message says why. Stays inside the front-end."""


def read_source(data: bytes) -> bytes:
    """Return `data` as UTF-8 without a byte order mark, or raise Unreadable.

    A Java file does not say its encoding. What is not UTF-8 is read as Latin-1: each byte means something there, and
    nothing that the language itself uses looks different.
    """
    if len(data) > MAX_SOURCE_BYTES:
        raise Unreadable(f"{len(data)} bytes, more than {MAX_SOURCE_BYTES}")
    if b"\0" in data:
        raise Unreadable("holds a NUL byte: not text")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1").encode("utf-8")
    return data
