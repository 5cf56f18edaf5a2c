"""The intermediate representation: the one small language that the engine understands.

A front-end lowers a source language to it; nothing in it belongs to one language, and the table of operations is in
docs/taint.md. Control flow stays structured (regions, not jumps), because a guard is a property of a region.

Nodes are named tuples and not dataclasses: a program of a million lines has ten million of them, and a tuple is
built, pickled and compared several times faster. They are immutable all the same.

Every node carries `at`, its place in the file: `line * COLUMNS + column`, both from 1.
"""

from typing import NamedTuple, TypeAlias

# Columns beyond this are counted as this: one integer then holds line and column.
COLUMNS = 4096

Constant: TypeAlias = "str | bytes | int | float | bool | None"


def place(line: int, column: int) -> int:
    """Return `line` and `column` (both from 1) as one integer."""
    return line * COLUMNS + (column if column < COLUMNS else COLUMNS - 1)


def line_of(at: int) -> int:
    """Return the line (from 1) of the place `at`."""
    return at // COLUMNS


def column_of(at: int) -> int:
    """Return the column (from 1, in bytes) of the place `at`."""
    return at % COLUMNS


# --- expressions -------------------------------------------------------------------------------------------------


class Literal(NamedTuple):
    """A constant. Text longer than the front-end's limit is cut."""

    at: int
    value: Constant


class Name(NamedTuple):
    """A variable, or something that the module or the language defines."""

    at: int
    id: str


class Attribute(NamedTuple):
    """`base.name`."""

    at: int
    base: "Expr"
    name: str


class Item(NamedTuple):
    """`base[key]`."""

    at: int
    base: "Expr"
    key: "Expr"


class Slice(NamedTuple):
    """`base[lower:upper]`: a part of `base`, in its order."""

    at: int
    base: "Expr"
    bounds: "tuple[Expr, ...]"


class Argument(NamedTuple):
    """An argument of a call. `name` is None when it goes by position; `spread`: its items are the arguments."""

    name: str | None
    value: "Expr"
    spread: bool


class Call(NamedTuple):
    """`target(arguments)`."""

    at: int
    target: "Expr"
    arguments: tuple[Argument, ...]


class Concat(NamedTuple):
    """The parts one after the other: `a + b`, and interpolated text. `text`: it is known to make text."""

    at: int
    parts: "tuple[Expr, ...]"
    text: bool


class Fill(NamedTuple):
    """`template % values`: text with places that values fill."""

    at: int
    template: "Expr"
    values: "Expr"


class Binary(NamedTuple):
    """Any other operator with two operands, named as the source spells it."""

    at: int
    operator: str
    left: "Expr"
    right: "Expr"


class Compare(NamedTuple):
    """`left operator right`, the operator one of == != < <= > >= in, not in, is, is not."""

    at: int
    operator: str
    left: "Expr"
    right: "Expr"


class Not(NamedTuple):
    """Logical negation."""

    at: int
    operand: "Expr"


class Logic(NamedTuple):
    """`and` / `or` over operands, evaluated until one decides."""

    at: int
    conjunction: bool
    operands: "tuple[Expr, ...]"


class Choice(NamedTuple):
    """`then if test else otherwise`."""

    at: int
    test: "Expr"
    then: "Expr"
    otherwise: "Expr"


class Collection(NamedTuple):
    """A list, tuple or set written out. `kind`: list, tuple or set."""

    at: int
    kind: str
    items: "tuple[Expr, ...]"


class Entry(NamedTuple):
    """One entry of a table; `key` is None where another table is spread into it."""

    key: "Expr | None"
    value: "Expr"


class Table(NamedTuple):
    """A mapping written out."""

    at: int
    entries: tuple[Entry, ...]


class Spread(NamedTuple):
    """`*value` inside a collection or a target."""

    at: int
    value: "Expr"


class Bind(NamedTuple):
    """An assignment inside an expression; its value is what was bound."""

    at: int
    target: "Expr"
    value: "Expr"


class Clause(NamedTuple):
    """One `for target in iterable if tests` of a comprehension."""

    target: "Expr"
    iterable: "Expr"
    tests: "tuple[Expr, ...]"


class Comprehension(NamedTuple):
    """A collection made by a loop. `key` is None but for tables."""

    at: int
    key: "Expr | None"
    value: "Expr"
    clauses: tuple[Clause, ...]


class Produce(NamedTuple):
    """`yield value`, or `yield from value` when `spread`."""

    at: int
    value: "Expr"
    spread: bool


class Closure(NamedTuple):
    """A function written inside an expression."""

    at: int
    function: "Function"


class Cast(NamedTuple):
    """`value`, said to be of the type `annotation`."""

    at: int
    value: "Expr"
    annotation: "Expr"


