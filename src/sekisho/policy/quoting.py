"""Cedar text from values that we do not control.

Ids and names come from outside and are written into policy text. Whatever they hold, the result is one string
literal: everything but letters, digits and a few harmless marks is escaped by number, so neither a quote, a
backslash, a line end nor a look-alike can end it early.
"""

from typing import Final, Literal, TypeAlias

from sekisho.policy.errors import PolicyRefused

EntityKind: TypeAlias = Literal["Institution", "Principal", "Lab", "Model", "Asset", "Action"]
NAMESPACE: Final = "Sekisho"

# Longer than any id or name of ours; a bound keeps a policy's size in hand.
MAX_QUOTED_LENGTH = 512
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-.:/@")


def quote_string(text: str) -> str:
    """Return the Cedar string literal, quotes included, whose value is exactly `text`, or raise PolicyRefused."""
    if len(text) > MAX_QUOTED_LENGTH:
        raise PolicyRefused(f"text of {len(text)} characters, more than {MAX_QUOTED_LENGTH}")
    return '"' + "".join(_escape(character) for character in text) + '"'


def quote_uid(kind: EntityKind, entity_id: str) -> str:
    """Return the Cedar entity uid of `entity_id`: `Sekisho::Asset::"ast_…"`."""
    return f"{NAMESPACE}::{kind}::{quote_string(entity_id)}"


def _escape(character: str) -> str:
    if character in _PLAIN:
        return character
    if "\ud800" <= character <= "\udfff":
        raise PolicyRefused("a lone surrogate in text for a policy")
    return f"\\u{{{ord(character):x}}}"
