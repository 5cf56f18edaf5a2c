"""A page as Markdown, or as one HTML file that loads nothing and runs nothing.

Conditions are sentences that strangers wrote: each character that would mean something to a reader is escaped.
"""

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from sekisho.ledger.audit.page import Block, Bullets, Heading, Paragraph, Table
from sekisho.ledger.audit.words import Language

# CommonMark 2.4: a backslash before ASCII punctuation takes its meaning away. `&` and `<` would begin HTML.
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+!|<>&~])")
_STYLE: Final = (
    "body{font:15px/1.6 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:.7rem 0}th,td{border:1px solid #bbb;padding:.25rem .6rem;text-align:left;"
    "vertical-align:top;overflow-wrap:anywhere}th{background:#f2f2f2}h3{margin-top:2rem}"
)
# Should something slip through the escaping, the browser still runs and loads nothing.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def to_markdown(blocks: Sequence[Block]) -> str:
    """Return `blocks` as CommonMark with tables (GFM)."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def to_html(blocks: Sequence[Block], language: Language) -> str:
    """Return `blocks` as one HTML document."""
    title = next(block.text for block in blocks if isinstance(block, Heading))
    head = (
        f'<!DOCTYPE html>\n<html lang="{language.value}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{_text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
    )
    return head + "\n".join(_html(block) for block in blocks) + "\n</body>\n</html>\n"


def _markdown(block: Block) -> str:
    match block:
        case Heading(level=level, text=text):
            return f"{'#' * level} {_escaped(text)}"
        case Paragraph(text=text):
            return _escaped(text)
        case Bullets(items=items):
            return "\n".join(f"* {_escaped(item)}" for item in items)
        case Table(names=names, rows=rows):
            return "\n".join([_row(names), _row(["---"] * len(names), is_plain=True), *map(_row, rows)])


def _row(cells: Sequence[str], *, is_plain: bool = False) -> str:
    return f"| {' | '.join(cell if is_plain else _escaped(cell) for cell in cells)} |"


def _escaped(text: str) -> str:
    # A number or a dash at the beginning of a line would make a list; lines are joined, so only the first counts.
    said = _MARKDOWN.sub(r"\\\1", _one_line(text))
    return re.sub(r"^(\d+)([.)])|^([-=])", lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", said)


def _html(block: Block) -> str:
    match block:
        case Heading(level=level, text=text):
            return f"<h{level}>{_text(text)}</h{level}>"
        case Paragraph(text=text):
            return f"<p>{_text(text)}</p>"
        case Bullets(items=items):
            return "<ul>" + "".join(f"<li>{_text(item)}</li>" for item in items) + "</ul>"
        case Table(names=names, rows=rows):
            return f"<table>{''.join(_html_rows(names, rows))}</table>"


def _html_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"<tr>{''.join(f'<th>{_text(name)}</th>' for name in names)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>\n"


def _text(text: str) -> str:
    return html.escape(_one_line(text))


def _one_line(text: str) -> str:
    """Return `text` with control characters, and those that turn the direction of writing, written out."""
    return "".join(c if c.isprintable() or c == "\u3000" else f"\\u{ord(c):04x}" for c in text)
