"""Names in languages where the source says to which package it belongs, and a package is spread over files.

A name means, in this order: what its file defines or imports by name, a type of the same package, a type of a package
that is imported as a whole. What is not of the program is known by its dotted name alone.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sekisho.taint.program import Class, Function, Module

_IMPLIED = "java.lang"


class Namespaces:
    """The types of the program by dotted name. `known`: foreign types that are known to exist."""

    def __init__(self, known: frozenset[str]) -> None:
        self._known = known
        self._types: dict[str, Class] = {}
        self._found: dict[tuple[int, str], Class | Function | str | None] = {}

    def add(self, made: "Class") -> None:
        """Enter a class; of two with one name the first."""
        self._types.setdefault(made.name, made)
        self._found.clear()

    def find(self, dotted: str) -> "Class | str":
        """Return the class of the program with this name, else the name."""
        return self._types.get(dotted, dotted)

    def lookup(self, module: "Module", name: str) -> "Class | Function | str | None":
        """Return what `name`, which the file itself does not define, means in it."""
        if "." in name:
            return self.find(name)
        key = (id(module), name)
        if key not in self._found:
            self._found[key] = self._look_up(module, name)
        return self._found[key]

    def _look_up(self, module: "Module", name: str) -> "Class | Function | str | None":
        found = self._types.get(f"{module.name}.{name}" if module.name else name)
        if found is not None:
            return found
        for star in module.stars:
            whole = self._types.get(star.module)
            member = whole.find(name) if whole is not None else self._types.get(f"{star.module}.{name}")
            if member is not None:
                return member
        return self._foreign(module, name)

    def _foreign(self, module: "Module", name: str) -> str | None:
        """A package that is imported as a whole has the type if it is known to; else if it is the only one."""
        packages = [star.module for star in module.stars]
        for package in packages:
            if f"{package}.{name}" in self._known:
                return f"{package}.{name}"
        others = [package for package in packages if package != _IMPLIED]
        return f"{others[0]}.{name}" if len(others) == 1 and name[:1].isupper() else None

    def resolve(self, module: "Module", dotted: str) -> "Class | Function | str | None":
        """Return what a dotted name means: variables have been told apart before."""
        first, *rest = dotted.split(".")
        found = self._first(module, first)
        if found is None:
            # A package: nothing but its types is asked for.
            return self.find(dotted) if rest and any(part[:1].isupper() for part in rest) else None
        for name in rest:
            if isinstance(found, str):
                found = f"{found}.{name}"
            elif found is not None:
                inner = self._types.get(f"{found.name}.{name}")
                find = getattr(found, "find", None)
                found = inner if inner is not None else find(name) if find is not None else None
        return found

    def _first(self, module: "Module", name: str) -> "Class | Function | str | None":
        symbol = module.symbols.get(name)
        if symbol is None:
            return self.lookup(module, name)
        imported = getattr(symbol, "module", None)
        if isinstance(imported, str):
            return self.find(f"{imported}.{name}")
        return symbol  # type: ignore[return-value]

    def is_public(self, function: "Function") -> bool:
        """Say whether the method and each class around it are open to every caller."""
        if function.outer is not None or function.owner is None or "public" not in function.traits:
            return False
        parts = function.owner.name.split(".")
        around = [self._types.get(".".join(parts[:end])) for end in range(1, len(parts) + 1)]
        return all(made is None or "public" in made.traits for made in around)
