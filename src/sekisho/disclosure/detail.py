"""What no text for recipients may hold: the finding's own words. A rail for people who write in haste. Pure.

It knows the finding's places, names, code and sentences; it cannot know a paraphrase. So a person still reads every
text before a case opens, and recipients get texts written for them, never anything taken from the finding.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from sekisho.disclosure.case import Text
from sekisho.disclosure.errors import DetailLeaks
from sekisho.findings import Finding

# Shorter, or plain lower-case words below this, occur in any sentence ("path", "main").
_SHORTEST = 4
_LONGEST_PLAIN_WORD = 11


def details_of(finding: Finding) -> frozenset[str]:
    """Return the words of `finding` that tell something about the flaw."""
    return frozenset(word for word in _words(finding) if _is_telling(word))


def check_free_of_detail(texts: tuple[Text, ...], finding: Finding) -> None:
    """Raise DetailLeaks if any of `texts` holds a word of `finding`, in any letter case. The message repeats none."""
    for text in texts:
        for language, said in (("English", text.en), ("Japanese", text.ja)):
            if any(_holds(said, word) for word in details_of(finding)):
                raise DetailLeaks(f"the {language} text for recipients holds a detail of the finding")


def _words(finding: Finding) -> Iterator[str]:
    yield from (finding.id, finding.campaign_id, finding.fingerprint, finding.rule_id, finding.cwe, finding.title)
    yield from _path_words(finding.location.path)
    yield from _name_words(finding.location.function)
    for step in finding.flow:
        yield from _path_words(step.path)
        yield from (step.expression, step.why)
    yield from (verdict.reason for verdict in finding.verdicts)


def _path_words(path: str) -> Iterator[str]:
    bare = PurePosixPath(path)
    yield from (path, bare.name, ".".join(bare.with_suffix("").parts))


def _name_words(function: str) -> Iterator[str]:
    yield from (function, *function.split("."))


def _is_telling(word: str) -> bool:
    is_plain = word.isascii() and word.isalpha() and word.islower()
    return len(word) >= _SHORTEST and not (is_plain and len(word) <= _LONGEST_PLAIN_WORD)


def _holds(text: str, word: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", text, re.IGNORECASE) is not None
