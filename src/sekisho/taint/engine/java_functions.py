"""Functions and constructors of Java's libraries that no table can describe, by dotted name."""

import re
from collections.abc import Callable
from typing import Final

from sekisho.taint import ir
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.containers import key_of
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.java_methods import as_text
from sekisho.taint.engine.refs import External
from sekisho.taint.engine.text import concatenated
from sekisho.taint.engine.values import ANY, NOTHING, UNKNOWN, Value, all_taints, constant, read

JavaFunction = Callable[[Frame, ir.Call, Arguments], Value | None]

_TEXT: Final = External("java.lang.String")
_PLACE: Final = re.compile(r"%(?:(\d+)\$)?[-#+ 0,(<]*\d*(?:\.\d+)?[a-zA-Z%]")


def _container(name: str) -> JavaFunction:
    """A new container, empty or with what another one holds."""

    def make(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
        given = arguments.positional[0] if arguments.positional else NOTHING
        return Value(given.taints, ref=External(name), items=dict(given.items or {}))

    return make


def _builder(name: str) -> JavaFunction:
    def make(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
        given = as_text(arguments.positional[0]) if arguments.positional else constant("")
        const = given.const if arguments.positional and arguments.positional[0].const is given.const else UNKNOWN
        return Value(given.taints, const if arguments.positional else "", External(name))

    return make


def _listed(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`List.of(a, b)`, `Arrays.asList(array)`."""
    if len(arguments.positional) == 1 and arguments.positional[0].items:
        return arguments.positional[0]
    return Value(ref=External("java.util.List"), items={str(n): value for n, value in enumerate(arguments.positional)})


def _mapped(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`Map.of(key, value, …)`."""
    pairs = zip(arguments.positional[::2], arguments.positional[1::2], strict=False)
    return Value(ref=External("java.util.Map"), items={key_of(key): value for key, value in pairs})


def _held(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`Optional.of(x)`, `Stream.of(x)`: something with x inside."""
    if len(arguments.positional) != 1:
        return _listed(frame, node, arguments)
    return Value(items={ANY: arguments.positional[0]})


def _given(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    return arguments.positional[0] if arguments.positional else None


def _text(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    return as_text(arguments.positional[0]) if arguments.positional else None


def _format(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`String.format(template, values…)`, the first argument perhaps a locale."""
    given = arguments.positional
    if given and not isinstance(given[0].const, str) and len(given) > 1 and isinstance(given[1].const, str):
        given = given[1:]
    if not given or not isinstance(given[0].const, str):
        return None
    template, values = given[0].const, given[1:]
    if len(values) == 1 and values[0].items:
        values = [read(values[0], str(number)) for number in range(len(values[0].items))]
    parts: list[Value] = []
    end = automatic = 0
    for match in _PLACE.finditer(template):
        parts.append(constant(template[end : match.start()]))
        end = match.end()
        if match[0][-1] in "%n":
            parts.append(constant("%" if match[0][-1] == "%" else "\n"))
            continue
        place = int(match[1]) - 1 if match[1] else automatic
        automatic += match[1] is None
        # What is written as a number carries no text.
        value = values[place] if place < len(values) and match[0][-1] not in "dxXofeEgc" else NOTHING
        parts.append(as_text(value))
    parts.append(constant(template[end:]))
    made = concatenated(parts)
    return Value(made.taints, made.const, _TEXT)


def _join(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`String.join(separator, parts…)`."""
    if len(arguments.positional) < 2:
        return None
    separator, *values = arguments.positional
    if len(values) == 1:
        items = values[0].items or {}
        values = [items[key] for key in sorted(items)] or [Value(values[0].taints)]
    parts: list[Value] = []
    for value in values:
        parts.extend([as_text(separator), as_text(value)] if parts else [as_text(value)])
    made = concatenated(parts) if parts else NOTHING
    return Value(made.taints, made.const, _TEXT)


def _pattern(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """A compiled pattern remembers its text."""
    pattern = arguments.positional[0] if arguments.positional else NOTHING
    return Value(all_taints(pattern), ref=External("java.util.regex.Pattern"), items={".pattern": pattern})


def _cookie(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """A new cookie is sent over any connection and read by any script until somebody says otherwise."""
    settings = {".secure": constant(False), ".httpOnly": constant(False)}
    content = tuple(taint for value in arguments.positional for taint in all_taints(value))
    return Value(content, ref=External("javax.servlet.http.Cookie"), items=settings)


def _yaml(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """A parser that is given a safe constructor makes nothing but data."""
    refs = [value.ref for value in arguments.positional]
    safe = any(isinstance(ref, External) and ref.name.endswith(".SafeConstructor") for ref in refs)
    return Value(ref=External("org.yaml.snakeyaml.Yaml"), items={"safe": constant(safe)})


_CONTAINERS: Final = (
    [f"java.util.{name}" for name in ("ArrayList", "LinkedList", "HashMap", "LinkedHashMap", "TreeMap", "HashSet")]
    + [f"java.util.{name}" for name in ("LinkedHashSet", "TreeSet", "Vector", "Stack", "ArrayDeque", "Hashtable")]
    + ["java.util.Properties", "java.util.concurrent.ConcurrentHashMap", "java.util.concurrent.CopyOnWriteArrayList"]
)
_BUILDERS: Final = ("java.lang.StringBuilder", "java.lang.StringBuffer", "java.io.StringWriter")

JAVA_FUNCTIONS: Final[dict[str, JavaFunction]] = {
    **{name: _container(name) for name in _CONTAINERS},
    **{name: _builder(name) for name in _BUILDERS},
    **dict.fromkeys(
        (
            "java.util.List.of",
            "java.util.Set.of",
            "java.util.Arrays.asList",
            "java.util.Collections.singletonList",
            "java.util.List.copyOf",
            "java.util.Collections.unmodifiableList",
            "java.util.Collections.unmodifiableSet",
        ),
        _listed,
    ),
    "java.util.Map.of": _mapped,
    "java.util.Collections.singletonMap": _mapped,
    **dict.fromkeys(
        (
            "java.util.Optional.of",
            "java.util.Optional.ofNullable",
            "java.util.stream.Stream.of",
            "java.util.concurrent.CompletableFuture.completedFuture",
        ),
        _held,
    ),
    **dict.fromkeys(
        (
            "java.util.Arrays.stream",
            "java.util.Objects.requireNonNull",
            "java.util.Objects.requireNonNullElse",
            "java.util.Collections.unmodifiableMap",
            "java.util.Arrays.copyOf",
            "java.util.Collections.emptyList",
        ),
        _given,
    ),
    **dict.fromkeys(
        (
            "java.lang.String.valueOf",
            "java.util.Objects.toString",
            "java.lang.String",
            "java.lang.Integer.toString",
            "java.lang.Long.toString",
            "java.lang.Double.toString",
            "java.lang.String.copyValueOf",
        ),
        _text,
    ),
    "java.lang.String.format": _format,
    "java.lang.String.join": _join,
    "java.util.regex.Pattern.compile": _pattern,
    "javax.servlet.http.Cookie": _cookie,
    "org.yaml.snakeyaml.Yaml": _yaml,
}
