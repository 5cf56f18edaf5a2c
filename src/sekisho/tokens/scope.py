"""What a token is for: one asset, one technique, at times one case, as RFC 9396 authorization details.

They travel inside the token and not in a header, so that the labs' own SDKs carry them unchanged.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sekisho.formats import jcs
from sekisho.tokens.claims import read_identifier
from sekisho.tokens.errors import ScopeRefused

CALL_TYPE = "sekisho_call"
_TECHNIQUE = re.compile(r"[a-z][a-z0-9-]{0,40}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallScope:
    """The asset that calls are about, the case they belong to, and the technique, such as `find`."""

    technique: str
    asset: str | None = None
    case: str | None = None


def encode_details(scope: CallScope) -> list[dict[str, str | None]]:
    """Return `scope` as `authorization_details`: one object; `asset` is left out when there is none."""
    details: dict[str, str | None] = {"type": CALL_TYPE, "case": scope.case, "technique": scope.technique}
    if scope.asset is not None:
        details["asset"] = scope.asset
    return [details]


def parse_details(value: jcs.Json) -> CallScope:
    """Return the one scope in `value` (decoded `authorization_details`), or raise ScopeRefused.

    Several objects would be several permissions in one token, and the log could not say which was used.
    """
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 1:
        raise ScopeRefused("authorization_details is a list of exactly one object")
    details = value[0]
    if not isinstance(details, Mapping) or not set(details) <= {"type", "asset", "case", "technique"}:
        raise ScopeRefused("an object with type, asset, case and technique")
    if details.get("type") != CALL_TYPE:
        raise ScopeRefused(f"a type other than {CALL_TYPE}")
    technique = details.get("technique")
    if not isinstance(technique, str) or not _TECHNIQUE.fullmatch(technique):
        raise ScopeRefused("no technique, or not a name")
    return CallScope(technique=technique, asset=_optional(details, "asset"), case=_optional(details, "case"))


def parse_details_text(text: bytes) -> CallScope:
    """Return the one scope in `text` (JSON, as a token request carries it), or raise ScopeRefused."""
    try:
        return parse_details(jcs.parse(text))
    except jcs.JsonRefused as error:
        raise ScopeRefused(f"not strict JSON: {error.message}") from error


def _optional(details: Mapping[str, jcs.Json], name: str) -> str | None:
    return None if details.get(name) is None else read_identifier(details, name, refused=ScopeRefused)
