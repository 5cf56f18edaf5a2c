"""Python's regular expressions, read without compiling them. https://docs.python.org/3/library/re.html

What other engines write alike is read alike, so the same tree serves Java's. Lookaround is an assertion: what is in
it is looked at apart, by whoever asks `lookarounds`.
"""

from typing import Final

from sekisho.taint.regex.syntax import (
    EMPTY,
    MAX_CODE,
    Assertion,
    Atomic,
    Chars,
    Either,
    Pattern,
    Ranges,
    Repeat,
    Sequence,
    complement,
    union,
)

# Longer ones are tables made by programs; a person's stay far below.
MAX_PATTERN_LENGTH: Final = 5_000
MAX_DEPTH: Final = 60
_DIGITS: Final[Ranges] = ((48, 57),)
# Beyond ASCII letters are words and nothing is space: what separates classes in practice is ASCII.
_WORD: Final[Ranges] = ((48, 57), (65, 90), (95, 95), (97, 122), (128, MAX_CODE))
_SPACE: Final[Ranges] = ((9, 13), (28, 32))
_CLASSES: Final = {
    "d": _DIGITS,
    "D": complement(_DIGITS),
    "w": _WORD,
    "W": complement(_WORD),
    "s": _SPACE,
    "S": complement(_SPACE),
}
_CONTROL: Final = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "a": 7, "b": 8}
_NEWLINE: Final[Ranges] = ((10, 10),)
_CODE_DIGITS: Final = {"x": 2, "u": 4, "U": 8}
_ASSERTIONS: Final = "AZzbBG"


class PatternRefused(Exception):
    """The text is not a regular expression that this reader knows. Never leaves the room."""


def parse_pattern(text: str, *, verbose: bool = False, dotall: bool = False) -> tuple[Pattern, tuple[Pattern, ...]]:
    """Return the tree of `text`, and the tree of what stands in each of its lookarounds; or raise PatternRefused.

    `verbose`, `dotall`: the flags of that name; flags written in the pattern are read there. Case is not kept apart.
    """
    if len(text) > MAX_PATTERN_LENGTH:
        raise PatternRefused("too long")
    reader = _Reader(text, verbose, dotall)
    pattern = reader.either(0)
    if reader.at < len(text):
        raise PatternRefused("a closing parenthesis too many")
    return pattern, tuple(reader.lookarounds)


