"""What objects are, as far as annotations, constructors and assignments say it."""

import re

from sekisho.taint import ir
from sekisho.taint.engine.frame import Env
from sekisho.taint.engine.refs import External, InstanceRef
from sekisho.taint.engine.values import Value
from sekisho.taint.program import Class, Function, Module, Program
from sekisho.taint.walk import dotted_name, flat

_DOTTED = re.compile(r"[A-Za-z_][\w.]*")
_OPTIONAL = frozenset({"Optional", "Annotated", "Final", "ClassVar", "Union", "Type"})


class Types:
    """Answers for one program, each worked out once."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._class_bodies: dict[Class, Env] = {}
        self._attributes: dict[tuple[Class, str], Value | None] = {}
        self._attribute_nodes: dict[Class, dict[str, tuple[Function | None, ir.Expr]]] = {}
        self._abstract: dict[Function, bool] = {}

    def is_abstract(self, function: Function) -> bool:
        """Say whether the body does nothing but say that it must be overridden."""
        known = self._abstract.get(function)
        if known is None:
            body = function.definition.body
            known = self._abstract[function] = all(map(_does_nothing, body))
        return known

    def declared(self, module: Module, annotation: ir.Expr) -> object | None:
        """Return what an object of the type `annotation` is, None if nothing is known."""
        for _ in range(6):
            if isinstance(annotation, ir.Binary):
                annotation = annotation.left if not _is_none(annotation.left) else annotation.right
            elif isinstance(annotation, ir.Item):
                name = dotted_name(annotation.base)
                if name is None or name.rpartition(".")[2] not in _OPTIONAL:
                    return None
                key = annotation.key
                annotation = key.items[0] if isinstance(key, ir.Collection) and key.items else key
            else:
                break
        dotted = dotted_name(annotation)
        if isinstance(annotation, ir.Literal) and isinstance(annotation.value, str):
            match = _DOTTED.fullmatch(annotation.value.strip())
            dotted = match[0] if match else None
        if dotted is None:
            return None
        found = self._program.resolve(module, dotted)
        if isinstance(found, Class):
            return InstanceRef(found)
        if isinstance(found, str):
            return External(found)
        return External(dotted) if found is None and "." not in dotted and dotted not in module.symbols else None

    def forget(self) -> None:
        """Forget what was answered before every class's body was known."""
        self._attributes.clear()

    def note_class_body(self, made: Class, body: Env) -> None:
        """Keep what a class's body defines."""
        self._class_bodies[made] = body

    def attribute_value(self, definition: Class, name: str) -> Value | None:
        """Return what the attribute `name` of a class's objects is, from its body and from what methods assign."""
        key = (definition, name)
        if key not in self._attributes:
            self._attributes[key] = None
            self._attributes[key] = self._find_attribute(definition, name)
        return self._attributes[key]

    def _find_attribute(self, definition: Class, name: str) -> Value | None:
        for ancestor in definition.ancestors:
            assigned = self._assigned(ancestor).get(name)
            if assigned is not None:
                ref = self._assigned_ref(ancestor, *assigned)
                if ref is not None:
                    return Value(ref=ref)
            found = self._class_bodies.get(ancestor, {}).get(name)
            if found is not None:
                # What an object assigns over it is not known here, so its constant is not one.
                return found if assigned is None else Value(found.taints, ref=found.ref)
        return None

    def _assigned(self, definition: Class) -> dict[str, tuple[Function | None, ir.Expr]]:
        found = self._attribute_nodes.get(definition)
        if found is None:
            found = self._attribute_nodes[definition] = assigned_attributes(definition)
        return found

    def _assigned_ref(self, definition: Class, function: Function | None, node: ir.Expr) -> object | None:
        if function is None:
            return self.declared(definition.module, node)
        if isinstance(node, ir.Name):
            for parameter in function.definition.parameters:
                if parameter.name == node.id and parameter.annotation is not None:
                    ref = self.declared(definition.module, parameter.annotation)
                    return ref if not isinstance(ref, External) or "." in ref.name else None
            return None
        if not isinstance(node, ir.Call):
            return None
        dotted = dotted_name(node.target)
        found = self._program.resolve(definition.module, dotted) if dotted else None
        if isinstance(found, Class):
            return InstanceRef(found)
        return External(found) if isinstance(found, str) else None

    def declared_fields(self, definition: Class) -> list[str]:
        """Return the annotated names of a class's body, bases first, in order: the fields of a record."""
        fields: list[str] = []
        for ancestor in reversed(definition.ancestors):
            for statement in ancestor.definition.body:
                if isinstance(statement, ir.Assign) and (
                    statement.annotation is not None or _is_field(statement.value)
                ):
                    target = statement.targets[0] if statement.targets else None
                    if isinstance(target, ir.Name) and target.id not in fields:
                        fields.append(target.id)
        return fields


def assigned_attributes(definition: Class) -> dict[str, tuple[Function | None, ir.Expr]]:
    """Return what methods assign to attributes of their receiver, the constructor first; a declared type wins."""
    found: dict[str, tuple[Function | None, ir.Expr]] = {}
    methods = sorted(definition.methods.values(), key=lambda method: method.definition.name != "__init__")
    for method in methods:
        for statement in flat(method.definition.body):
            if not isinstance(statement, ir.Assign):
                continue
            for target in statement.targets:
                if (
                    isinstance(target, ir.Attribute)
                    and isinstance(target.base, ir.Name)
                    and target.base.id == method.receiver
                ):
                    node = (
                        (None, statement.annotation) if statement.annotation is not None else (method, statement.value)
                    )
                    found.setdefault(target.name, node)
    return found


def _is_field(node: ir.Expr) -> bool:
    """Say whether a class's body assigns a field as attrs has it."""
    dotted = dotted_name(node.target) if isinstance(node, ir.Call) else None
    return dotted in {"attr.ib", "attr.attrib", "attrs.field", "attr.field", "attrib"}


def _is_none(node: ir.Expr) -> bool:
    return isinstance(node, ir.Literal) and node.value is None


def _does_nothing(statement: ir.Stmt) -> bool:
    """`...`, `raise NotImplementedError`, `return None`: what stands where a class below is to say what happens."""
    if isinstance(statement, ir.Return):
        return statement.value is None or isinstance(statement.value, ir.Literal)
    return isinstance(statement, ir.Raise) or (
        isinstance(statement, ir.Evaluate) and isinstance(statement.value, ir.Literal)
    )
