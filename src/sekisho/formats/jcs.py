"""Canonical JSON: RFC 8785 (JCS) written, and read strictly enough that one value has one spelling.

Signed and logged documents are read here and nowhere else. Two parsers that disagree about one text let an
attacker show a different document to each; so duplicate names, floats, integers beyond 2**53 - 1, text
that is not NFC, lone surrogates and deep nesting are refused rather than repaired.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, NoReturn, TypeAlias

import rfc8785

from sekisho.core.errors import SekishoError

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"

# Deeper than any document of ours (a charter's nested rules reach about ten), far below the interpreter's
# recursion limit.
MAX_DEPTH = 32
# A charter with a hundred parties is about 50 kB.
MAX_SIZE_BYTES = 1_048_576
# RFC 8785 3.2.2.3: beyond this an IEEE 754 reader changes the number.
MAX_INTEGER = 2**53 - 1

# Of what `_check` lets through it writes what RFC 8785 asks for, if all names are ASCII.
_WRITER: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, sort_keys=True, separators=(",", ":")
)


class JsonRefused(SekishoError):
    """The text is not JSON that has exactly one reading."""

    code: ClassVar[str] = "SKS-FORMATS-001"
    hint = "Send strict JSON: no duplicate names, no floats, NFC text, at most 32 levels."


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 bytes of `value`, or raise JsonRefused if it holds what `parse` would refuse."""
    if not _check(value, depth=0):
        # RFC 8785 3.2.3 sorts names by UTF-16, Python by code points; beyond ASCII the two differ.
        return rfc8785.dumps(value)
    return _WRITER.encode(value).encode()


def canonical_if_ascii(value: Json) -> bytes | None:
    """Return the RFC 8785 bytes of `value`, several times as fast as `canonical`, or None if any text is not ASCII.

    The caller MUST know that it is of exact dicts, lists, tuples, text, booleans, None and integers up to MAX_INTEGER,
    at most MAX_DEPTH deep: nothing of that is checked.
    """
    text = _WRITER.encode(value)
    return text.encode() if text.isascii() else None


def parse(data: bytes, *, max_size_bytes: int = MAX_SIZE_BYTES) -> Json:
    """Return the value that `data` (UTF-8 JSON, any white space and order) says, or raise JsonRefused.

    `max_size_bytes`: more only for what is known to be large, such as a campaign's report.
    """
    # (1) Size, before anything is decoded.
    if len(data) > max_size_bytes:
        raise JsonRefused(f"{len(data)} bytes, more than {max_size_bytes}")
    # (2) One grammar, each ambiguity refused where it appears.
    try:
        value: Json = json.loads(
            data.decode("utf-8", errors="strict"),
            object_pairs_hook=_unique,
            parse_float=_refuse_float,
            parse_constant=_refuse_float,
        )
    except JsonRefused:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonRefused(f"not JSON: {type(error).__name__}") from error
    # (3) The value itself.
    _check(value, depth=0)
    return value


def parse_canonical(data: bytes) -> Json:
    """Return the value that `data` says if `data` is its RFC 8785 form, byte for byte, or raise JsonRefused."""
    value = parse(data)
    # What was parsed was checked: a reader of a million entries need not check each twice.
    if (canonical_if_ascii(value) or canonical(value)) != data:
        raise JsonRefused("not in RFC 8785 canonical form")
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise JsonRefused("a name appears twice in one object")
    return made


def _refuse_float(text: str) -> NoReturn:
    raise JsonRefused(f"not an integer: {text[:40]}")


def _check(value: Json, *, depth: int) -> bool:
    """Raise JsonRefused unless `value` is one of ours; say whether `_WRITER` can write it."""
    kind = type(value)
    if depth > MAX_DEPTH:
        raise JsonRefused(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        _check_text(value)
        return kind is str
    if value is None or kind is bool:
        return True
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise JsonRefused("an integer beyond 2**53 - 1")
        return kind is int
    if isinstance(value, Mapping):
        is_plain = kind is dict
        for name, item in value.items():
            if not isinstance(name, str):
                raise JsonRefused("a name that is not text")
            _check_text(name)
            is_plain &= type(name) is str and name.isascii()
            is_plain &= _check(item, depth=depth + 1)
        return is_plain
    if isinstance(value, list | tuple):
        is_plain = kind is list or kind is tuple
        for item in value:
            is_plain &= _check(item, depth=depth + 1)
        return is_plain
    raise JsonRefused(f"not a JSON value of ours: {kind.__name__}")


def _check_text(text: str) -> None:
    if text.isascii():
        return
    if not unicodedata.is_normalized("NFC", text):
        raise JsonRefused("text that is not NFC")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise JsonRefused("a lone surrogate")
