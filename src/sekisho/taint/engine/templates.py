"""Templates: a call that renders one is a call of the function that the template was lowered to."""

from sekisho.taint import ir
from sekisho.taint.engine.apply import apply_function
from sekisho.taint.engine.arguments import Arguments
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.refs import External, TemplateRef
from sekisho.taint.engine.values import NOTHING, UNKNOWN, Value, join, read
from sekisho.taint.frontends.templates import ESCAPED, TEXT, UNESCAPED
from sekisho.taint.frontends.templates.lowering import CONTEXT, INCLUDE
from sekisho.taint.knowledge.model import Render
from sekisho.taint.program import Function

# A name that more folders have says nothing about which one is meant.
_MAX_TEMPLATES = 3
_RENDERING = frozenset({"render", "render_async", "generate", "generate_async", "stream"})
# What Flask and Jinja's own selection escape.
_ESCAPED_SUFFIXES = (".html", ".htm", ".xml", ".xhtml", ".svg")
_SETTING = ".autoescape"


def render_template(
    frame: Frame, node: ir.Call, callee: Value, receiver: Value | None, arguments: Arguments
) -> Value | None:
    """Return what the call gives if it has to do with templates of the program, else None.

    What rendering gives is a page: its flows are the template's, and nothing flows on.
    """
    if receiver is not None and isinstance(receiver.ref, TemplateRef):
        if isinstance(node.target, ir.Attribute) and node.target.name in _RENDERING:
            return _rendered(frame, node, receiver.ref.functions, _context(arguments, arguments.positional[:1]))
        return None
    if not isinstance(callee.ref, External):
        return None
    name = callee.ref.name
    if name == INCLUDE:
        return _include(frame, node, arguments)
    rules = frame.knowledge.renders.get(name)
    if rules is None:
        return None
    fitting = (rule for rule in rules if _names(rule, arguments))
    return _by_knowledge(frame, node, name, next(fitting, rules[0]), receiver, arguments)


def _names(rule: Render, arguments: Arguments) -> list[str]:
    """Return the names of templates in the call: one, or a list of them."""
    at = arguments.at(rule.template)
    values = [at[0], *(at[0].items or {}).values()] if at is not None else []
    return [value.const for value in values if isinstance(value.const, str)]


def _by_knowledge(
    frame: Frame, node: ir.Call, name: str, rule: Render, receiver: Value | None, arguments: Arguments
) -> Value | None:
    if rule.form == "environment":
        setting = arguments.named.get("autoescape")
        return Value(ref=External(rule.result or name), items={_SETTING: setting} if setting is not None else None)
    functions = _functions(frame, rule, receiver, arguments)
    if rule.form == "template":
        return Value(ref=TemplateRef(functions)) if functions else None
    if not functions:
        # Escaped by the framework, as far as we know.
        return Value() if rule.escapes != "receiver" else None
    if rule.context is None:
        return _rendered(frame, node, functions, _context(arguments, []))
    # Where the variables have an argument of their own, the other arguments are none.
    at = arguments.at(rule.context)
    return _rendered(frame, node, functions, _context(Arguments(), [at[0]] if at is not None else []))


def _functions(frame: Frame, rule: Render, receiver: Value | None, arguments: Arguments) -> tuple[Function, ...]:
    found: list[Function] = []
    for name in _names(rule, arguments):
        escapes = _escapes(rule, name, receiver)
        found.extend(_of_name(frame, name, (ESCAPED,) if escapes else (UNESCAPED, *(TEXT,) * rule.page)))
    return tuple(found)


def _escapes(rule: Render, name: str, receiver: Value | None) -> bool:
    if rule.escapes == "always":
        return True
    if rule.escapes == "suffix":
        return name.lower().endswith(_ESCAPED_SUFFIXES)
    setting = read(receiver, _SETTING) if receiver is not None and receiver.items else NOTHING
    if setting is NOTHING:
        return False
    return setting.const is UNKNOWN or bool(setting.const)


def _of_name(frame: Frame, name: str, kinds: tuple[str, ...]) -> list[Function]:
    modules = frame.engine.program.templates(name)
    symbols = [module.symbols.get(kind) for module in modules[:_MAX_TEMPLATES] for kind in kinds]
    return [symbol for symbol in symbols if isinstance(symbol, Function)]


def _context(arguments: Arguments, tables: list[Value]) -> Arguments:
    """Return the variables as arguments by name: those that are given so, and those in `tables`."""
    made = Arguments()
    made.named, made.named_nodes = arguments.named, arguments.named_nodes
    for table in (*tables, arguments.table):
        if table is not None:
            made.table = table if made.table is None else join(made.table, table)
    return made


def _rendered(frame: Frame, node: ir.Call, functions: tuple[Function, ...], context: Arguments) -> Value:
    for function in functions:
        apply_function(frame, node, function, None, context, receiver=None, sure=len(functions) == 1)
    return Value()


def _include(frame: Frame, node: ir.Call, arguments: Arguments) -> Value:
    """What is included sees the variables of the template around it, escaped as they are there."""
    name = arguments.positional[0].const if arguments.positional else UNKNOWN
    outer, env = frame.function, frame.env
    while outer is not None and outer.outer is not None:
        outer = outer.outer
    if not isinstance(name, str) or outer is None or env is None:
        return Value()
    kinds = (ESCAPED,) if outer.definition.name == ESCAPED else (UNESCAPED, TEXT)
    context = Arguments()
    context.named = {**{key: value for key, value in env.items() if key != CONTEXT}, **arguments.named}
    context.named_nodes = {key: arguments.named_nodes.get(key, ir.Name(node.at, key)) for key in context.named}
    context.table = env.get(CONTEXT)
    return _rendered(frame, node, tuple(_of_name(frame, name, kinds)), context)
