"""Which dialects there are."""

from collections.abc import Mapping
from types import MappingProxyType

from sekisho.labs.anthropic import AnthropicDialect
from sekisho.labs.errors import UnknownDialect
from sekisho.labs.interfaces import Dialect
from sekisho.labs.openai import OpenAIDialect

_DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (OpenAIDialect(), AnthropicDialect())}
)


def dialect_named(name: str) -> Dialect:
    """Return the dialect `name`, `openai` or `anthropic`, or raise UnknownDialect."""
    dialect = _DIALECTS.get(name)
    if dialect is None:
        raise UnknownDialect(f"no dialect {name[:40]!r}")
    return dialect
