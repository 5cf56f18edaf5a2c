"""From the pieces of a template to a function of the IR whose parameters are the template's variables.

What is put out where a stranger's text would become markup is a call of one of the names in `PLACES`; knowledge says
what harm that does. What is escaped, or made into a number, is no such call.
"""

from collections.abc import Callable, Sequence

from sekisho.taint import ir
from sekisho.taint.frontends.templates.expressions import FILTER, NotRead, Reader
from sekisho.taint.frontends.templates.page import Page
from sekisho.taint.frontends.templates.pieces import Piece

# The functions that put out, by the place in the page.
PLACES = {
    "content": "template.unescaped",
    "attribute": "template.attribute",
    "script": "template.script",
    "style": "template.style",
    "address": "template.address",
}
# What renders another template with the variables of this one.
INCLUDE = "template.include"
# The parameter that holds the variables which this template does not name, for those that it includes.
CONTEXT = "context *"

_NUMBERS = frozenset(
    {"int", "float", "length", "count", "wordcount", "filesizeformat", "floatformat", "intcomma", "round", "abs"}
    | {"pluralize", "yesno", "divisibleby", "length_is", "date", "time", "timesince", "timeuntil", "naturaltime"}
)
_JSON = frozenset({"tojson", "escapejs", "json_script", "htmlsafe_json", "to_json"})
_ESCAPES = frozenset({"e", "escape", "forceescape", "force_escape", "xmlattr", "h"})
_SAFE = frozenset({"safe", "safeseq", "mark_safe"})
_MAX_NESTING = 60


class _Open:
    """A block tag that is not closed yet. `body` is where statements go; `arms` those of an if that are complete."""

    def __init__(self, tag: str, at: int) -> None:
        self.tag = tag
        self.at = at
        self.body: list[ir.Stmt] = []
        self.arms: list[ir.Arm] = []
        self.test: ir.Expr | None = None
        self.target: ir.Expr | None = None
        self.first: tuple[ir.Stmt, ...] | None = None
        self.escaping: bool | None = None
        self.parameters: tuple[ir.Parameter, ...] = ()
        self.name = ""
        self.qualname = ""


