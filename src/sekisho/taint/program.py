"""The whole program: modules by name, what their names mean, classes and their ancestors, functions.

Static: says what a name refers to without running anything, so that every function can be looked at in any order.
"""

from collections.abc import Iterable

from sekisho.taint import ir
from sekisho.taint.frontends.templates import LANGUAGE as TEMPLATE
from sekisho.taint.namespaces import Namespaces
from sekisho.taint.naming import is_public_name, module_names
from sekisho.taint.walk import closures, dotted_name, flat

# How many re-exports are followed from one name; a longer chain is a circle.
_MAX_HOPS = 12


class Module:
    """One file. `symbols`: what its top level defines or imports, the last definition winning. `packaged`: the source
    itself says of what package it is part, and `name` is that package's."""

    __slots__ = ("exports", "lowered", "name", "package", "packaged", "path", "public", "stars", "symbols")

    def __init__(self, name: str, lowered: ir.ModuleIR) -> None:
        self.name = name
        self.path = lowered.path
        self.lowered = lowered
        self.packaged = lowered.package is not None
        self.package = name if self.packaged or lowered.path.endswith("__init__.py") else name.rpartition(".")[0]
        self.public = all(is_public_name(part) for part in name.split("."))
        self.symbols: dict[str, object] = {}
        self.stars: list[ir.Import] = []
        self.exports: frozenset[str] | None = None

    @property
    def is_template(self) -> bool:
        return self.lowered.language == TEMPLATE


class Function:
    """One function. `owner`: its class; `outer`: the function it is written in; `receiver`: self, cls or None;
    `plain`: the parameters that positions fill, in order; `named`: those that names fill."""

    __slots__ = ("definition", "module", "named", "outer", "owner", "plain", "receiver", "traits")

    def __init__(
        self, module: Module, definition: ir.Function, owner: "Class | None", outer: "Function | None"
    ) -> None:
        self.module = module
        self.definition = definition
        self.owner = owner
        self.outer = outer
        self.traits = frozenset(_decorator_name(decorator) for decorator in definition.decorators)
        self.receiver = self._receiver()
        self.plain = tuple(p.name for p in definition.parameters if p.kind == "plain")
        self.named = frozenset(p.name for p in definition.parameters if p.kind in {"plain", "named"})

    def _receiver(self) -> str | None:
        if (
            self.owner is None
            or not self.traits.isdisjoint({"staticmethod", "static"})
            or not self.definition.parameters
        ):
            return None
        first = self.definition.parameters[0]
        return first.name if first.kind == "plain" else None

    @property
    def name(self) -> str:
        """Dotted, from the module on: what knowledge about a framework's own functions matches."""
        return _dotted(self.module, self.definition.qualname)

    def accepts(self, count: int) -> bool:
        """Say whether a call with `count` arguments can mean this function and not another one of its name."""
        kinds = [parameter.kind for parameter in self.definition.parameters[self.receiver is not None :]]
        plain = kinds.count("plain")
        return count == plain or ("rest" in kinds and count >= plain)

    @property
    def is_property(self) -> bool:
        return not self.traits.isdisjoint({"property", "cached_property"})


class Class:
    """One class. `ancestors`: itself and its bases in the program, nearest first; `foreign`: the dotted names of bases
    outside of it; `overloads`: all methods of a name, where the language keeps more than one."""

    __slots__ = (
        "ancestors",
        "bases",
        "definition",
        "descendants",
        "foreign",
        "methods",
        "module",
        "overloads",
        "setters",
        "traits",
    )

    def __init__(self, module: Module, definition: ir.Class) -> None:
        self.module = module
        self.definition = definition
        self.methods: dict[str, Function] = {}
        self.setters: dict[str, Function] = {}
        self.overloads: dict[str, list[Function]] = {}
        self.traits = frozenset(_decorator_name(decorator) for decorator in definition.decorators)
        self.bases: tuple[object, ...] = ()
        self.ancestors: tuple[Class, ...] = (self,)
        self.descendants: tuple[Class, ...] = ()
        self.foreign: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return _dotted(self.module, self.definition.qualname)

    def overloaded(self, method: str, count: int) -> "list[Function]":
        """Return the methods of a name that take `count` arguments, of the nearest class that has any."""
        for ancestor in self.ancestors:
            found = [function for function in ancestor.overloads.get(method, ()) if function.accepts(count)]
            if found:
                return found
        return []

    def find(self, method: str) -> Function | None:
        """Return the method as this class has it, its own or inherited."""
        for ancestor in self.ancestors:
            found = ancestor.methods.get(method)
            if found is not None:
                return found
        return None


