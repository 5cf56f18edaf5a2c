"""`startswith`, the guard that is most often written wrong."""

from sekisho.taint import ir
from sekisho.taint.engine.frame import Env, Frame
from sekisho.taint.engine.marks import mark
from sekisho.taint.engine.refs import External
from sekisho.taint.engine.values import EMPTY, RESOLVED, UNKNOWN, Guard, Value, all_taints, is_trusted

_PATH = frozenset({"path"})
_HOST = frozenset({"ssrf", "redirect"})
_REDIRECT = frozenset({"redirect"})
_ARGUMENT = frozenset({"argument"})
# Marks between guards: the text begins with "/", and does not begin with "//".
_ROOTED = frozenset({"rooted"})
_ONE_SLASH = frozenset({"one-slash"})

_SIBLING = "the prefix does not end with a separator, so a sibling folder whose name begins with it passes"
_UNRESOLVED = "the prefix is compared before `..` and links are resolved"
_NO_HOST = "the prefix does not reach past the host"
_TWO_SLASHES = "an address that begins with // passes, and // is followed by a host"
_SEPARATORS = frozenset({"os.sep", "os.path.sep", "posixpath.sep", "java.io.File.separator"})


def starts_with(frame: Frame, test: ir.Call, receiver: Value, truth: bool, env: Env) -> None:
    """Mark what `x.startswith(prefix)` being `truth` says about x."""
    if not test.arguments or not isinstance(test.target, ir.Attribute) or not all_taints(receiver):
        return
    node, subject = test.arguments[0].value, test.target.base
    prefix = frame.value(node)
    if not is_trusted(prefix, receiver):
        return
    texts = _texts(prefix)
    if not truth:
        _rejected(frame, subject, texts, env)
        return
    if texts and all(texts):
        _known_prefix(frame, test, subject, texts, env)
    if not texts or any(text[:1] in "/\\" for text in texts):
        _folder(frame, test, subject, node, texts, env)


def _texts(prefix: Value) -> list[str]:
    """Return the prefixes if they are constants: one, or a tuple of them."""
    values = list(prefix.items.values()) if prefix.items else [prefix]
    consts = [value.const for value in values]
    return [const for const in consts if isinstance(const, str)] if UNKNOWN not in consts else []


def _rejected(frame: Frame, subject: ir.Expr, texts: list[str], env: Env) -> None:
    for text in texts:
        safe = frame.knowledge.rejected_prefixes.get(text, EMPTY)
        if safe:
            mark(frame, subject, env, safe)
        if text == "//":
            # The path of a request's own address always begins with a slash.
            is_path = isinstance(subject, ir.Attribute) and subject.name in {"path", "uri", "path_info"}
            mark(frame, subject, env, _REDIRECT | _ONE_SLASH if is_path else _ONE_SLASH)
            _both_slashes(frame, subject, env)


def _both_slashes(frame: Frame, subject: ir.Expr, env: Env) -> None:
    mark(frame, subject, env, _REDIRECT, needs=_ROOTED | _ONE_SLASH)


def _known_prefix(frame: Frame, test: ir.Call, subject: ir.Expr, texts: list[str], env: Env) -> None:
    if all(not text.startswith("-") for text in texts):
        mark(frame, subject, env, _ARGUMENT)
    if all("/" in text.partition("://")[2] for text in texts):
        mark(frame, subject, env, _HOST)
    elif any("://" in text for text in texts):
        weak = Guard(frame.point(test.at), test, _NO_HOST, _HOST)
        mark(frame, subject, env, EMPTY, guards=(weak,), views=False)
    elif all(text.startswith("/") and text[1:2] not in {"", "/", "\\"} for text in texts):
        mark(frame, subject, env, _REDIRECT)
    elif texts == ["/"]:
        mark(frame, subject, env, _ROOTED)
        weak = Guard(frame.point(test.at), test, _TWO_SLASHES, _REDIRECT)
        mark(frame, subject, env, _REDIRECT, needs=_ROOTED | _ONE_SLASH, weak=weak, views=False)


def _folder(frame: Frame, test: ir.Call, subject: ir.Expr, node: ir.Expr, texts: list[str], env: Env) -> None:
    """A path that begins with a folder's is inside it: once resolved, and if the folder ends with a separator."""
    ends = all(text.endswith(("/", "\\")) for text in texts) if texts else _ends_with_separator(frame, node, env)
    if not ends:
        weak = Guard(frame.point(test.at), test, _SIBLING, _PATH)
        mark(frame, subject, env, EMPTY, guards=(weak,), views=False)
        return
    weak = Guard(frame.point(test.at), test, _UNRESOLVED, _PATH)
    mark(frame, subject, env, _PATH, needs=frozenset({RESOLVED}), weak=weak)


def _ends_with_separator(frame: Frame, node: ir.Expr, env: Env) -> bool:
    """Say whether the expression puts a separator at its end, here or where its variable was assigned."""
    if isinstance(node, ir.Collection):
        return all(_ends_with_separator(frame, item, env) for item in node.items)
    value = frame.value(node)
    if isinstance(value.const, str):
        return value.const.endswith(("/", "\\"))
    return isinstance(value.ref, External) and value.ref.name == "ends-with-separator"


def separator_ended(parts: list[Value]) -> bool:
    """Say whether text made of `parts` ends with a path separator."""
    last = parts[-1] if parts else Value()
    if isinstance(last.const, str):
        return last.const.endswith(("/", "\\"))
    return isinstance(last.ref, External) and last.ref.name in _SEPARATORS