class TemplateLowering:
    """Lowers one template under the assumption that variables are (`escaping`) or are not escaped by themselves."""

    def __init__(self, name: str, *, escaping: bool) -> None:
        self.gaps: list[ir.Gap] = []
        self._name = name
        self._escaping = escaping
        self._page = Page()
        self._names: set[str] = set()
        self._macros: list[str] = []
        self._stack = [_Open("", ir.place(1, 1))]

    def function(self, pieces: Sequence[Piece]) -> ir.Function:
        """Return the template as a function."""
        for piece in pieces:
            self._piece(piece)
        while len(self._stack) > 1:
            self._close(self._stack[-1].tag)
        named = [ir.Parameter(name, "named", None, None) for name in sorted(self._names.difference(self._macros))]
        spare = ir.Parameter(CONTEXT, "table", None, None)
        at = ir.place(1, 1)
        return ir.Function(at, self._name, self._name, (*named, spare), (), tuple(self._stack[0].body))

    def _piece(self, piece: Piece) -> None:
        if piece.kind == "text":
            self._page.text(piece.text)
            return
        if piece.kind == "gap":
            self.gaps.append(ir.Gap(piece.at, "a delimiter is not closed"))
            return
        try:
            if piece.kind == "value":
                self._value(piece)
            else:
                self._tag(piece)
        except NotRead:
            self.gaps.append(ir.Gap(piece.at, "does not parse"))

    def _value(self, piece: Piece) -> None:
        reader = self._reader(piece.text, piece.at)
        self._emit(reader.expression(), piece.at)
        self._page.value()
        if not reader.at_end:
            raise NotRead("something follows")

    def _reader(self, text: str, at: int) -> Reader:
        return Reader(text, at, self._names)

    def _add(self, statement: ir.Stmt) -> None:
        self._stack[-1].body.append(statement)

    # --- what is put out ------------------------------------------------------------------------------------------

    def _emit(self, value: ir.Expr, at: int) -> None:
        if isinstance(value, ir.Choice):
            self._add(ir.Evaluate(at, value.test))
            self._emit(value.then, at)
            self._emit(value.otherwise, at)
        elif isinstance(value, ir.Concat):
            for part in value.parts:
                self._emit(part, at)
        elif isinstance(value, ir.Logic):
            for operand in value.operands:
                self._emit(operand, at)
        elif not isinstance(_unfiltered(value), ir.Literal):
            target = self._target(value)
            called = value if target is None else ir.Call(at, ir.Name(at, target), (ir.Argument(None, value, False),))
            self._add(ir.Evaluate(at, called))

    def _target(self, value: ir.Expr) -> str | None:
        """Return the name of the function that `value` is handed to, None where it does no harm."""
        state, place = self._protection(value), self._page.place
        if state == "number" or self._is_macro(value):
            return None
        if place == "content":
            if state == "json":
                return PLACES["attribute"] if self._page.in_double_quotes and self._is_plain_json(value) else None
            return PLACES["content"] if state == "" else None
        if state == "json" or (place == "address" and self._is_encoded(value)):
            return None
        return PLACES[place]

    def _protection(self, value: ir.Expr) -> str:
        """Return what the filters made of it: number, json, escaped, or nothing. The first that decides stays."""
        filters = _filters(value)
        for name in filters:
            if name in _NUMBERS:
                return "number"
            if name in _JSON:
                return "json"
            if name in _ESCAPES or name == "urlencode":
                return "escaped"
            if name in _SAFE:
                return ""
        return "escaped" if self._escapes() else ""

    def _escapes(self) -> bool:
        for opened in reversed(self._stack):
            if opened.escaping is not None:
                return opened.escaping
        return self._escaping

    def _is_macro(self, value: ir.Expr) -> bool:
        return isinstance(value, ir.Call) and isinstance(value.target, ir.Name) and value.target.id in self._macros

    def _is_plain_json(self, value: ir.Expr) -> bool:
        """JSON keeps its double quotes unless it is escaped once more."""
        filters = _filters(value)
        return "escapejs" not in filters and _ESCAPES.isdisjoint(filters)

    def _is_encoded(self, value: ir.Expr) -> bool:
        return "urlencode" in _filters(value)

    # --- tags -----------------------------------------------------------------------------------------------------

    def _tag(self, piece: Piece) -> None:
        name, _, rest = piece.text.partition(" ")
        rest = rest.strip()
        if name == "end" or name.startswith("end"):
            self._close(name.removeprefix("end"))
            return
        handler = _TAGS.get(name)
        if handler is not None:
            handler(self, rest, piece.at)

    def _open(self, tag: str, at: int) -> _Open:
        if len(self._stack) > _MAX_NESTING:
            raise NotRead("nested too deep")
        opened = _Open(tag, at)
        self._stack.append(opened)
        return opened

    def _close(self, tag: str) -> None:
        """Close the innermost `tag`, and what was left open inside; nothing if it is not open."""
        if tag and all(opened.tag != tag for opened in self._stack):
            return
        while len(self._stack) > 1:
            opened = self._stack.pop()
            self._stack[-1].body.extend(_closed(opened))
            if not tag or opened.tag == tag:
                return

    def _if(self, rest: str, at: int) -> None:
        test = self._reader(rest, at).expression()
        self._open("if", at).test = test

    def _elif(self, rest: str, at: int) -> None:
        test = self._reader(rest, at).expression()
        opened = self._stack[-1]
        if opened.tag == "if" and opened.test is not None:
            opened.arms.append(ir.Arm(opened.at, opened.test, tuple(opened.body)))
            opened.test, opened.body = test, []

    def _else(self, rest: str, at: int) -> None:
        opened = self._stack[-1]
        if opened.tag == "if" and opened.test is not None:
            opened.arms.append(ir.Arm(opened.at, opened.test, tuple(opened.body)))
            opened.test, opened.body = None, []
        elif opened.tag == "for" and opened.first is None:
            opened.first, opened.body = tuple(opened.body), []

    def _for(self, rest: str, at: int) -> None:
        reader = self._reader(rest, at)
        names = [ir.Name(at, name) for name in reader.names_until("in")]
        if not names:
            raise NotRead("names nothing")
        # The condition of `for x in xs if x.shown` filters; what passes is still of `xs`.
        iterable = reader.expression()
        iterable = iterable.then if isinstance(iterable, ir.Choice) else iterable
        opened = self._open("for", at)
        opened.target = names[0] if len(names) == 1 else ir.Collection(at, "tuple", tuple(names))
        opened.test = iterable

    def _set(self, rest: str, at: int) -> None:
        reader = self._reader(rest, at)
        name = reader.name()
        if reader.takes("="):
            self._add(ir.Assign(at, (ir.Name(at, name),), reader.expression(), None))
        elif reader.at_end:
            self._open("set", at)

    def _with(self, rest: str, at: int) -> None:
        self._open("with", at)
        for name, value in self._reader(rest, at).assignments():
            self._add(ir.Assign(at, (ir.Name(at, name),), value, None))

    def _autoescape(self, rest: str, at: int) -> None:
        self._open("autoescape", at).escaping = rest.lower() not in {"off", "false", "none"}

    def _include(self, rest: str, at: int) -> None:
        reader = self._reader(rest, at)
        template = reader.expression()
        given = reader.assignments() if reader.takes("with") else []
        arguments = (
            ir.Argument(None, template, False),
            *(ir.Argument(name, value, False) for name, value in given),
        )
        self._add(ir.Evaluate(at, ir.Call(at, ir.Name(at, INCLUDE), arguments)))

    def _extends(self, rest: str, at: int) -> None:
        template = self._reader(rest, at).expression()
        call = ir.Call(at, ir.Name(at, INCLUDE), (ir.Argument(None, template, False),))
        self._add(ir.Evaluate(at, call))

    def _macro(self, rest: str, at: int) -> None:
        reader = self._reader(rest, at)
        name = reader.name()
        parameters: list[ir.Parameter] = []
        reader.takes("(")
        while not reader.at_end and not reader.takes(")"):
            if reader.takes(","):
                continue
            parameter = reader.name()
            default = reader.expression() if reader.takes("=") else None
            parameters.append(ir.Parameter(parameter, "plain", None, default))
        opened = self._open("macro", at)
        opened.name, opened.parameters = name, tuple(parameters)
        opened.qualname = f"{self._name}.{name}#{len(self._macros)}"
        self._macros.append(name)

    def _raw(self, rest: str, at: int) -> None:
        """Tornado's way to put out what is not escaped."""
        value = self._reader(rest, at).expression()
        if not isinstance(value, ir.Literal):
            target = ir.Name(at, PLACES["content"])
            self._add(ir.Evaluate(at, ir.Call(at, target, (ir.Argument(None, value, False),))))


