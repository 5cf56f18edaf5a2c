"""Walking the IR without recursion: statements of a body, expressions of a statement."""

from collections.abc import Iterator
from typing import cast

from sekisho.taint import ir

# Statements that hold blocks of statements.
_WITH_BLOCKS = frozenset({ir.Branch, ir.Repeat, ir.Each, ir.Attempt, ir.Use})


def dotted_name(node: ir.Expr) -> str | None:
    """Return `a.b.c` for a chain of attributes on a name, else None."""
    names: list[str] = []
    while isinstance(node, ir.Attribute):
        names.append(node.name)
        node = node.base
    if not isinstance(node, ir.Name):
        return None
    return ".".join([node.id, *reversed(names)])


def flat(block: ir.Block) -> Iterator[ir.Stmt]:
    """Yield the statements of `block` and of the blocks inside, but not those of definitions."""
    work: list[ir.Stmt] = list(reversed(block))
    while work:
        statement = work.pop()
        yield statement
        if type(statement) in _WITH_BLOCKS:
            for inner in reversed(_blocks(statement)):
                work.extend(reversed(inner))


def _blocks(statement: ir.Stmt) -> list[ir.Block]:
    match statement:
        case ir.Branch():
            return [*(arm.body for arm in statement.arms), statement.otherwise]
        case ir.Repeat() | ir.Each():
            return [statement.body, statement.otherwise]
        case ir.Attempt():
            handlers = [handler.body for handler in statement.handlers]
            return [statement.body, *handlers, statement.otherwise, statement.finally_]
        case ir.Use():
            return [statement.body]
    return []


def closures(statement: ir.Stmt) -> list[ir.Function]:
    """Return the functions written inside the expressions of `statement`, the outer ones first."""
    return [node.function for node in _nodes(_own_parts(statement)) if isinstance(node, ir.Closure)]


def own_expressions(block: ir.Block) -> Iterator[ir.Expr]:
    """Yield every expression of a function's body, those of nested definitions left out."""
    for statement in flat(block):
        yield from _nodes(_own_parts(statement), into_closures=False)


def _own_parts(statement: ir.Stmt) -> list[object]:
    """The fields of a statement that are not blocks or definitions."""
    match statement:
        case ir.Branch():
            return [arm.test for arm in statement.arms]
        case ir.Attempt():
            return [handler.kinds for handler in statement.handlers]
        case ir.Repeat():
            return [statement.test]
        case ir.Each():
            return [statement.target, statement.iterable]
        case ir.Use():
            return [statement.value, statement.target]
        case ir.Define():
            return [*statement.function.decorators]
        case ir.DefineClass():
            return [*statement.definition.decorators]
    return list(statement)


def _nodes(parts: list[object], *, into_closures: bool = True) -> Iterator[ir.Expr]:
    work = list(reversed(parts))
    while work:
        node = work.pop()
        # By exact type: nodes are never subclassed, and every node of a program comes by here.
        kind = type(node)
        if kind in _LEAVES:
            yield cast("ir.Expr", node)
        elif kind in _SCALARS:
            continue
        elif isinstance(node, ir.Closure):
            yield node
            if into_closures:
                for statement in node.function.body:
                    work.extend(reversed(_own_parts(statement)))
        elif isinstance(node, tuple):
            if kind in _EXPRESSIONS:
                yield cast("ir.Expr", node)
            work.extend(reversed(node))


_LEAVES = frozenset({ir.Literal, ir.Name})
_SCALARS = frozenset({int, str, bool, float, bytes, type(None)})
_EXPRESSIONS = frozenset(
    {
        ir.Attribute,
        ir.Item,
        ir.Slice,
        ir.Call,
        ir.Concat,
        ir.Fill,
        ir.Binary,
        ir.Compare,
        ir.Not,
        ir.Logic,
        ir.Choice,
        ir.Collection,
        ir.Table,
        ir.Spread,
        ir.Bind,
        ir.Comprehension,
        ir.Produce,
        ir.Cast,
        ir.Opaque,
    }
)