class _Reader:
    """A recursive descent over `text`; `at` is the next character."""

    def __init__(self, text: str, verbose: bool, dotall: bool) -> None:
        self.text = text
        self.at = 0
        self.lookarounds: list[Pattern] = []
        self._verbose = verbose
        self._dotall = dotall

    def either(self, depth: int) -> Pattern:
        if depth > MAX_DEPTH:
            raise PatternRefused("nested too deep")
        arms = [self._sequence(depth)]
        while self._take("|"):
            arms.append(self._sequence(depth))
        return arms[0] if len(arms) == 1 else Either(tuple(arms))

    def _sequence(self, depth: int) -> Pattern:
        parts: list[Pattern] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if self._verbose and self._skip_blank():
                continue
            part = self._repeated(self._one(depth))
            if part != EMPTY:
                parts.append(part)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _one(self, depth: int) -> Pattern:
        character = self._next()
        match character:
            case "(":
                return self._group(depth)
            case "[":
                return Chars(self._set())
            case "\\":
                return self._escape()
            case ".":
                return Chars(((0, MAX_CODE),) if self._dotall else complement(_NEWLINE))
            case "^" | "$":
                return Assertion()
            case "*" | "+" | "?":
                raise PatternRefused("nothing to repeat")
        return Chars(((ord(character), ord(character)),))

    def _repeated(self, part: Pattern) -> Pattern:
        while (bounds := self._bounds()) is not None:
            least, most = bounds
            repeated: Pattern = Repeat(part, least, most)
            if self._take("+"):
                repeated = Atomic(repeated)
            else:
                self._take("?")
            part = repeated
        return part

    def _bounds(self) -> tuple[int, int | None] | None:
        if self._verbose:
            while self._skip_blank():
                pass
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        end = self.text.find("}", self.at)
        if not self.text.startswith("{", self.at) or end < 0:
            return None
        least, comma, most = self.text[self.at + 1 : end].partition(",")
        if not (least + most).isdecimal() or not (least + most).isascii() or (not comma and not least):
            return None
        self.at = end + 1
        return int(least or 0), (int(most) if most else None) if comma else int(least)

    def _group(self, depth: int) -> Pattern:
        if not self._take("?"):
            return self._closed(self.either(depth + 1))
        if self._take("#"):
            self._until(")")
            return EMPTY
        for sign in ("=", "!", "<=", "<!"):
            if self._take(sign):
                self.lookarounds.append(self._closed(self.either(depth + 1)))
                return Assertion()
        if self._take(">"):
            return Atomic(self._closed(self.either(depth + 1)))
        if self._take("P="):
            self._until(")")
            return EMPTY
        if self._take("P<") or self._take("<"):
            self._until(">")
            return self._closed(self.either(depth + 1))
        if self._take("("):
            self._until(")")
            return self._closed(self.either(depth + 1))
        return self._flagged(depth)

    def _flagged(self, depth: int) -> Pattern:
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalpha() or self.text[self.at] == "-"):
            self.at += 1
        on, _, off = self.text[start : self.at].partition("-")
        before = self._verbose, self._dotall
        self._verbose = (self._verbose or "x" in on) and "x" not in off
        self._dotall = (self._dotall or "s" in on) and "s" not in off
        if self._take(")"):
            return EMPTY
        if not self._take(":"):
            raise PatternRefused("an unknown kind of group")
        part = self._closed(self.either(depth + 1))
        self._verbose, self._dotall = before
        return part

    def _closed(self, part: Pattern) -> Pattern:
        if not self._take(")"):
            raise PatternRefused("a parenthesis is not closed")
        return part

    def _escape(self) -> Pattern:
        character = self._next()
        if character in _ASSERTIONS:
            return Assertion()
        if character in "123456789":
            # What a group matched is matched again: of no length that the pattern tells.
            self._take_digits(1)
            return EMPTY
        return Chars(self._escaped(character))

    def _escaped(self, character: str) -> Ranges:
        if character in _CLASSES:
            return _CLASSES[character]
        if character in _CODE_DIGITS:
            code = self._code(_CODE_DIGITS[character])
        elif character == "0":
            code = int(self._take_digits(2) or "0", 8)
        elif character == "N" and self._take("{"):
            self._until("}")
            code = MAX_CODE
        elif character in _CONTROL:
            code = _CONTROL[character]
        elif character.isascii() and character.isalpha():
            raise PatternRefused("an unknown escape")
        else:
            code = ord(character)
        return ((code, code),)

    def _code(self, digits: int) -> int:
        text = self.text[self.at : self.at + digits]
        self.at += digits
        try:
            code = int(text, 16)
        except ValueError as error:
            raise PatternRefused("not a character's number") from error
        if len(text) != digits or code > MAX_CODE:
            raise PatternRefused("not a character's number")
        return code

    def _take_digits(self, most: int) -> str:
        start = self.at
        while self.at < min(len(self.text), start + most) and self.text[self.at] in "01234567":
            self.at += 1
        return self.text[start : self.at]

    def _set(self) -> Ranges:
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self.text.startswith("]", self.at):
            low = self._member()
            first = False
            ahead = self.text[self.at : self.at + 2]
            if len(low) == 1 and low[0][0] == low[0][1] and ahead[:1] == "-" and ahead[1:] not in {"", "]"}:
                self.at += 1
                high = self._member()
                if len(high) != 1 or high[0][0] < low[0][0]:
                    raise PatternRefused("a range that ends before it begins")
                ranges.append((low[0][0], high[0][1]))
            else:
                ranges.extend(low)
        self.at += 1
        joined = union(ranges)
        return complement(joined) if negated else joined

    def _member(self) -> Ranges:
        character = self._next()
        if character != "\\":
            return ((ord(character), ord(character)),)
        return self._escaped(self._next())

    def _skip_blank(self) -> bool:
        if self.text[self.at : self.at + 1].isspace():
            self.at += 1
            return True
        if self.text.startswith("#", self.at):
            end = self.text.find("\n", self.at)
            self.at = len(self.text) if end < 0 else end + 1
            return True
        return False

    def _until(self, mark: str) -> None:
        end = self.text.find(mark, self.at)
        if end < 0:
            raise PatternRefused(f"{mark} is missing")
        self.at = end + len(mark)

    def _take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True

    def _next(self) -> str:
        if self.at >= len(self.text):
            raise PatternRefused("it ends too early")
        self.at += 1
        return self.text[self.at - 1]