class Program:
    """All modules, and what is asked about them together. `known`: types outside of the program, by dotted name."""

    def __init__(self, lowered: Iterable[ir.ModuleIR], known: frozenset[str] = frozenset()) -> None:
        files = sorted(lowered, key=lambda module: module.path)
        names = module_names([module.path for module in files])
        self.modules = [
            Module(names[module.path] if module.package is None else module.package, module) for module in files
        ]
        self.namespaces = Namespaces(known)
        self.functions: list[Function] = []
        self.classes: list[Class] = []
        self.by_definition: dict[int, Function | Class] = {}
        self.methods_named: dict[str, list[Function]] = {}
        self.setters: set[str] = set()
        self._by_name: dict[str, Module] = {}
        self._by_tail: dict[str, list[Module]] = {}
        self._templates: dict[str, list[Module]] = {}
        for module in self.modules:
            self._index(module)
        for module in self.modules:
            self._declare(module, module.lowered.body, None, None)
        self._link_classes()
        self._reexported = self._find_reexports()

    def _index(self, module: Module) -> None:
        if module.is_template:
            self._templates.setdefault(module.path.rpartition("/")[2], []).append(module)
        if module.packaged:
            return
        self._by_name.setdefault(module.name, module)
        parts = module.name.split(".")
        for start in range(1, len(parts)):
            self._by_tail.setdefault(".".join(parts[start:]), []).append(module)

    def _declare(self, module: Module, body: ir.Block, owner: Class | None, outer: Function | None) -> None:
        """Enter every definition of `body` and of the bodies inside, in the order of the source."""
        work = [(body, owner, outer)]
        while work:
            block, owner, outer = work.pop(0)
            for statement in flat(block):
                top = owner is None and outer is None
                if isinstance(statement, ir.Define):
                    function = self._add_function(module, statement.function, owner, outer)
                    if top:
                        module.symbols[statement.function.name] = function
                    work.append((statement.function.body, None, function))
                elif isinstance(statement, ir.DefineClass):
                    made = Class(module, statement.definition)
                    self.by_definition[id(statement.definition)] = made
                    self.classes.append(made)
                    if top:
                        module.symbols[statement.definition.name] = made
                    if module.packaged:
                        module.symbols.setdefault(statement.definition.name, made)
                        self.namespaces.add(made)
                    work.append((statement.definition.body, made, outer))
                elif top and isinstance(statement, ir.Import):
                    self._add_import(module, statement)
                elif top and isinstance(statement, ir.Assign):
                    _add_assignment(module, statement)
                for closure in closures(statement):
                    self._add_function(module, closure, None, outer)

    def _add_function(
        self, module: Module, definition: ir.Function, owner: Class | None, outer: Function | None
    ) -> Function:
        function = Function(module, definition, owner, outer)
        self.functions.append(function)
        self.by_definition[id(definition)] = function
        if owner is not None:
            # A property's setter has the getter's name; the getter is what expressions read.
            if definition.name not in owner.methods or not function.traits & {"setter", "deleter", "overload"}:
                owner.methods[definition.name] = function
            if "setter" in function.traits:
                owner.setters[definition.name] = function
                self.setters.add(definition.name)
            if module.packaged:
                owner.overloads.setdefault(definition.name, []).append(function)
            self.methods_named.setdefault(definition.name, []).append(function)
        return function

    def _add_import(self, module: Module, statement: ir.Import) -> None:
        if statement.symbol == "*":
            module.stars.append(statement)
        else:
            module.symbols[statement.name] = statement

    def _link_classes(self) -> None:
        for made in self.classes:
            made.bases = tuple(self._base(made.module, base) for base in made.definition.bases)
        for made in self.classes:
            made.ancestors, made.foreign = _lineage(made)
        below: dict[int, list[Class]] = {}
        for made in self.classes:
            for ancestor in made.ancestors[1:]:
                below.setdefault(id(ancestor), []).append(made)
        for made in self.classes:
            made.descendants = tuple(below.get(id(made), ()))

    def _base(self, module: Module, base: ir.Expr) -> object:
        if isinstance(base, ir.Item):
            base = base.base
        dotted = dotted_name(base)
        found = self.resolve(module, dotted) if dotted else None
        if found is None and dotted and module.symbols.get(dotted.partition(".")[0]) is VARIABLE:
            # A class that is made while the program runs, as `db.Model` is.
            return dotted
        return found

    def resolve(self, module: Module, dotted: str) -> object:
        """Return what `dotted` means at the top level of `module`: Module, Class, Function, or a foreign name."""
        if module.packaged:
            return self.namespaces.resolve(module, dotted)
        first, *rest = dotted.split(".")
        found = self.lookup(module, first)
        for name in rest:
            if isinstance(found, Module):
                found = self.member(found, name)
            elif isinstance(found, Class):
                found = found.find(name)
            elif isinstance(found, str):
                found = f"{found}.{name}"
            else:
                return None
        return found

    def lookup(self, module: Module, name: str, hops: int = 0) -> object:
        """Return what `name` means at the top level of `module`; None if it is a variable or unknown."""
        symbol = module.symbols.get(name)
        if isinstance(symbol, ir.Import):
            return self.imported(module, symbol, hops + 1)
        if symbol is not None:
            return symbol if isinstance(symbol, Class | Function) else None
        if module.packaged:
            return self.namespaces.lookup(module, name)
        for star in module.stars if hops < _MAX_HOPS else ():
            source = self.find_module(self.absolute(module, star), module)
            found = self.lookup(source, name, hops + 1) if source is not None else None
            if found is not None:
                return found
        return None

    def imported(self, module: Module, statement: ir.Import, hops: int = 0) -> object:
        """Return what an import binds: a Module, Class, Function, or a foreign dotted name (str)."""
        if module.packaged:
            return self.namespaces.find(f"{statement.module}.{statement.symbol}")
        dotted = self.absolute(module, statement)
        source = self.find_module(dotted, module)
        if statement.symbol is None:
            return source if source is not None else dotted
        if source is None:
            return f"{dotted}.{statement.symbol}" if dotted else statement.symbol
        return self.member(source, statement.symbol, hops)

    def member(self, module: Module, name: str, hops: int = 0) -> object:
        """Return what `name` means when asked of `module` from outside: a symbol of it, or a module below it."""
        if hops < _MAX_HOPS:
            found = self.lookup(module, name, hops + 1)
            if found is not None:
                return found
        below = self._by_name.get(f"{module.name}.{name}")
        if below is not None or name not in module.symbols:
            return below
        return None

    def variable_home(self, module: Module, name: str) -> "tuple[Module, str] | None":
        """Return the module and name whose top-level variable `name` of `module` is, through imports."""
        for _ in range(_MAX_HOPS):
            symbol = module.symbols.get(name)
            if symbol is VARIABLE:
                return module, name
            if not isinstance(symbol, ir.Import) or symbol.symbol is None:
                return None
            source = self.find_module(self.absolute(module, symbol), module)
            if source is None:
                return None
            module, name = source, symbol.symbol
        return None

    def absolute(self, module: Module, statement: ir.Import) -> str:
        """Return the dotted name that the import means, its leading dots resolved."""
        if statement.level == 0:
            return statement.module
        parts = module.package.split(".")
        parts = parts[: len(parts) - statement.level + 1]
        return ".".join([*parts, statement.module] if statement.module else parts)

    def find_module(self, dotted: str, near: Module) -> Module | None:
        """Return the module `dotted`; a name that only ends a module's name is taken if it is the only one."""
        found = self._by_name.get(dotted)
        if found is not None or not dotted:
            return found
        sibling = self._by_name.get(f"{near.package}.{dotted}")
        if sibling is not None and sibling is not near:
            return sibling
        tails = self._by_tail.get(dotted, [])
        return tails[0] if len(tails) == 1 else None

    def templates(self, name: str) -> list[Module]:
        """Return the templates that a loader may find under `name`, as many as folders have one."""
        listed = self._templates.get(name.rpartition("/")[2], [])
        return [module for module in listed if f"/{module.path}".endswith(f"/{name.lstrip('/')}")]

    def is_public(self, function: Function) -> bool:
        """Say whether a stranger who uses the package may call `function` by its names."""
        if function.module.packaged:
            return self.namespaces.is_public(function)
        if function.outer is not None or not is_public_name(function.definition.name):
            return False
        if not all(is_public_name(part) for part in function.definition.qualname.split(".")):
            return False
        top = function.definition.qualname.split(".")[0]
        return function.module.public or f"{function.module.name}:{top}" in self._reexported

    def _find_reexports(self) -> frozenset[str]:
        found: set[str] = set()
        for module in self.modules:
            if not module.public or module.packaged:
                continue
            for name, symbol in module.symbols.items():
                if isinstance(symbol, ir.Import) and is_public_name(name):
                    target = self.imported(module, symbol)
                    if isinstance(target, Class | Function):
                        found.add(f"{target.module.name}:{target.definition.qualname}")
        return frozenset(found)


