"""What a name means where it stands: a local variable, a field of one of the classes around, or a type.

Java writes `name` for `this.name`, for `Outer.this.name`, for a static field and for a local variable. The IR wants
them told apart, and the file alone says most of it: what is not declared in it is inherited.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node

from sekisho.taint import ir
from sekisho.taint.frontends.lowering import Lowering, place_of, text_of

MEMBERS: Final = frozenset({"field_declaration", "constant_declaration"})
TYPES: Final = frozenset(
    {
        "class_declaration",
        "interface_declaration",
        "enum_declaration",
        "record_declaration",
        "annotation_type_declaration",
    }
)
# Where a package was renamed, one name stands for both.
_RENAMED: Final = {"jakarta": "javax"}


@dataclass(slots=True, kw_only=True)
class ClassScope:
    """One class that is being lowered. `fields` and `methods` say which are static; `static`: so is the member that
    is being lowered; `captured`: it is written inside a method, whose variables its methods see."""

    name: str
    receiver: str
    captured: bool
    inherits: bool
    static: bool = False
    fields: dict[str, bool] = field(default_factory=dict)
    types: dict[str, ir.Expr | None] = field(default_factory=dict)
    methods: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What expressions need of statements and declarations, which need expressions."""

    statement: "Callable[[JavaLowering, Node], Iterable[ir.Stmt]]"
    anonymous: "Callable[[JavaLowering, Node, ir.Expr], ir.Expr]"
    closure: "Callable[[JavaLowering, Node], ir.Expr]"
    switch_value: "Callable[[JavaLowering, Node], ir.Expr]"


class JavaLowering(Lowering):
    """The state of one file's lowering: scopes, and the statements that an expression needs before it."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self.scopes: list[ClassScope | dict[str, ir.Expr | None]] = []
        self.imported: set[str] = set()
        # Members that are imported by their own names, and the class of each.
        self.members: dict[str, str] = {}
        self.before: list[ir.Stmt] = []
        # The variables that take the values of the `switch` expressions around.
        self.results: list[ir.Expr] = []
        self.statement = parts.statement
        self.anonymous = parts.anonymous
        self.closure = parts.closure
        self.switch_value = parts.switch_value
        self._made = 0

    def fresh(self, what: str) -> str:
        """Return a name that no source can spell."""
        self._made += 1
        return f"<{what} {self._made}>"

    def declare(self, name: str, annotation: ir.Expr | None) -> None:
        """Note a local variable of the innermost block, and its type."""
        scope = self.scopes[-1] if self.scopes else None
        if isinstance(scope, dict):
            scope[name] = annotation

    def type_of_target(self, target: ir.Expr) -> ir.Expr | None:
        """Return the declared type of what is assigned to: whatever comes, that is what it is taken for."""
        for scope in reversed(self.scopes):
            if isinstance(scope, dict) and isinstance(target, ir.Name):
                if target.id in scope:
                    return scope[target.id]
            elif isinstance(scope, ClassScope) and isinstance(target, ir.Attribute) and target.name in scope.types:
                own = isinstance(target.base, ir.Name) and target.base.id in {scope.receiver, scope.name}
                return scope.types[target.name] if own else None
        return None

    def is_local(self, name: str) -> bool:
        """Say whether `name` is a local variable here."""
        for scope in reversed(self.scopes):
            if isinstance(scope, dict):
                if name in scope:
                    return True
            elif name in scope.fields or not scope.captured:
                return False
        return False

    def innermost(self) -> ClassScope | None:
        return next((scope for scope in reversed(self.scopes) if isinstance(scope, ClassScope)), None)

    def variable(self, at: int, name: str) -> ir.Expr:
        """Return what the simple name `name` means as a value."""
        for scope in reversed(self.scopes):
            if isinstance(scope, dict):
                if name in scope:
                    return ir.Name(at, name)
            elif name in scope.fields:
                return ir.Attribute(at, self.owner(at, scope, static=scope.fields[name]), name)
        if name in self.members:
            return ir.Attribute(at, ir.Name(at, self.members[name]), name)
        innermost = self.innermost()
        if name in self.imported or innermost is None or looks_like_type(name):
            return ir.Name(at, name)
        if not innermost.inherits:
            outer = next((scope for scope in self.scopes if isinstance(scope, ClassScope) and scope.inherits), None)
            innermost = outer or innermost
        if name.isupper() and not innermost.inherits:
            return ir.Name(at, name)
        return ir.Attribute(at, self.owner(at, innermost, static=innermost.static), name)

    def method(self, at: int, name: str) -> ir.Expr:
        """Return what is called by `name(...)`."""
        for scope in reversed(self.scopes):
            if isinstance(scope, ClassScope) and name in scope.methods:
                return ir.Attribute(at, self.owner(at, scope, static=scope.methods[name]), name)
        if name in self.members:
            return ir.Attribute(at, ir.Name(at, self.members[name]), name)
        inheriting = [scope for scope in self.scopes if isinstance(scope, ClassScope) and scope.inherits]
        owner = inheriting[-1] if inheriting else self.innermost()
        if owner is None:
            return ir.Name(at, name)
        return ir.Attribute(at, self.owner(at, owner, static=owner.static), name)

    def owner(self, at: int, scope: ClassScope, *, static: bool) -> ir.Expr:
        """Return the class for its static members, and for the others the object as seen from here."""
        if static:
            return ir.Name(at, scope.name)
        reached = False
        for inner in reversed(self.scopes):
            if inner is scope:
                reached = True
                break
            if isinstance(inner, ClassScope) and not inner.captured:
                break
        if reached and not scope.static:
            return ir.Name(at, scope.receiver)
        return ir.Name(at, f"{scope.name}.this")


def looks_like_type(name: str) -> bool:
    """Say whether `name` is a type's by convention: `Name`, and not `name` or `NAME`; a single capital is one."""
    return name[:1].isupper() and (len(name) == 1 or not name.isupper() or ("_" not in name and len(name) < 6))


