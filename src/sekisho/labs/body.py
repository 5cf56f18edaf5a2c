"""A caller's request body, read so strictly that the gate and the lab cannot read different things in it.

The gate decides on `model` and forwards the bytes. If a name could appear twice, or in two spellings, the gate
would judge one value and the lab use the other.
"""

import json
import math
import re
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, NoReturn

from sekisho.labs.errors import BadCall, CallTooDeep

# Tool schemas of coding agents nest to about 20; Python's own parser gives up near 1,000.
MAX_DEPTH = 64
# Bytes outside texts: what a request says lies in its texts, and what lies outside them costs the parser up to thirty
# times as much. The tool schemas of coding agents come to some 50 kB.
MAX_BYTES_OUTSIDE_TEXTS = 1_048_576
# Beyond any model's context; keeps a reservation far inside 64 bits when `n` multiplies it.
MAX_TOKENS = 10_000_000
# OpenAI's bound for `n`.
MAX_CHOICES = 128
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}", re.ASCII)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def parse_body(body: bytes, *, decisive: frozenset[str]) -> dict[str, Any]:
    """Return the JSON object in `body`, or raise BadCall. `decisive`: the names that the gate decides by.

    Steps: (1) shape, before anything recurses or is made by the million; (2) JSON in UTF-8, no name twice in one
    object, no number that JSON cannot write again; (3) an object; (4) no name that differs from a decisive one only
    in case: readers that ignore case (Go's) would take it for that one.
    """
    # (1)
    _check_shape(body)
    # (2) Nothing is chained: a parser's error carries the text, and the text is a prompt.
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_float=_finite, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise BadCall("the body is not JSON in UTF-8") from None
    # (3)
    if not isinstance(value, dict):
        raise BadCall("the body is not a JSON object")
    # (4)
    for name in value:
        if name not in decisive and name.casefold() in decisive:
            raise BadCall(f"a name that is {name.casefold()} but for its case")
    return value


def read_model(value: Mapping[str, Any]) -> str:
    """Return `model`, 1 to 128 characters of a model's name, or raise BadCall."""
    model = value.get("model")
    if not isinstance(model, str) or not _MODEL.fullmatch(model):
        raise BadCall("model is missing, or not the name of a model")
    return model


def read_flag(value: Mapping[str, Any], name: str) -> bool:
    """Return the flag `name`, false when it is absent or null, or raise BadCall: `"true"` is read in two ways."""
    flag = value.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise BadCall(f"{name} is neither true nor false")
    return bool(flag)


def read_count(value: Mapping[str, Any], name: str, *, most: int) -> int | None:
    """Return the count `name`, from 1 to `most`, None when it is absent or null, or raise BadCall."""
    count = value.get(name)
    if count is None:
        return None
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise BadCall(f"{name} is not a whole number from 1 to {most}")
    return count


def _check_shape(body: bytes) -> None:
    """Raise CallTooDeep for what would cost the parser more than it brings: depth, or too much beside the texts."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(body.split(b'"')[::2])
    if len(outside) > MAX_BYTES_OUTSIDE_TEXTS:
        raise CallTooDeep(f"more than {MAX_BYTES_OUTSIDE_TEXTS} bytes outside its texts")
    # How deep the brackets nest is the parser's own recursion, for all that it reads before an error.
    depth = max(accumulate(map(_STEP.__getitem__, outside.translate(None, _NOT_BRACKETS))), default=0)
    if depth > MAX_DEPTH:
        raise CallTooDeep(f"nested deeper than {MAX_DEPTH}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise BadCall("a name appears twice in one object")
    return made


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise BadCall("a number beyond the range of JSON readers")
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise BadCall(f"{text} is not JSON")
