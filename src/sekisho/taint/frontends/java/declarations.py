"""Classes, interfaces, enumerations and records, and what is in them.

A constructor is a method `__init__` that begins with what the fields are initialised with; static fields and blocks
are the body of the class, which is run where it is defined.
"""

from collections.abc import Iterable
from typing import Final

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.java.expressions import arguments, expression, named
from sekisho.taint.frontends.java.scopes import (
    MEMBERS,
    TYPES,
    ClassScope,
    JavaLowering,
    dotted_type,
    field_types,
    members,
    modifiers,
    type_of,
)
from sekisho.taint.frontends.lowering import place_of, text_of

_METHODS: Final = frozenset({"method_declaration", "constructor_declaration", "compact_constructor_declaration"})
_BASES: Final = frozenset({"superclass", "super_interfaces", "extends_interfaces"})
# What an interface's members are unless they say otherwise.
_OPEN: Final = frozenset({"interface_declaration", "annotation_type_declaration"})
_VISIBLE: Final = frozenset({"public", "private", "protected", "static", "abstract", "final"})


def class_statements(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """Lower a declared type."""
    name = node.child_by_field_name("name")
    lowering.depth += 1
    try:
        if lowering.too_deep(node):
            return ()
        return (_class(lowering, node, text_of(name) if name is not None else "<unnamed>", _bases(node)),)
    finally:
        lowering.depth -= 1


def anonymous(lowering: JavaLowering, body: Node, base: ir.Expr) -> ir.Expr:
    """Lower the body behind `new Base(…)` as a class before the expression; return its name."""
    name = lowering.fresh("class")
    lowering.before.append(_class(lowering, body, name, (base,)))
    return ir.Name(place_of(body), name)


def _class(lowering: JavaLowering, node: Node, name: str, bases: tuple[ir.Expr, ...]) -> ir.Stmt:
    at = place_of(node)
    body = node.child_by_field_name("body") or node
    fields, methods = members(body)
    fields.update((text_of(part), False) for part in _components(node))
    types = field_types(body)
    captured = bool(lowering.scopes) and isinstance(lowering.scopes[-1], dict)
    depth = sum(isinstance(scope, ClassScope) for scope in lowering.scopes)
    receiver = f"this${depth}" if captured else "this"
    scope = ClassScope(
        name=name,
        receiver=receiver,
        captured=captured,
        inherits=bool(bases),
        fields=fields,
        types=types,
        methods=methods,
    )
    qualname = lowering.enter(name)
    before, lowering.before = lowering.before, []
    lowering.scopes.append(scope)
    made = _Members(lowering, scope, open_=node.type in _OPEN)
    made.components(_components(node))
    made.take(body)
    block = made.block()
    lowering.scopes.pop()
    lowering.before = before
    lowering.leave()
    return ir.DefineClass(at, ir.Class(at, name, qualname, bases, _decorators(lowering, node), block))


def _bases(node: Node) -> tuple[ir.Expr, ...]:
    found: list[ir.Expr] = []
    for child in node.children:
        if child.type in _BASES:
            listed = [part for inner in child.named_children for part in _listed(inner)]
            found.extend(base for base in map(type_of, listed) if base is not None)
    return tuple(found)


def _listed(node: Node) -> list[Node]:
    return node.named_children if node.type == "type_list" else [node]


def _components(node: Node) -> list[Node]:
    """Return the names of a record's components."""
    listed = node.child_by_field_name("parameters") if node.type == "record_declaration" else None
    names = [part.child_by_field_name("name") for part in named(listed)] if listed is not None else []
    return [name for name in names if name is not None]


def _decorators(lowering: JavaLowering, node: Node) -> tuple[ir.Expr, ...]:
    """Return annotations and modifiers."""
    found: list[ir.Expr] = []
    for child in node.children:
        if child.type != "modifiers":
            continue
        for word in child.children:
            if word.is_named:
                found.extend(_annotation(lowering, word))
            elif word.type in _VISIBLE:
                found.append(ir.Name(place_of(word), word.type))
    return tuple(found)


def _annotation(lowering: JavaLowering, node: Node) -> Iterable[ir.Expr]:
    at, name = place_of(node), node.child_by_field_name("name")
    if name is None:
        return ()
    target = dotted_type(at, text_of(name))
    listed = node.child_by_field_name("arguments")
    if listed is None:
        return (target,)
    given: list[ir.Argument] = []
    for child in named(listed):
        if child.type == "element_value_pair":
            key = child.child_by_field_name("key")
            value = expression(lowering, child.child_by_field_name("value"))
            given.append(ir.Argument(text_of(key) if key is not None else "", value, False))
        else:
            given.append(ir.Argument(None, expression(lowering, child), False))
    return (ir.Call(at, target, tuple(given)),)


class _Members:
    """The body of one class as it comes together."""

    def __init__(self, lowering: JavaLowering, scope: ClassScope, *, open_: bool) -> None:
        self._lowering = lowering
        self._scope = scope
        self._open = open_
        # Run when the class is defined; run by each constructor; methods; constructors and whether one calls another.
        self._static: list[ir.Stmt] = []
        self._instance: list[ir.Stmt] = []
        self._methods: list[ir.Stmt] = []
        self._constructors: list[tuple[ir.Function, bool]] = []
        self._record: tuple[ir.Parameter, ...] = ()

    def take(self, body: Node) -> None:
        """Lower what stands in `body`."""
        for child in named(body):
            self._lowering.count()
            if child.type in MEMBERS:
                self._fields(child)
            elif child.type in _METHODS:
                self._method(child)
            elif child.type in TYPES:
                self._static.extend(class_statements(self._lowering, child))
            elif child.type == "enum_constant":
                self._constant(child)
            elif child.type in {"enum_body_declarations", "ERROR"}:
                self.take(child)
            elif child.type in {"static_initializer", "block"}:
                self._block(child)

    def _block(self, node: Node) -> None:
        static = node.type == "static_initializer"
        self._scope.static = static
        inner = next((child for child in node.named_children if child.type == "block"), None) if static else node
        if inner is not None:
            (self._static if static else self._instance).extend(self._lowering.statement(self._lowering, inner))

    def components(self, names: list[Node]) -> None:
        """A record has a field, a method and a parameter of its constructor for each component."""
        made: list[ir.Parameter] = []
        for name in names:
            at, text = place_of(name), text_of(name)
            annotation = type_of(name.parent.child_by_field_name("type")) if name.parent is not None else None
            made.append(ir.Parameter(text, "plain", annotation, None))
            self._static.append(ir.Assign(at, (ir.Name(at, text),), ir.Opaque(at, ()), annotation))
            if text not in self._scope.methods:
                got = ir.Return(at, ir.Attribute(at, ir.Name(at, self._scope.receiver), text))
                self._methods.append(self._define(at, text, (), (got,), annotation))
        self._record = tuple(made)

    def block(self) -> ir.Block:
        """Return the body of the class: what is static; constructors, each beginning with what belongs to all unless it
        calls another (a class without one gets one if it needs it); methods."""
        instance = tuple(self._instance)
        made: list[ir.Stmt] = [*self._static]
        for function, delegates in self._constructors:
            # A call of the constructor above comes first, as the language wants.
            above = function.body[:1] if function.body and _is_super(function.body[0]) else ()
            body = (*above, *(() if delegates else instance), *function.body[len(above) :])
            made.append(ir.Define(function.at, function._replace(body=body)))
        if not self._constructors and (instance or self._record):
            made.append(self._default(instance))
        return (*made, *self._methods)

    def _default(self, instance: ir.Block) -> ir.Stmt:
        at = instance[0].at if instance else ir.place(1, 1)
        this = ir.Name(at, self._scope.receiver)
        stored = tuple(
            ir.Assign(at, (ir.Attribute(at, this, part.name),), ir.Name(at, part.name), part.annotation)
            for part in self._record
        )
        above = ir.Call(at, ir.Attribute(at, ir.Call(at, ir.Name(at, "super"), ()), "__init__"), ())
        first = (ir.Evaluate(at, above),) if self._scope.inherits else ()
        return self._define(at, "__init__", self._record, (*first, *instance, *stored), None)

    def _define(
        self, at: int, name: str, given: tuple[ir.Parameter, ...], body: ir.Block, returns: ir.Expr | None
    ) -> ir.Stmt:
        """Return a method that the source does not spell."""
        qualname = self._lowering.enter(name)
        self._lowering.leave()
        receiver = ir.Parameter(self._scope.receiver, "plain", None, None)
        return ir.Define(at, ir.Function(at, name, qualname, (receiver, *given), (), body, returns))

    def _fields(self, node: Node) -> None:
        """A field that may change is not the constant that it begins as: only its type is known."""
        words = modifiers(node)
        static = node.type == "constant_declaration" or "static" in words
        fixed = node.type == "constant_declaration" or "final" in words
        annotation = type_of(node.child_by_field_name("type"))
        for declarator in node.children_by_field_name("declarator"):
            name = declarator.child_by_field_name("name")
            if name is None:
                continue
            at, target = place_of(declarator), ir.Name(place_of(declarator), text_of(name))
            kind = annotation if declarator.child_by_field_name("dimensions") is None else None
            self._scope.static = static
            value, before = self._initial(declarator)
            literal = isinstance(value, ir.Literal)
            if static or literal:
                self._static.extend((*before, ir.Assign(at, (target,), value or ir.Opaque(at, ()), kind)))
            if not (static and fixed) and (not literal or not fixed):
                unknown = ir.Opaque(at, (target,) if static and not literal else ())
                self._static.append(ir.Assign(at, (target,), unknown, kind))
            if not static and value is not None:
                this = ir.Attribute(at, ir.Name(at, self._scope.receiver), target.id)
                self._instance.extend((*before, ir.Assign(at, (this,), value, kind)))

    def _initial(self, declarator: Node) -> tuple[ir.Expr | None, ir.Block]:
        node = declarator.child_by_field_name("value")
        if node is None:
            return None, ()
        outer, self._lowering.before = self._lowering.before, []
        self._lowering.scopes.append({})
        value = expression(self._lowering, node)
        self._lowering.scopes.pop()
        before, self._lowering.before = tuple(self._lowering.before), outer
        return value, before

    def _constant(self, node: Node) -> None:
        """A constant of an enumeration is an object of it, or of a class of its own below it."""
        lowering, at, name = self._lowering, place_of(node), node.child_by_field_name("name")
        self._scope.static = True
        given = arguments(lowering, node.child_by_field_name("arguments"))
        body = next((child for child in node.named_children if child.type == "class_body"), None)
        kind: ir.Expr = ir.Name(at, self._scope.name)
        if body is not None:
            kind = anonymous(lowering, body, kind)
            self._static.extend(lowering.before)
            lowering.before = []
        target = ir.Name(at, text_of(name) if name is not None else "")
        self._static.append(ir.Assign(at, (target,), ir.Call(at, kind, given), None))

    def _method(self, node: Node) -> None:
        lowering, at, name = self._lowering, place_of(node), node.child_by_field_name("name")
        constructor = node.type != "method_declaration"
        text = "__init__" if constructor or name is None else text_of(name)
        decorators = _decorators(lowering, node)
        static = any(isinstance(word, ir.Name) and word.id == "static" for word in decorators)
        if self._open and not any(isinstance(word, ir.Name) and word.id == "private" for word in decorators):
            decorators = (*decorators, ir.Name(at, "public"))
        self._scope.static = static
        qualname = lowering.enter(text)
        given = parameters(lowering, node.child_by_field_name("parameters"))
        if node.type == "compact_constructor_declaration":
            given = self._record
        lowering.scopes.append({parameter.name: parameter.annotation for parameter in given})
        body = node.child_by_field_name("body")
        block = tuple(lowering.statement(lowering, body)) if body is not None else ()
        if node.type == "compact_constructor_declaration":
            block = (*block, *self._stored(at))
        block, delegates = _explicit(block)
        lowering.scopes.pop()
        lowering.leave()
        if not static:
            given = (ir.Parameter(self._scope.receiver, "plain", None, None), *given)
        returns = None if constructor else type_of(node.child_by_field_name("type"))
        function = ir.Function(at, text, qualname, given, decorators, block, returns)
        if constructor:
            self._constructors.append((function, delegates))
        else:
            self._methods.append(ir.Define(at, function))

    def _stored(self, at: int) -> ir.Block:
        this = ir.Name(at, self._scope.receiver)
        return tuple(
            ir.Assign(at, (ir.Attribute(at, this, part.name),), ir.Name(at, part.name), part.annotation)
            for part in self._record
        )


def _explicit(block: ir.Block) -> tuple[ir.Block, bool]:
    """Say whether a constructor begins by calling another one of its class."""
    first = block[0] if block else None
    call = first.value if isinstance(first, ir.Evaluate) else None
    target = call.target if isinstance(call, ir.Call) else None
    delegates = isinstance(target, ir.Attribute) and target.name == "__init__" and isinstance(target.base, ir.Name)
    return block, delegates


def _is_super(statement: ir.Stmt) -> bool:
    call = statement.value if isinstance(statement, ir.Evaluate) else None
    target = call.target if isinstance(call, ir.Call) else None
    return isinstance(target, ir.Attribute) and target.name == "__init__" and isinstance(target.base, ir.Call)


def explicit_constructor(lowering: JavaLowering, node: Node) -> Iterable[ir.Stmt]:
    """`this(…)` and `super(…)` at the beginning of a constructor."""
    at, which = place_of(node), node.child_by_field_name("constructor")
    given = arguments(lowering, node.child_by_field_name("arguments"))
    scope = lowering.innermost()
    this = ir.Name(at, scope.receiver if scope is not None else "this")
    other = which is not None and which.type == "this"
    base: ir.Expr = this if other else ir.Call(at, ir.Name(at, "super"), ())
    return (ir.Evaluate(at, ir.Call(at, ir.Attribute(at, base, "__init__"), given)),)


def parameters(lowering: JavaLowering, node: Node | None) -> tuple[ir.Parameter, ...]:
    """Lower the parameters of a method, a constructor or a lambda."""
    if node is None:
        return ()
    if node.type == "identifier":
        return (ir.Parameter(text_of(node), "plain", None, None),)
    found = (_parameter(lowering, child) for child in named(node))
    return tuple(parameter for parameter in found if parameter is not None)


def _parameter(lowering: JavaLowering, node: Node) -> ir.Parameter | None:
    if node.type == "identifier":
        return ir.Parameter(text_of(node), "plain", None, None)
    if node.type == "formal_parameter":
        name = node.child_by_field_name("name")
        kind = type_of(node.child_by_field_name("type"))
        if node.child_by_field_name("dimensions") is not None and kind is not None:
            kind = ir.Item(kind.at, kind, ir.Literal(kind.at, None))
        return ir.Parameter(text_of(name) if name else "", "plain", kind, None, _decorators(lowering, node))
    if node.type == "spread_parameter":
        declarator = next((child for child in node.named_children if child.type == "variable_declarator"), None)
        name = declarator.child_by_field_name("name") if declarator is not None else None
        return ir.Parameter(text_of(name) if name else "", "rest", None, None, _decorators(lowering, node))
    return None


def closure(lowering: JavaLowering, node: Node) -> ir.Expr:
    """Lower a lambda. It sees the variables around it."""
    at, body = place_of(node), node.child_by_field_name("body")
    qualname = lowering.enter("<lambda>")
    given = parameters(lowering, node.child_by_field_name("parameters"))
    results, lowering.results = lowering.results, []
    lowering.scopes.append({parameter.name: parameter.annotation for parameter in given})
    outer, lowering.before = lowering.before, []
    if body is not None and body.type == "block":
        block = tuple(lowering.statement(lowering, body))
    else:
        value = expression(lowering, body)
        block = (*lowering.before, ir.Return(at, value))
    lowering.before, lowering.results = outer, results
    lowering.scopes.pop()
    lowering.leave()
    return ir.Closure(at, ir.Function(at, "<lambda>", qualname, given, (), block))