def members(node: Node) -> tuple[dict[str, bool], dict[str, bool]]:
    """Return the fields and methods that a class's body declares, and whether each is static."""
    fields: dict[str, bool] = {}
    methods: dict[str, bool] = {}
    work = list(reversed(node.named_children))
    while work:
        child = work.pop()
        if child.type in MEMBERS:
            static = child.type == "constant_declaration" or "static" in modifiers(child)
            for declarator in child.children_by_field_name("declarator"):
                fields[_name(declarator)] = static
        elif child.type == "method_declaration":
            methods.setdefault(_name(child), "static" in modifiers(child))
        elif child.type == "enum_constant":
            fields[_name(child)] = True
        elif child.type == "enum_body_declarations":
            work.extend(reversed(child.named_children))
    return fields, methods


def modifiers(node: Node) -> frozenset[str]:
    """Return the words before a declaration: static, final, public …"""
    for child in node.children:
        if child.type == "modifiers":
            return frozenset(word.type for word in child.children if not word.is_named)
    return frozenset()


def field_types(node: Node) -> dict[str, ir.Expr | None]:
    """Return the declared types of the fields that stand directly in a class's body."""
    found: dict[str, ir.Expr | None] = {}
    for child in node.named_children:
        if child.type in MEMBERS:
            annotation = type_of(child.child_by_field_name("type"))
            for declarator in child.children_by_field_name("declarator"):
                found[_name(declarator)] = annotation if declarator.child_by_field_name("dimensions") is None else None
    return found


def _name(node: Node) -> str:
    name = node.child_by_field_name("name")
    return text_of(name) if name is not None else ""


def canonical(dotted: str) -> str:
    """Return a dotted name without spaces, under the name that knowledge has for it."""
    dotted = "".join(dotted.split())
    first, dot, rest = dotted.partition(".")
    return _RENAMED.get(first, first) + dot + rest


def type_of(node: Node | None) -> ir.Expr | None:
    """Return a type as an expression, its arguments left out; an array's is an item of its elements' type."""
    if node is None:
        return None
    at = place_of(node)
    if node.type in {"generic_type", "annotated_type"}:
        inner = [
            child
            for child in node.named_children
            if child.type not in {"type_arguments", "marker_annotation", "annotation"}
        ]
        return type_of(inner[0]) if inner else None
    if node.type == "array_type":
        element = type_of(node.child_by_field_name("element"))
        return ir.Item(at, element, ir.Literal(at, None)) if element is not None else None
    if node.type in {"scoped_type_identifier", "scoped_identifier", "field_access"}:
        return dotted_type(at, text_of(node))
    text = text_of(node)
    return None if text == "var" else ir.Name(at, text)


def dotted_type(at: int, text: str) -> ir.Expr:
    """Return `Outer.Inner` as attributes, and a name that begins with a package as one name."""
    text = "".join(part for part in text.split() if not part.startswith("@"))
    text = text.partition("<")[0] if "<" in text else text
    first, *rest = text.split(".")
    if not first[:1].isupper():
        return ir.Name(at, canonical(text))
    made: ir.Expr = ir.Name(at, first)
    for part in rest:
        made = ir.Attribute(at, made, part)
    return made