def _dotted(module: Module, qualname: str) -> str:
    return f"{module.name}.{qualname}" if module.name else qualname


class _Variable:
    __slots__ = ()


# Stands in a module's symbols for a name that is assigned at its top level.
VARIABLE = _Variable()


def _add_assignment(module: Module, statement: ir.Assign) -> None:
    for target in statement.targets:
        names = target.items if isinstance(target, ir.Collection) else (target,)
        for name in names:
            if isinstance(name, ir.Name):
                module.symbols.setdefault(name.id, VARIABLE)


def _lineage(made: Class) -> tuple[tuple[Class, ...], tuple[str, ...]]:
    """Return the ancestors, breadth first, and the foreign bases. Circles, which broken code has, end."""
    seen: list[Class] = [made]
    foreign: list[str] = []
    for current in seen:
        for base in current.bases:
            if isinstance(base, Class) and base not in seen:
                seen.append(base)
            elif isinstance(base, str) and base not in foreign:
                foreign.append(base)
    return tuple(seen), tuple(foreign)


def _decorator_name(decorator: ir.Expr) -> str:
    if isinstance(decorator, ir.Call):
        decorator = decorator.target
    if isinstance(decorator, ir.Attribute):
        return decorator.name
    return decorator.id if isinstance(decorator, ir.Name) else ""