class Opaque(NamedTuple):
    """Something with no model. Whatever flows into `operands` may come out."""

    at: int
    operands: "tuple[Expr, ...]"


Expr: TypeAlias = (
    Literal
    | Name
    | Attribute
    | Item
    | Slice
    | Call
    | Concat
    | Fill
    | Binary
    | Compare
    | Not
    | Logic
    | Choice
    | Collection
    | Table
    | Spread
    | Bind
    | Comprehension
    | Produce
    | Closure
    | Cast
    | Opaque
)

# --- statements --------------------------------------------------------------------------------------------------


class Evaluate(NamedTuple):
    """An expression for its effects."""

    at: int
    value: Expr


class Assign(NamedTuple):
    """`targets = value`; each target gets the value. `annotation` is the declared type, if any."""

    at: int
    targets: tuple[Expr, ...]
    value: Expr
    annotation: Expr | None


class Forget(NamedTuple):
    """The targets no longer exist."""

    at: int
    targets: tuple[Expr, ...]


class Return(NamedTuple):
    """Leave the function with a value."""

    at: int
    value: Expr | None


class Raise(NamedTuple):
    """Leave with an error."""

    at: int
    value: Expr | None


class Leave(NamedTuple):
    """`break`, or `continue` when `again`."""

    at: int
    again: bool


class Arm(NamedTuple):
    """One `if test: body` of a branch."""

    at: int
    test: Expr
    body: "Block"


class Branch(NamedTuple):
    """The first arm whose test holds, else `otherwise`. Flat, because generated code has a thousand arms."""

    at: int
    arms: tuple[Arm, ...]
    otherwise: "Block"


class Require(NamedTuple):
    """An assertion: what follows runs only if `test` holds, unless assertions are off."""

    at: int
    test: Expr


class Repeat(NamedTuple):
    """`while test: body`; `otherwise` runs when the test fails."""

    at: int
    test: Expr
    body: "Block"
    otherwise: "Block"


class Each(NamedTuple):
    """`for target in iterable: body`."""

    at: int
    target: Expr
    iterable: Expr
    body: "Block"
    otherwise: "Block"


class Handler(NamedTuple):
    """What catches an error; `name` is bound to it."""

    kinds: Expr | None
    name: str | None
    body: "Block"


class Attempt(NamedTuple):
    """`body`; then a handler if it raised, `otherwise` if it did not, `finally_` in any case."""

    at: int
    body: "Block"
    handlers: tuple[Handler, ...]
    otherwise: "Block"
    finally_: "Block"


class Use(NamedTuple):
    """`with value as target: body`."""

    at: int
    value: Expr
    target: Expr | None
    body: "Block"


class Import(NamedTuple):
    """`name` becomes `module`, or `symbol` of it. `level` counts the leading dots; symbol "*" imports all."""

    at: int
    module: str
    symbol: str | None
    name: str
    level: int


class Define(NamedTuple):
    """A function is defined under its name."""

    at: int
    function: "Function"


class DefineClass(NamedTuple):
    """A class is defined under its name."""

    at: int
    definition: "Class"


class Outer(NamedTuple):
    """The names belong to an outer scope."""

    at: int
    names: tuple[str, ...]


Stmt: TypeAlias = (
    Evaluate
    | Assign
    | Forget
    | Return
    | Raise
    | Leave
    | Branch
    | Require
    | Repeat
    | Each
    | Attempt
    | Use
    | Import
    | Define
    | DefineClass
    | Outer
)
Block: TypeAlias = tuple[Stmt, ...]

# --- definitions -------------------------------------------------------------------------------------------------


class Parameter(NamedTuple):
    """A parameter. `kind`: plain, rest (all further positions), named (by name only), or table (all further names)."""

    name: str
    kind: str
    annotation: Expr | None
    default: Expr | None
    decorators: tuple[Expr, ...] = ()


class Function(NamedTuple):
    """A function or method. `qualname` is dotted within its module and unique there; `returns`: the declared type of
    its result. Modifiers that the language spells as words (`static`, `public`) stand among the decorators."""

    at: int
    name: str
    qualname: str
    parameters: tuple[Parameter, ...]
    decorators: tuple[Expr, ...]
    body: Block
    returns: Expr | None = None


class Class(NamedTuple):
    """A class; its body is run when it is defined."""

    at: int
    name: str
    qualname: str
    bases: tuple[Expr, ...]
    decorators: tuple[Expr, ...]
    body: Block


class Gap(NamedTuple):
    """A part of a file that was not lowered, and why."""

    at: int
    reason: str


class ModuleIR(NamedTuple):
    """One file, lowered. `path` is as the caller gave it, with `/`; `lines` as an editor counts them; `package`: the
    name that the source itself gives to what it is part of, in languages where files do not name modules."""

    path: str
    language: str
    lines: int
    body: Block
    gaps: tuple[Gap, ...]
    package: str | None = None
