"""From bytes to UTF-8 bytes that the parser takes, or a reason why not."""

import re

# Beyond this a file holds data, not code; the longest module of the standard library has 0.2 MB.
MAX_SOURCE_BYTES = 4_194_304

# PEP 263. Only these: Python knows codecs that take quadratic time or run code that was registered.
_DECLARED = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_CODECS = re.compile(
    r"utf-?8(-sig)?|us-?ascii|ascii|latin-?1|iso-?8859-\d{1,2}|windows-125\d|cp125\d|cp437|cp850|cp932|koi8-[ru]"
    r"|euc-(jp|kr)|shift-jis|sjis|iso-2022-jp|gbk|gb2312|gb18030|big5|mac-roman",
)


class Unreadable(Exception):
    """The bytes are not source text; the message says why. Stays inside the front-end."""


def read_source(data: bytes) -> bytes:
    """Return `data` as UTF-8 without a byte order mark, or raise Unreadable."""
    # (1) Size, before anything is decoded.
    if len(data) > MAX_SOURCE_BYTES:
        raise Unreadable(f"{len(data)} bytes, more than {MAX_SOURCE_BYTES}")
    # (2) What no Python file holds.
    if b"\0" in data:
        raise Unreadable("holds a NUL byte: not text")
    data = data.removeprefix(b"\xef\xbb\xbf")
    # (3) UTF-8, or what the file declares.
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _transcode(data)
    return data


def _transcode(data: bytes) -> bytes:
    codec = _declared_codec(data)
    if codec is None or not _CODECS.fullmatch(codec):
        raise Unreadable("not UTF-8, and no other encoding that we read is declared")
    try:
        return data.decode(codec).encode("utf-8")
    except (UnicodeError, LookupError) as error:
        raise Unreadable(f"declared as {codec}, but is not") from error


def _declared_codec(data: bytes) -> str | None:
    for line in data.split(b"\n", 2)[:2]:
        match = _DECLARED.match(line)
        if match:
            return match[1].decode("ascii").lower().replace("_", "-")
    return None
