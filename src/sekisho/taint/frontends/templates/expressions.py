"""The expressions of templates, Jinja's and Django's, as one language: what either has, the other does not mean
differently."""

import re
from typing import NamedTuple

from sekisho.taint import ir

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<number>\d+(?:\.\d+)?)|(?P<name>[^\W\d]\w*)"""
    r"""|(?P<sign>==|!=|<=|>=|//|\*\*|[-+*/%~()\[\]{},.:|<>=]))""",
    re.DOTALL,
)
_CONSTANTS: dict[str, bool | None] = {
    "true": True,
    "True": True,
    "false": False,
    "False": False,
    "none": None,
    "None": None,
}
# What templates of Flask know under another name.
_KNOWN_AS = {"url_for": "flask.url_for"}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_MAX_TOKENS = 2_000
_MAX_DEPTH = 40
# Operators, attributes and calls one after the other: each is a level of the IR.
_MAX_LINKS = 60
# The name of a filter, as a function, begins with this.
FILTER = "|"


class NotRead(Exception):
    """The text is no expression that we read. Stays inside the front-end."""


class _Token(NamedTuple):
    kind: str
    text: str


class Reader:
    """Reads expressions off `text`; all of them have the place `at`. `names`: the variables seen so far."""

    def __init__(self, text: str, at: int, names: set[str]) -> None:
        self._tokens = _tokens(text)
        self._next = 0
        self._depth = 0
        self._links = 0
        self._at = at
        self._names = names

    @property
    def at_end(self) -> bool:
        return self._next >= len(self._tokens)

    def takes(self, *texts: str) -> bool:
        """Go past the next token if it is one of `texts`, and say whether it was."""
        found = self._peek() in texts
        self._next += found
        return found

    def name(self) -> str:
        """Return the next token, a name, or raise NotRead."""
        token = self._take()
        if token.kind != "name":
            raise NotRead(token.text)
        return token.text

    def word(self) -> str:
        """Return the next token, whatever it is."""
        return self._take().text

    def names_until(self, word: str) -> list[str]:
        """Return the names before `word`, with commas and parentheses between them."""
        found = []
        while not self.takes(word):
            if not self.takes(",", "(", ")"):
                found.append(self.name())
        return found

    def assignments(self) -> list[tuple[str, ir.Expr]]:
        """Return what `a=x b=y` or `a=x, b=y` assigns; Django's older `x as a` too."""
        found: list[tuple[str, ir.Expr]] = []
        while not self.at_end and self._peek() not in {"only", "without", "%"}:
            if self.takes(","):
                continue
            if self._peek(1) == "=":
                name = self.name()
                self._next += 1
                found.append((name, self.expression()))
            else:
                value = self.expression()
                if not self.takes("as"):
                    raise NotRead("as")
                found.append((self.name(), value))
        return found

    def expression(self) -> ir.Expr:
        """Return the next expression, or raise NotRead."""
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise NotRead("nested too deep")
        value = self._either()
        if self.takes("if"):
            test = self._either()
            otherwise = self.expression() if self.takes("else") else ir.Literal(self._at, "")
            value = ir.Choice(self._at, test, value, otherwise)
        self._depth -= 1
        return value

    def _peek(self, ahead: int = 0) -> str:
        at = self._next + ahead
        return self._tokens[at].text if at < len(self._tokens) else ""

    def _take(self) -> _Token:
        if self.at_end:
            raise NotRead("ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _expect(self, text: str) -> None:
        if not self.takes(text):
            raise NotRead(f"{text} is missing")

    def _either(self) -> ir.Expr:
        operands = [self._both()]
        while self.takes("or"):
            operands.append(self._both())
        return operands[0] if len(operands) == 1 else ir.Logic(self._at, False, tuple(operands))

    def _both(self) -> ir.Expr:
        operands = [self._negated()]
        while self.takes("and"):
            operands.append(self._negated())
        return operands[0] if len(operands) == 1 else ir.Logic(self._at, True, tuple(operands))

    def _negated(self) -> ir.Expr:
        denied = 0
        while self.takes("not"):
            denied += 1
        value = self._compared()
        return ir.Not(self._at, value) if denied % 2 else value

    def _compared(self) -> ir.Expr:
        left = self._sum()
        while True:
            if self._peek() == "not" and self._peek(1) == "in":
                self._next += 2
                left = ir.Compare(self._at, "not in", left, self._sum())
            elif self._peek() in _COMPARISONS:
                left = ir.Compare(self._at, self.word(), left, self._sum())
            elif self.takes("is"):
                self.takes("not")
                self._unary()
                left = ir.Opaque(self._at, ())
            else:
                return left

    def _sum(self) -> ir.Expr:
        left = self._product()
        while self._peek() in {"+", "~", "-"}:
            sign, right = self.word(), self._product()
            if sign == "-":
                left = ir.Binary(self._at, sign, left, right)
            else:
                left = ir.Concat(self._at, (left, right), sign == "~")
        return left

    def _product(self) -> ir.Expr:
        left = self._unary()
        while self._peek() in {"*", "/", "//", "%", "**"}:
            sign, right = self.word(), self._unary()
            left = ir.Fill(self._at, left, right) if sign == "%" else ir.Binary(self._at, sign, left, right)
        return left

    def _unary(self) -> ir.Expr:
        if self.takes("-", "+"):
            return ir.Binary(self._at, "-", ir.Literal(self._at, 0), self._unary())
        return self._followed(self._primary())

    def _link(self) -> None:
        self._links += 1
        if self._links > _MAX_LINKS:
            raise NotRead("too long")

    def _followed(self, value: ir.Expr) -> ir.Expr:
        while True:
            self._link()
            if self.takes("."):
                value = self._member(value)
            elif self.takes("["):
                value = self._item(value)
            elif self.takes("("):
                value = ir.Call(self._at, value, self._arguments())
            elif self.takes("|"):
                value = self._filtered(value)
            else:
                return value

    def _member(self, base: ir.Expr) -> ir.Expr:
        token = self._take()
        if token.kind == "number":
            return ir.Item(self._at, base, ir.Literal(self._at, 0))
        if token.kind != "name":
            raise NotRead(token.text)
        return ir.Attribute(self._at, base, token.text)

    def _item(self, base: ir.Expr) -> ir.Expr:
        bounds: list[ir.Expr] = []
        sliced = False
        while not self.takes("]"):
            if self.takes(":"):
                sliced = True
            else:
                bounds.append(self.expression())
        if sliced or not bounds:
            return ir.Slice(self._at, base, tuple(bounds))
        return ir.Item(self._at, base, bounds[0])

    def _filtered(self, base: ir.Expr) -> ir.Expr:
        name = self.name()
        while self.takes("."):
            name = self.name()
        given = [ir.Argument(None, base, False)]
        if self.takes("("):
            given.extend(self._arguments())
        elif self._peek() == ":" and self._next + 1 < len(self._tokens):
            self._next += 1
            argument = self._primary()
            while self.takes("."):
                argument = self._member(argument)
            given.append(ir.Argument(None, argument, False))
        return ir.Call(self._at, ir.Name(self._at, FILTER + name), tuple(given))

    def _arguments(self) -> tuple[ir.Argument, ...]:
        found: list[ir.Argument] = []
        while not self.takes(")"):
            if self.takes(","):
                continue
            if self.takes("**"):
                found.append(ir.Argument("**", self.expression(), True))
            elif self.takes("*"):
                found.append(ir.Argument(None, self.expression(), True))
            elif self._peek(1) == "=":
                name = self.name()
                self._next += 1
                found.append(ir.Argument(name, self.expression(), False))
            else:
                found.append(ir.Argument(None, self.expression(), False))
        return tuple(found)

    def _primary(self) -> ir.Expr:
        token = self._take()
        if token.kind == "text":
            return ir.Literal(self._at, token.text[1:-1])
        if token.kind == "number":
            return ir.Literal(self._at, float(token.text) if "." in token.text else int(token.text))
        if token.kind == "name":
            return self._variable(token.text)
        if token.text == "(":
            return self._group(")", "tuple")
        if token.text == "[":
            return self._group("]", "list")
        if token.text == "{":
            return self._table()
        raise NotRead(token.text)

    def _variable(self, name: str) -> ir.Expr:
        if name in _CONSTANTS:
            return ir.Literal(self._at, _CONSTANTS[name])
        if name in _KNOWN_AS:
            return ir.Name(self._at, _KNOWN_AS[name])
        self._names.add(name)
        return ir.Name(self._at, name)

    def _group(self, closing: str, kind: str) -> ir.Expr:
        items: list[ir.Expr] = []
        alone = True
        while not self.takes(closing):
            if self.takes(","):
                alone = False
            else:
                items.append(self.expression())
        if kind == "tuple" and alone and len(items) == 1:
            return items[0]
        return ir.Collection(self._at, kind, tuple(items))

    def _table(self) -> ir.Expr:
        entries: list[ir.Entry] = []
        while not self.takes("}"):
            if self.takes(","):
                continue
            key = self._sum()
            self._expect(":")
            entries.append(ir.Entry(key, self.expression()))
        return ir.Table(self._at, tuple(entries))


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or len(found) >= _MAX_TOKENS:
            raise NotRead(text[position : position + 10])
        found.append(_Token(match.lastgroup or "", match[match.lastgroup or 0]))
        position = match.end()
    return found
