"""Templates of Jinja and Django, as functions whose parameters are the template's variables."""

import re

from sekisho.taint import ir
from sekisho.taint.findings import NotAnalyzed
from sekisho.taint.frontends.python.source import Unreadable, read_source
from sekisho.taint.frontends.templates.lowering import TemplateLowering
from sekisho.taint.frontends.templates.pieces import Piece, pieces

LANGUAGE = "template"
# What the functions of a template are called: its variables escaped by themselves; not escaped, in a page of HTML; not
# escaped, in what is no page by itself.
ESCAPED, UNESCAPED, TEXT = "template", "template unescaped", "template as text"

_OWN_SUFFIXES = (".jinja", ".jinja2", ".j2", ".djhtml")
_SHARED_SUFFIXES = (".html", ".htm", ".xhtml", ".txt")
_MARKUP_NAME = re.compile(r"\.x?html?(\.|$)|\.djhtml$")
_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|div|span|p|a|ul|ol|li|h[1-6]|table|tr|td|b|i|em|strong|img|form|input|script|br)\b",
    re.I,
)
_MAX_PIECES = 100_000


def is_template_path(path: str) -> bool:
    """Say whether `path` is taken for a template: by a suffix of its own, or by lying below a folder `templates`."""
    if path.endswith(_OWN_SUFFIXES):
        return True
    return path.endswith(_SHARED_SUFFIXES) and "templates" in path.split("/")[:-1]


def lower_template(path: str, data: bytes) -> ir.ModuleIR | NotAnalyzed:
    """Return the IR of a template, as far as it parses, or why there is none. Never raises on any bytes."""
    try:
        source = read_source(data).decode("utf-8")
    except Unreadable as refusal:
        return NotAnalyzed(path=path, reason=str(refusal))
    listed = list(pieces(source))
    if len(listed) > _MAX_PIECES:
        return NotAnalyzed(path=path, reason=f"more than {_MAX_PIECES} pieces: data rather than a template")
    is_markup = bool(_MARKUP_NAME.search(path.rpartition("/")[2]) or _MARKUP.search(source))
    functions, gaps = _functions(listed, is_markup)
    return ir.ModuleIR(
        path=path,
        language=LANGUAGE,
        lines=source.count("\n") + (not source.endswith("\n") and bool(source)),
        body=tuple(ir.Define(function.at, function) for function in functions),
        gaps=gaps,
    )


def _functions(listed: list[Piece], is_markup: bool) -> tuple[list[ir.Function], tuple[ir.Gap, ...]]:
    """The same template under both assumptions; who renders it decides which one holds."""
    escaped = TemplateLowering(ESCAPED, escaping=True)
    unescaped = TemplateLowering(UNESCAPED if is_markup else TEXT, escaping=False)
    functions = [lowering.function(listed) for lowering in (escaped, unescaped)]
    return functions, tuple(escaped.gaps)
