"""`switch`, old and new: branches that compare what was looked at once."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.java.expressions import expression, named
from sekisho.taint.frontends.java.operators import bind_pattern
from sekisho.taint.frontends.java.scopes import JavaLowering
from sekisho.taint.frontends.lowering import place_of

# Cases that one case runs on into, for want of a `break`; tables of letters in decoders have more, without flow.
_MAX_FALLTHROUGH: Final = 8
_ENDS: Final = (ir.Return, ir.Raise, ir.Leave)


class _Case(NamedTuple):
    """What one group of labels asks (None: default), and what it does."""

    at: int
    test: ir.Expr | None
    body: ir.Block
    arrow: bool


def switch(lowering: JavaLowering, node: Node, result: ir.Expr | None) -> Iterable[ir.Stmt]:
    """Lower a switch. `result`: the variable that takes the value of one that is an expression.

    (1) What is looked at gets a name, so that every case speaks of the same value. (2) Each case is an arm; an old one
    that does not end runs on into those below. (3) A `break` inside an arm leaves a loop that runs once.
    """
    at, body = place_of(node), node.child_by_field_name("body")
    subject: ir.Expr = expression(lowering, node.child_by_field_name("condition"))
    # (1)
    made: list[ir.Stmt] = []
    if not isinstance(subject, ir.Name):
        name = ir.Name(at, lowering.fresh("switch"))
        made.append(ir.Assign(at, (name,), subject, None))
        subject = name
    lowering.scopes.append({})
    cases = [_case(lowering, child, subject, result) for child in (named(body) if body is not None else [])]
    lowering.scopes.pop()
    # (2)
    arms: list[ir.Arm] = []
    otherwise: ir.Block = ()
    waiting: list[ir.Expr] = []
    default_waits = False
    for number, case in enumerate(cases):
        if not case.body and not case.arrow:
            waiting.extend([case.test] if case.test is not None else [])
            default_waits = default_waits or case.test is None
            continue
        tests = [*waiting, *([case.test] if case.test is not None else [])]
        block = _through(cases, number)
        if tests:
            arms.append(ir.Arm(case.at, tests[0] if len(tests) == 1 else ir.Logic(case.at, False, tuple(tests)), block))
        if case.test is None or default_waits:
            otherwise = block
        waiting, default_waits = [], False
    branch: ir.Stmt = ir.Branch(at, tuple(arms), otherwise) if arms else ir.Branch(at, (), otherwise)
    # (3)
    if _leaves((branch,)):
        branch = ir.Repeat(at, ir.Literal(at, True), (branch, ir.Leave(at, False)), ())
    return (*made, branch)


def _through(cases: list[_Case], start: int) -> ir.Block:
    body: list[ir.Stmt] = []
    for case in cases[start : start + _MAX_FALLTHROUGH]:
        body.extend(case.body)
        if case.arrow or (body and isinstance(body[-1], _ENDS)):
            break
    return tuple(body[:-1] if body and _is_break(body[-1]) else body)


def _is_break(statement: ir.Stmt) -> bool:
    return isinstance(statement, ir.Leave) and not statement.again


def _leaves(block: ir.Block) -> bool:
    """Say whether a `break` of the switch itself is left inside."""
    for statement in block:
        if _is_break(statement):
            return True
        inner: list[ir.Block] = []
        match statement:
            case ir.Branch():
                inner = [*(arm.body for arm in statement.arms), statement.otherwise]
            case ir.Attempt():
                inner = [statement.body, *(handler.body for handler in statement.handlers), statement.finally_]
        if any(_leaves(part) for part in inner):
            return True
    return False


def _case(lowering: JavaLowering, node: Node, subject: ir.Expr, result: ir.Expr | None) -> _Case:
    labels = [child for child in node.children if child.type == "switch_label"]
    rest = [child for child in named(node) if child.type != "switch_label"]
    before, lowering.before = lowering.before, []
    tests = [_label(lowering, label, subject) for label in labels]
    binds, lowering.before = tuple(lowering.before), before
    body = (*binds, *_body(lowering, node, rest, result))
    known = [test for test in tests if test is not None]
    at = place_of(node)
    if len(known) < len(tests) or not known:
        return _Case(at, None, body, node.type == "switch_rule")
    test = known[0] if len(known) == 1 else ir.Logic(at, False, tuple(known))
    return _Case(at, test, body, node.type == "switch_rule")


def _label(lowering: JavaLowering, node: Node, subject: ir.Expr) -> ir.Expr | None:
    """Return what a label asks; None is the default."""
    at, tests = place_of(node), list[ir.Expr]()
    for child in named(node):
        if child.type == "pattern":
            bind_pattern(lowering, child, subject)
            tests.append(ir.Opaque(at, (subject,)))
        elif child.type == "guard":
            tests = [ir.Opaque(at, (subject,))]
        elif child.type == "identifier" and child.text is not None and child.text[:1].isupper():
            # A constant of the enumeration, or a constant of the class: something that the program wrote.
            tests.append(ir.Compare(at, "==", subject, lowering.variable(at, child.text.decode("utf-8", "replace"))))
        else:
            tests.append(ir.Compare(at, "==", subject, expression(lowering, child)))
    if not tests:
        return None
    return tests[0] if len(tests) == 1 else ir.Logic(at, False, tuple(tests))


def _body(lowering: JavaLowering, node: Node, rest: list[Node], result: ir.Expr | None) -> ir.Block:
    if node.type != "switch_rule" or result is None:
        return tuple(made for child in rest for made in lowering.statement(lowering, child))
    if len(rest) == 1 and rest[0].type == "expression_statement":
        inside = named(rest[0])
        before, lowering.before = lowering.before, []
        value = expression(lowering, inside[0]) if inside else ir.Opaque(place_of(node), ())
        hoisted, lowering.before = tuple(lowering.before), before
        return (*hoisted, ir.Assign(place_of(node), (result,), value, None))
    return tuple(made for child in rest for made in lowering.statement(lowering, child))
