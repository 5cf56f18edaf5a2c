"""What commands print: JSON for programs, tables or lines for people. Data goes to stdout, all else to stderr."""

import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len

# Between two columns.
_GAP = "  "


def show(value: Any, *, as_json: bool) -> None:
    """Print `value` (a JSON value) as JSON; for people a list of objects as a table, an object as `name: value` lines.

    Nothing is ever cut or folded, so that an id can be copied: a table too wide for the terminal becomes one block of
    lines a record.
    """
    if as_json:
        print(visible(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True), kept="\n"))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        _show_rows(value)
    else:
        print(*_lines(value), sep="\n")


def _show_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        print("nothing here yet", file=sys.stderr)
        return
    table = list(_table(rows))
    if sys.stdout.isatty() and max(map(cell_len, table)) > shutil.get_terminal_size().columns:
        print("\n\n".join("\n".join(_lines(row)) for row in rows))
    else:
        print(*table, sep="\n")


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    cells = [[_label(name) for name in rows[0]], *([one_line(item) for item in row.values()] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        # Measured, not counted: a Japanese letter takes two cells.
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(line, widths, strict=True))
        yield _GAP.join(padded).rstrip()


def _lines(value: Mapping[str, Any], *, indent: str = "") -> Iterator[str]:
    """Yield `name: value` lines; an object in it goes below its name, indented."""
    for name, item in value.items():
        label = f"{indent}{_label(name)}:"
        if isinstance(item, Mapping) and item:
            yield label
            yield from _lines(item, indent=indent + "  ")
        elif isinstance(item, list) and item and all(isinstance(part, Mapping) for part in item):
            yield label
            for part in item:
                first, *rest = _lines(part, indent=indent + "    ")
                yield from (f"{indent}  - {first.lstrip()}", *rest)
        else:
            yield f"{label} {one_line(item)}"


def _label(name: str) -> str:
    return visible(name.replace("_", " "))


def one_line(value: Any) -> str:
    """Return `value` on one line: no quotes or brackets that a person would have to take off."""
    if value is None or value in ([], {}):
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{_label(name)} {one_line(item)}" for name, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(one_line, value))
    return visible(value if isinstance(value, str) else json.dumps(value))


def visible(text: str, *, kept: str = "") -> str:
    """Return `text` with what a terminal would act on, or show in another order, as JSON escapes.

    The ideographic space is how Japanese is typed, and shows.
    """
    return "".join(c if c.isprintable() or c in kept or c == "\u3000" else json.dumps(c)[1:-1] for c in text)