def _closed(opened: _Open) -> list[ir.Stmt]:
    """Return the statements that a closed tag makes."""
    body = tuple(opened.body)
    if opened.tag == "if":
        arms = opened.arms if opened.test is None else [*opened.arms, ir.Arm(opened.at, opened.test, body)]
        return [ir.Branch(opened.at, tuple(arms), body if opened.test is None else ())]
    if opened.tag == "for" and opened.target is not None and opened.test is not None:
        first, otherwise = (body, ()) if opened.first is None else (opened.first, body)
        return [ir.Each(opened.at, opened.target, opened.test, first, otherwise)]
    if opened.tag == "macro":
        function = ir.Function(opened.at, opened.name, opened.qualname, opened.parameters, (), body)
        return [ir.Define(opened.at, function)]
    return list(body)


def _filters(value: ir.Expr) -> list[str]:
    """Return the names of the filters that `value` went through, first to last."""
    found: list[str] = []
    while (name := _filter(value)) and isinstance(value, ir.Call):
        found.append(name)
        value = value.arguments[0].value
    return found[::-1]


def _unfiltered(value: ir.Expr) -> ir.Expr:
    while _filter(value) and isinstance(value, ir.Call):
        value = value.arguments[0].value
    return value


def _filter(value: ir.Expr) -> str:
    """Return the name of the filter that `value` is the result of, empty if it is of none."""
    name = value.target.id if isinstance(value, ir.Call) and isinstance(value.target, ir.Name) else ""
    return name.removeprefix(FILTER) if name.startswith(FILTER) else ""


_TAGS: dict[str, Callable[[TemplateLowering, str, int], None]] = {
    "if": TemplateLowering._if,
    "elif": TemplateLowering._elif,
    "else": TemplateLowering._else,
    "empty": TemplateLowering._else,
    "for": TemplateLowering._for,
    "set": TemplateLowering._set,
    "with": TemplateLowering._with,
    "autoescape": TemplateLowering._autoescape,
    "include": TemplateLowering._include,
    "extends": TemplateLowering._extends,
    "macro": TemplateLowering._macro,
    "raw": TemplateLowering._raw,
}
