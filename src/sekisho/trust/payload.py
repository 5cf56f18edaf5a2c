"""Reading a document's payload field by field: exact names, exact types, limits, or DocumentRefused.

JSON's `true` is an int to Python, and a list where text belongs iterates quietly; so every field is read through
one of these functions and says what it may be.
"""

import re
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from typing import Final, TypeVar

from sekisho.core import SekishoError, Window, format_utc, parse_utc
from sekisho.formats import jcs
from sekisho.formats.dsse import Envelope
from sekisho.trust.errors import DocumentRefused

# More principals or assets than one institution brings into one grant; keeps policies small.
MAX_LISTED: Final = 1000
# A reason that a person reads in full before acting on it.
MAX_TEXT_LENGTH: Final = 500

# Names of parties, techniques, tiers and kinds: what dsse also demands of a party.
NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)
# What the labs call their models.
MODEL_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}", re.ASCII)
_WINDOW = frozenset({"opens", "closes"})
_ID_TAIL = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)

_Item = TypeVar("_Item", bound=Hashable)


def read_payload(
    envelope: Envelope, kind: str, names: frozenset[str], *, optional: frozenset[str] = frozenset()
) -> Mapping[str, jcs.Json]:
    """Return the fields of `envelope`'s payload if it is a `kind` with exactly `names`, and any of `optional`."""
    if envelope.kind != kind:
        raise DocumentRefused(f"a {envelope.kind} where a {kind} belongs")
    value = jcs.parse_canonical(envelope.payload)
    present = optional & set(value) if isinstance(value, Mapping) else frozenset()
    return read_object(value, names | present, kind)


def read_object(value: jcs.Json, names: frozenset[str], where: str) -> Mapping[str, jcs.Json]:
    """Return `value` as an object with exactly `names`. `where`: what it is, for the message."""
    if not isinstance(value, Mapping):
        raise DocumentRefused(f"{where}: expected an object")
    if set(value) != names:
        wrong = sorted(set(value) ^ names)
        raise DocumentRefused(f"{where}: missing or unknown: {', '.join(repr(name[:40]) for name in wrong[:5])}")
    return value


def read_list(value: jcs.Json, read: Callable[[jcs.Json], _Item], where: str, *, least: int = 1) -> tuple[_Item, ...]:
    """Return `value` as a list of `least` to MAX_LISTED items, each read by `read`."""
    if not isinstance(value, list) or not least <= len(value) <= MAX_LISTED:
        raise DocumentRefused(f"{where}: expected a list of {least} to {MAX_LISTED}")
    return tuple(read(item) for item in value)


def read_set(value: jcs.Json, read: Callable[[jcs.Json], _Item], where: str, *, least: int = 1) -> tuple[_Item, ...]:
    """Return `value` as `read_list` does, in its order, if no item is listed twice."""
    items = read_list(value, read, where, least=least)
    if len(set(items)) != len(items):
        raise DocumentRefused(f"{where}: an item is listed twice")
    return items


def read_text(value: jcs.Json, where: str) -> str:
    """Return `value` as text for people: not blank, at most MAX_TEXT_LENGTH characters, no control characters."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT_LENGTH:
        raise DocumentRefused(f"{where}: expected text of 1 to {MAX_TEXT_LENGTH} characters")
    # A line end or a direction mark can make a screen show another text than the one that is signed.
    # The ideographic space is how Japanese is typed, and shows.
    if not value.replace("\u3000", " ").isprintable():
        raise DocumentRefused(f"{where}: control or invisible characters")
    return value


def read_match(value: jcs.Json, pattern: re.Pattern[str], where: str) -> str:
    """Return `value` as text that `pattern` matches in full."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise DocumentRefused(f"{where}: {value!r:.60} is not of the form {pattern.pattern}")
    return value


def read_name(value: jcs.Json, where: str) -> str:
    """Return `value` as a name in lower case: a party, technique, tier or kind."""
    return read_match(value, NAME, where)


def read_id(value: jcs.Json, prefixes: tuple[str, ...], where: str) -> str:
    """Return `value` as an id `<prefix>_…` with one of `prefixes`."""
    prefix, _, tail = value.partition("_") if isinstance(value, str) else ("", "", "")
    if prefix not in prefixes or not _ID_TAIL.fullmatch(tail):
        raise DocumentRefused(f"{where}: {value!r:.60} is not an id {' or '.join(f'{p}_…' for p in prefixes)}")
    return f"{prefix}_{tail}"


def read_integer(value: jcs.Json, where: str, *, least: int, most: int = jcs.MAX_INTEGER) -> int:
    """Return `value` as an integer from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise DocumentRefused(f"{where}: expected an integer from {least} to {most}")
    return value


def read_time(value: jcs.Json, where: str) -> datetime:
    """Return `value`, RFC 3339 in UTC, as aware UTC."""
    if not isinstance(value, str):
        raise DocumentRefused(f"{where}: expected a time as text")
    try:
        return parse_utc(value)
    except SekishoError as error:
        raise DocumentRefused(f"{where}: {error.message}") from error


def read_window(value: jcs.Json, where: str) -> Window:
    """Return `value`, `{"opens", "closes"}`, as a window."""
    fields = read_object(value, _WINDOW, where)
    opens, closes = read_time(fields["opens"], f"{where}.opens"), read_time(fields["closes"], f"{where}.closes")
    try:
        return Window(opens=opens, closes=closes)
    except SekishoError as error:
        raise DocumentRefused(f"{where}: {error.message}") from error


def window_payload(window: Window) -> dict[str, jcs.Json]:
    """Return `window` as `read_window` reads it."""
    return {"opens": format_utc(window.opens), "closes": format_utc(window.closes)}
