"""Text that people will read and trust: names and statements.

A name that shows one thing and is another is how a stranger passes for a bank. So only what is listed here may
appear: Latin and Japanese letters, digits and plain punctuation, in NFC. A look-alike alphabet is refused even where
the whole name is written in it, since СМВС in Cyrillic looks like SMBC too (UTS 39, whole-script confusables).
"""

import itertools
import unicodedata

from sekisho.registry.errors import TextRefused

# Longer than any name in the GLEIF golden copy that is still a name; a statement is a short paragraph.
MAX_NAME_CHARACTERS = 200
MAX_STATEMENT_CHARACTERS = 1_000

# Half-width Katakana and compatibility ideographs stay out: they have an ordinary spelling. So does Latin Extended-B,
# which holds letters that look like ! and |.
_TAKEN = (
    (0x21, 0x7E),  # ASCII, without controls
    (0xC0, 0xD6),  # Latin-1 and Latin Extended-A letters, without the signs × and ÷ between them
    (0xD8, 0xF6),
    (0xF8, 0x17F),
    (0x1E00, 0x1EFF),  # Latin Extended Additional: Vietnamese
    (0x3005, 0x3007),  # 々〆〇
    (0x3041, 0x3096),  # Hiragana and, below, its iteration marks
    (0x309D, 0x309E),
    (0x30A1, 0x30FE),  # Katakana with ・ and ー
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0x20000, 0x2A6DF),  # Han, extension B: 𠮷 stands in family names
    (0xFF10, 0xFF19),  # full-width digits and letters: 株式会社三菱ＵＦＪ銀行 is a registered name
    (0xFF21, 0xFF3A),
    (0xFF41, 0xFF5A),
)
_PUNCTUATION = frozenset("、。「」『』（）＆－．，’–—")
_SPACES = frozenset(" \u3000")


def check_name(text: str) -> str:
    """Return `text` if it is fit to be a person's or an institution's name, else raise TextRefused."""
    return _check(text, longest=MAX_NAME_CHARACTERS)


def check_statement(text: str) -> str:
    """Return `text` if it is fit to be a sentence that somebody states, else raise TextRefused."""
    return _check(text, longest=MAX_STATEMENT_CHARACTERS)


def _check(text: str, *, longest: int) -> str:
    if not 1 <= len(text) <= longest:
        raise TextRefused(f"{len(text)} characters; expected 1 to {longest}")
    if not unicodedata.is_normalized("NFC", text):
        raise TextRefused("the text is not in NFC")
    for character in text:
        if not _is_taken(character):
            raise TextRefused(f"U+{ord(character):04X} is not taken in names")
    _check_spaces(text)
    return text


def _is_taken(character: str) -> bool:
    if character in _SPACES or character in _PUNCTUATION:
        return True
    return any(first <= ord(character) <= last for first, last in _TAKEN)


def _check_spaces(text: str) -> None:
    doubled = any(_SPACES.issuperset(pair) for pair in itertools.pairwise(text))
    if doubled or text[0] in _SPACES or text[-1] in _SPACES:
        raise TextRefused("a space at an end, or two in a row")
