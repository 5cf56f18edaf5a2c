"""One entry of a knowledge file, taken apart name by name."""

from collections.abc import Mapping
from typing import Any

from sekisho.taint.errors import KnowledgeRefused


class Table:
    """One entry of a file. Every name must be taken out; what is left over is refused."""

    def __init__(self, where: str, fields: Mapping[str, Any]) -> None:
        self.where = where
        self._fields = dict(fields)

    def refuse(self, why: str) -> KnowledgeRefused:
        return KnowledgeRefused(f"{self.where}: {why}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self._fields.pop(name, default)
        if not isinstance(value, str):
            raise self.refuse(f"{name} must be text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._fields.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.refuse(f"{name} must be a list of texts")
        return tuple(value)

    def number(self, name: str) -> int:
        value = self._fields.pop(name, None)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(f"{name} must be a whole number")
        return value

    def flag(self, name: str) -> bool:
        value = self._fields.pop(name, False)
        if not isinstance(value, bool):
            raise self.refuse(f"{name} must be true or false")
        return value

    def raw(self, name: str, default: Any = None) -> Any:
        return self._fields.pop(name, default)

    def tables(self, name: str) -> list["Table"]:
        value = self._fields.pop(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.refuse(f"{name} must be a list of tables")
        return [Table(f"{self.where}.{name}[{number}]", item) for number, item in enumerate(value)]

    def end(self) -> None:
        if self._fields:
            raise self.refuse(f"unknown names: {', '.join(sorted(self._fields))}")
