"""What no text for recipients may hold: the finding's own words. A rail for people who write in haste. Pure.

It knows the finding's places, names, code and sentences; it cannot know a paraphrase. So a person still reads every
text before a case opens, and recipients get texts written for them, never anything taken from the finding.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

from sekisho.disclosure.case import Text
from sekisho.disclosure.errors import DetailLeaks
from sekisho.findings import Finding, finding_to_json
from sekisho.formats import jcs

# Shorter, or plain lower-case words below this, occur in any sentence ("path", "main").
_SHORTEST = 4
_LONGEST_PLAIN_WORD = 11
_JOINTS = re.compile(r"[\s\u2010-\u2015\u2212-]+")
# Fields that say nothing of the flaw, in words that any notice may use ("high", "confirmed").
_HARMLESS: Final = frozenset(
    {"severity", "confidence", "state", "state_reason", "outcome", "engine", "judge", "asset_id", "found_at", "at"}
)


def details_of(finding: Finding) -> frozenset[str]:
    """Return the words of `finding` that tell something about the flaw."""
    return frozenset(word for word in _words(finding_to_json(finding)) if _is_telling(word))


def check_free_of_detail(texts: tuple[Text, ...], finding: Finding) -> None:
    """Raise DetailLeaks if any of `texts` holds a word of `finding`, however it is typed. The message repeats none."""
    details = {_folded(word) for word in details_of(finding)} - {""}
    for text in texts:
        for language, said in (("English", _folded(text.en)), ("Japanese", _folded(text.ja))):
            if any(_holds(said, word) for word in details):
                raise DetailLeaks(f"the {language} text for recipients holds a detail of the finding")


def _words(value: jcs.Json, name: str = "") -> Iterator[str]:
    """Yield every text below `value` but those of _HARMLESS: a field that the finding gains later counts as well."""
    if name in _HARMLESS:
        return
    if isinstance(value, str):
        yield from _spellings(value, name)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _words(item, key)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _words(item, name)


def _spellings(text: str, name: str) -> Iterator[str]:
    yield text
    if name == "path":
        bare = PurePosixPath(text)
        yield from (bare.name, ".".join(bare.with_suffix("").parts))
    elif name == "function":
        yield from text.split(".")


def _is_telling(word: str) -> bool:
    is_plain = word.isascii() and word.isalpha() and word.islower()
    return len(word) >= _SHORTEST and not (is_plain and len(word) <= _LONGEST_PLAIN_WORD)


def _folded(text: str) -> str:
    """Return `text` without letter case, full-width forms (as Japanese is typed), and the choice of hyphen or space."""
    return _JOINTS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def _holds(text: str, word: str) -> bool:
    return re.search(rf"(?<![a-z0-9_]){re.escape(word)}(?![a-z0-9_])", text) is not None
