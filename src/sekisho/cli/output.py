"""What commands print: JSON for programs, a table or lines for people. Data goes to stdout, all else to stderr."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(value: Any, *, as_json: bool) -> None:
    """Print `value` (a JSON value) as JSON, or as a table if it is a list of objects, else as `name: value` lines."""
    if as_json:
        print(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        _show_rows(value)
    else:
        _show_fields(value)


def _show_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        print("nothing here yet")
        return
    table = Table(box=None, pad_edge=False)
    for name in rows[0]:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in rows:
        # Text, not str: a name that a stranger chose must not be read as markup.
        table.add_row(*(Text(_plain(cell)) for cell in row.values()))
    Console().print(table)


def _show_fields(value: Mapping[str, Any]) -> None:
    for name, item in value.items():
        print(f"{name.replace('_', ' ')}: {_plain(item)}")


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
