"""Canonical JSON: RFC 8785 (JCS) written, and read strictly enough that one value has one spelling.

Signed and logged documents are read here and nowhere else. Two parsers that disagree about one text let an
attacker show a different document to each; so duplicate names, floats, integers beyond 2**53 - 1, text
that is not NFC, lone surrogates and deep nesting are refused rather than repaired.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import ClassVar, NoReturn, TypeAlias

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


class JsonRefused(SekishoError):
    """The text is not JSON that has exactly one reading."""

    code: ClassVar[str] = "SKS-FORMATS-001"
    hint = "Send strict JSON: no duplicate names, no floats, NFC text, at most 32 levels."


def canonical(value: Json) -> bytes:
    """Return the RFC 8785 bytes of `value`, or raise JsonRefused if it holds what `parse` would refuse."""
    _check(value, depth=0)
    return rfc8785.dumps(value)


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
    if canonical(value) != data:
        raise JsonRefused("not in RFC 8785 canonical form")
    return value


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise JsonRefused("a name appears twice in one object")
    return made


def _refuse_float(text: str) -> NoReturn:
    raise JsonRefused(f"not an integer: {text[:40]}")


def _check(value: Json, *, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise JsonRefused(f"nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise JsonRefused("an integer beyond 2**53 - 1")
        return
    if isinstance(value, str):
        _check_text(value)
        return
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(name, str):
                raise JsonRefused("a name that is not text")
            _check_text(name)
            _check(item, depth=depth + 1)
        return
    if isinstance(value, list | tuple):
        for item in value:
            _check(item, depth=depth + 1)
        return
    raise JsonRefused(f"not a JSON value of ours: {type(value).__name__}")


def _check_text(text: str) -> None:
    if text.isascii():
        return
    if not unicodedata.is_normalized("NFC", text):
        raise JsonRefused("text that is not NFC")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise JsonRefused("a lone surrogate")
