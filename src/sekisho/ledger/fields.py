"""The shapes that a field of an entry may have. Each shape is a check; a value passes or EntryRefused is raised."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sekisho.core.errors import SekishoError
from sekisho.core.utc import format_utc, parse_utc
from sekisho.formats.jcs import MAX_INTEGER, Json
from sekisho.ledger.errors import EntryRefused
from sekisho.tlog.base64_strict import decode_base64
from sekisho.tlog.merkle import HASH_SIZE_BYTES

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_COMMITMENT = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
_LOG = re.compile(r"calls/[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_count(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_INTEGER


def _is_match(pattern: re.Pattern[str]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_root(value: Json) -> bool:
    if not isinstance(value, str):
        return False
    root = decode_base64(value)
    return root is not None and len(root) == HASH_SIZE_BYTES


def _is_time(value: Json) -> bool:
    try:
        return isinstance(value, str) and format_utc(parse_utc(value)) == value
    except SekishoError:
        return False


def _is_texts(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(_is_text(item) for item in value)


def _is_counts(value: Json) -> bool:
    return isinstance(value, Mapping) and all(_is_count(item) for item in value.values())


class Shape(Enum):
    """The shape of a field, and how the specification page words it."""

    TEXT = "text"
    COUNT = "count"
    DIGEST = "digest"
    COMMITMENT = "commitment"
    ROOT = "root"
    TIME = "time"
    LOG = "log"
    TEXTS = "list of text"
    COUNTS = "counts by name"


_CHECKS: Final[Mapping[Shape, Callable[[Json], bool]]] = {
    Shape.TEXT: _is_text,
    Shape.COUNT: _is_count,
    Shape.DIGEST: _is_match(_DIGEST),
    Shape.COMMITMENT: _is_match(_COMMITMENT),
    Shape.ROOT: _is_root,
    Shape.TIME: _is_time,
    Shape.LOG: _is_match(_LOG),
    Shape.TEXTS: _is_texts,
    Shape.COUNTS: _is_counts,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One name in a body. `is_required`: it must be there. `may_be_null`: its value may be null."""

    name: str
    shape: Shape
    is_required: bool = True
    may_be_null: bool = False

    def check(self, value: Json) -> None:
        """Raise EntryRefused unless `value` has this field's shape. The value is not repeated: it may be private."""
        if value is None and self.may_be_null:
            return
        if not _CHECKS[self.shape](value):
            raise EntryRefused(f"field {self.name} is not a {self.shape.value}")


class BodyShape:
    """The fields of one kind of entry, prepared for checking many bodies."""

    __slots__ = ("_fields", "_required")

    def __init__(self, fields: Sequence[Field]) -> None:
        # What each name is held against, found without a call or a hash of our own: this runs for every entry.
        self._fields = {field.name: (_CHECKS[field.shape], field) for field in fields}
        self._required = frozenset(field.name for field in fields if field.is_required)

    def check(self, body: Mapping[str, Json]) -> None:
        """Raise EntryRefused unless `body` has every required field, no unknown one, and each in its shape."""
        for name, value in body.items():
            known = self._fields.get(name)
            if known is None:
                raise EntryRefused(f"no such field here: {str(name)[:40]!r}")
            has_shape, field = known
            if not has_shape(value):
                field.check(value)
        if not self._required <= body.keys():
            raise EntryRefused(f"field {min(self._required - body.keys())} is missing")
