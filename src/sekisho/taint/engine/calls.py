"""A call: find out what is called, then let it work."""

from collections.abc import Callable

from sekisho.taint import ir
from sekisho.taint.engine.apply import Application, apply_function, joined_results, pass_on, written
from sekisho.taint.engine.arguments import Arguments, bind, evaluate_arguments
from sekisho.taint.engine.attributes import read_attribute
from sekisho.taint.engine.builtins import BUILTINS, REFLECTED
from sekisho.taint.engine.callbacks import decorated, may_be_noted, note_call, with_receiver
from sekisho.taint.engine.checks import check_call, check_logging, check_named_arguments
from sekisho.taint.engine.external import call_result, reach_rule, reach_sinks
from sekisho.taint.engine.frame import MAX_RAISED, Frame
from sekisho.taint.engine.java_functions import JAVA_FUNCTIONS
from sekisho.taint.engine.java_methods import JAVA_METHODS, bean_method
from sekisho.taint.engine.keeping import keep_fields
from sekisho.taint.engine.marks import mark
from sekisho.taint.engine.methods import METHODS, Method
from sekisho.taint.engine.patterns_in_calls import reach_patterns
from sekisho.taint.engine.refs import (
    ClassRef,
    External,
    FunctionRef,
    InstanceRef,
    ModuleRef,
    PartialRef,
    RecordRef,
    RecordsRef,
    SuperRef,
)
from sekisho.taint.engine.templates import render_template
from sekisho.taint.engine.values import ANY, NOTHING, Guard, OneOf, Value, everything, merge_taints, read, write
from sekisho.taint.knowledge.model import Flow, GuardRule
from sekisho.taint.program import Class, Function

Builtin = Callable[[Frame, ir.Call, Arguments], Value | None]

# A method's name that so many classes have says nothing about which one is meant.
_MAX_NAMESAKES = 2
_ENUMERATIONS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "django.db.models.TextChoices"})
_TYPED_TABLES = frozenset({"typing.TypedDict", "typing_extensions.TypedDict"})
# Overriding methods that are looked at where the base's does nothing.
_MAX_OVERRIDES = 4
_PLAIN = frozenset({"int", "long", "boolean", "char", "double", "Integer", "Long", "Boolean"})


def call(frame: Frame, node: ir.Call) -> Value:
    """Return what the call gives, with its effects."""
    target, receiver = node.target, None
    if isinstance(target, ir.Attribute):
        receiver = frame.value(target.base)
        callee = _method_of(frame, target, receiver) or read_attribute(frame, target, receiver)
        if _is_part(frame, receiver, target.name):
            receiver = callee
    else:
        callee = frame.value(target)
    arguments = evaluate_arguments(frame, node)
    if callee.taints:
        _reach_reflection(frame, node, callee)
    check_named_arguments(frame, node)
    check_logging(frame, node)
    return invoke(frame, node, callee, receiver, arguments)


def _is_part(frame: Frame, receiver: Value, name: str) -> bool:
    """Say whether the method gives a part that knowledge speaks of, as `request.json()` does: then what it gives is of
    that part, whatever a method of that name does elsewhere."""
    origin, key = receiver.self_origin, f".{name}"
    if origin is None or len(origin.path) > 1:
        return False
    entries = frame.knowledge.entries
    if origin.path:
        return any(origin.path[0] in entry.keys and key in entry.below for entry in entries)
    return any(key in entry.keys and (origin.name in entry.parameters or entry.annotations) for entry in entries)


def _method_of(frame: Frame, target: ir.Attribute, receiver: Value) -> Value | None:
    """Where fields and methods have names of their own, return the method; one that no class has may be imported."""
    if not frame.module.packaged or not isinstance(receiver.ref, InstanceRef):
        return None
    method = receiver.ref.definition.find(target.name)
    if method is not None:
        return Value(ref=FunctionRef(method, receiver))
    found = frame.engine.program.namespaces.lookup(frame.module, target.name)
    return Value(ref=FunctionRef(found, None)) if isinstance(found, Function) else None


def _reach_reflection(frame: Frame, node: ir.Call, callee: Value) -> None:
    """What is called was found by a name that comes from outside."""
    chosen = tuple(taint for taint in callee.taints if REFLECTED in taint.facts)
    rule = frame.knowledge.by_kind.get("reflection")
    if chosen and rule is not None:
        reach_rule(frame, node, rule, Value(chosen))


def invoke(frame: Frame, node: ir.Call, callee: Value, receiver: Value | None, arguments: Arguments) -> Value:
    """Return what calling `callee` with `arguments` gives."""
    page = render_template(frame, node, callee, receiver, arguments)
    if page is not None:
        return page
    ref = callee.ref
    if isinstance(ref, FunctionRef):
        return _call_function(frame, node, ref, receiver, arguments)
    if isinstance(ref, OneOf):
        return _call_each(frame, node, ref, receiver, arguments)
    if isinstance(ref, ClassRef):
        return _construct(frame, node, ref.definition, arguments)
    if isinstance(ref, InstanceRef):
        method = ref.definition.find("__call__")
        if method is not None:
            return apply_function(frame, node, method, callee, arguments, receiver=node.target)
    if isinstance(ref, RecordsRef):
        _call_unknown(frame, node, NOTHING, receiver, arguments)
        return callee
    if isinstance(ref, RecordRef):
        return record(Value(), ref.fields, arguments)
    if isinstance(ref, PartialRef):
        return invoke(frame, node, ref.target, receiver, _filled_in(ref, arguments))
    if isinstance(ref, External):
        return _call_external(frame, node, ref.name, callee, receiver, arguments)
    return _call_unknown(frame, node, callee, receiver, arguments)


def _call_each(frame: Frame, node: ir.Call, ref: OneOf, receiver: Value | None, arguments: Arguments) -> Value:
    """One of several is called: each of them may be."""
    return joined_results([invoke(frame, node, Value(ref=choice), receiver, arguments) for choice in ref.refs])


def _filled_in(ref: PartialRef, arguments: Arguments) -> Arguments:
    made = Arguments()
    made.positional = [*ref.positional, *arguments.positional]
    made.nodes = [*([None] * len(ref.positional)), *arguments.nodes]
    made.named = {**dict(ref.named), **arguments.named}
    made.named_nodes = {name: ir.Opaque(0, ()) for name, _ in ref.named} | arguments.named_nodes
    made.rest, made.table = arguments.rest, arguments.table
    return made


def _call_function(
    frame: Frame, node: ir.Call, ref: FunctionRef, receiver: Value | None, arguments: Arguments
) -> Value:
    base = node.target.base if isinstance(node.target, ir.Attribute) and ref.bound is not None else None
    if isinstance(receiver, Value) and isinstance(receiver.ref, SuperRef):
        base = _receiver_name(frame, node)
    wrapped = decorated(frame, ref.function) if ref.function.definition.decorators and not ref.raw else None
    if wrapped is not None:
        return invoke(frame, node, wrapped, receiver, with_receiver(ref.bound, arguments))
    functions = _overloads(ref.function.owner, ref.function, arguments)
    owner = ref.bound.ref if ref.bound is not None else None
    if isinstance(owner, InstanceRef) and frame.engine.types.is_abstract(functions[0]):
        functions = _overrides(owner.definition, functions[0]) or functions
    results = [
        apply_function(
            frame, node, function, ref.bound, arguments, receiver=base, sure=len(functions) == 1, closed=ref.closed
        )
        for function in functions
    ]
    if all(frame.engine.summary_of(function, frame).ends for function in functions):
        frame.env = None
    known = _known_by_name(frame, node, ref.function.name, receiver, arguments)
    result = joined_results(results)
    if known is not None:
        return Value(known.taints, ref=result.ref, items=result.items)
    return result


def _overloads(owner: Class | None, function: Function, arguments: Arguments) -> list[Function]:
    """Where a class has several methods of a name, those that fit the arguments."""
    name = function.definition.name
    if owner is None or not owner.overloads:
        return [function]
    if len(owner.overloads.get(name, ())) < 2 and function.accepts(len(arguments.positional)):
        return [function]
    fitting = owner.overloaded(name, len(arguments.positional))
    fitting = [found for found in fitting if _fits(found, arguments)] or fitting
    return fitting[:_MAX_OVERRIDES] or [function]


def _fits(function: Function, arguments: Arguments) -> bool:
    """Say whether no argument is plainly of another type than its parameter."""
    parameters = function.definition.parameters[function.receiver is not None :]
    for parameter, value in zip(parameters, arguments.positional, strict=False):
        declared = parameter.annotation.id if isinstance(parameter.annotation, ir.Name) else ""
        if (
            isinstance(value.const, str)
            and len(value.const) != 1
            and declared not in {"String", "Object", "CharSequence"}
        ):
            return False
        if type(value.const) is int and declared in {"String", "boolean"}:
            return False
        if isinstance(value.ref, External) and value.ref.name == "java.lang.String" and declared in _PLAIN:
            return False
    return True


def _receiver_name(frame: Frame, node: ir.Call) -> ir.Expr | None:
    """`super().m()` writes into the method's own receiver."""
    function = frame.function
    return ir.Name(node.at, function.receiver) if function is not None and function.receiver is not None else None


def _overrides(definition: Class, function: Function) -> list[Function]:
    name = function.definition.name
    count = len(function.definition.parameters) - (function.receiver is not None)
    found: list[Function] = []
    for made in definition.descendants:
        listed = made.overloads.get(name) or [made.methods[name]] if name in made.methods else []
        found.extend(method for method in listed if not made.overloads or method.accepts(count))
    return found[:_MAX_OVERRIDES]


def _known_by_name(
    frame: Frame, node: ir.Call, name: str, receiver: Value | None, arguments: Arguments
) -> Value | None:
    """The program may be the framework itself: what is known of its functions from outside is true inside."""
    knowledge = frame.knowledge
    reach_sinks(frame, node, knowledge.call_sinks.get(name, ()), receiver, arguments)
    flows = knowledge.call_flows.get(name, ())
    if flows or name in knowledge.sources:
        return call_result(frame, node, name, flows, NOTHING, receiver, arguments)
    return None


def _construct(frame: Frame, node: ir.Call, definition: Class, arguments: Arguments) -> Value:
    made = Value(ref=InstanceRef(definition))
    reach_sinks(frame, node, frame.knowledge.call_sinks.get(definition.name, ()), None, arguments)
    if not _ENUMERATIONS.isdisjoint(definition.foreign):
        # One of its members, or an error.
        return made
    constructor = definition.find("__init__")
    if constructor is None or constructor.receiver is None:
        return _fields(frame, node, definition, made, arguments)
    for chosen in _overloads(constructor.owner, constructor, arguments):
        summary = frame.engine.summary_of(chosen, frame)
        values, _ = bind(chosen, made, arguments)
        application = Application(frame, node, chosen, values, sure=True)
        pass_on(application, summary)
        made = written(application, summary, chosen.receiver or "", made)
    return made


def _fields(frame: Frame, node: ir.Call, definition: Class, made: Value, arguments: Arguments) -> Value:
    """A class without a constructor of its own: its fields in order, or a foreign class below."""
    fields = frame.engine.types.declared_fields(definition)
    if not _TYPED_TABLES.isdisjoint(definition.foreign):
        return Value(everything(arguments.positional).taints, items=dict(arguments.named))
    made = record(made, tuple(fields), arguments)
    keep_fields(frame, definition, arguments.named)
    if not fields and definition.foreign:
        return Value(everything(arguments.all()).taints, ref=made.ref, items=made.items)
    after = definition.find("__post_init__")
    if after is None or after.receiver is None:
        return made
    summary = frame.engine.summary_of(after, frame)
    application = Application(frame, node, after, {after.receiver: made}, sure=True)
    pass_on(application, summary)
    return written(application, summary, after.receiver, made)


def record(made: Value, fields: tuple[str, ...], arguments: Arguments) -> Value:
    """Return `made` with the arguments in its fields, by name and by position."""
    for name, value in arguments.named.items():
        made = write(made, "." + name, value)
    for number, (name, value) in enumerate(zip(fields, arguments.positional, strict=False)):
        made = write(write(made, "." + name, value), str(number), value)
    if arguments.rest is not None:
        for number, name in enumerate(fields[len(arguments.positional) :]):
            value = read(arguments.rest, str(number))
            made = write(write(made, "." + name, value), str(number + len(arguments.positional)), value)
    if arguments.table is not None:
        for name in fields:
            found = read(arguments.table, name)
            if found is not NOTHING:
                made = write(made, "." + name, found)
    return made


def _call_external(
    frame: Frame, node: ir.Call, name: str, callee: Value, receiver: Value | None, arguments: Arguments
) -> Value:
    reach_patterns(frame, node, name, receiver, arguments)
    if name in _ENDING and frame.env is not None:
        # An error that a handler around this may catch.
        frame.raised.append(frame.env)
        frame.env = None
        return NOTHING
    idioms = _idioms_of(frame)
    special = idioms.functions.get(name) or _calling_method(node, arguments)
    if special is not None:
        reach_sinks(frame, node, frame.knowledge.call_sinks.get(name, ()), receiver, arguments)
        result = special(frame, node, arguments)
        if result is not None:
            return result
    knowledge = frame.knowledge
    last = name.rpartition(".")[2] if isinstance(node.target, ir.Attribute) and not _is_import(frame, node) else ""
    sinks = knowledge.call_sinks.get(name, ()) or knowledge.method_sinks.get(last or _method_name(frame, node), ())
    reach_sinks(frame, node, sinks, receiver, arguments)
    check_call(
        frame, node, knowledge.call_checks.get(name, ()) or knowledge.method_checks.get(last, ()), arguments, receiver
    )
    guard = knowledge.call_guards.get(name) or knowledge.method_guards.get(last)
    if guard is not None and guard.truth is None:
        holds_after(frame, node, guard)
    flows = knowledge.call_flows.get(name, ())
    if not flows and last:
        method = idioms.method(last)
        if method is not None and receiver is not None:
            found = method(frame, node, receiver, arguments)
            if found is not None:
                return found if frame.module.packaged else _typed(found, receiver)
        flows = knowledge.method_flows.get(last, ())
        namesakes = _fitting(frame, last, arguments) if receiver is not None and not flows and not sinks else []
        if namesakes and receiver is not None:
            return _guess(frame, node, namesakes, receiver, arguments)
    return call_result(frame, node, name, flows, callee, receiver, arguments)


def _method_name(frame: Frame, node: ir.Call) -> str:
    """Return the method's name where the base was imported out of a module: it may be an object."""
    target = node.target
    if not isinstance(target, ir.Attribute) or not isinstance(target.base, ir.Name):
        return ""
    symbol = frame.module.symbols.get(target.base.id)
    return target.name if isinstance(symbol, ir.Import) and symbol.symbol is not None else ""


def _fitting(frame: Frame, name: str, arguments: Arguments) -> list[Function]:
    """The program's only method of a name, called on an object kept elsewhere, if it takes the arguments' names."""
    found = frame.engine.program.methods_named.get(name, [])
    if len(found) != 1 or not arguments.named:
        return []
    names = {parameter.name for parameter in found[0].definition.parameters}
    return found if arguments.named.keys() <= names else []


def _typed(found: Value, receiver: Value) -> Value:
    """What is taken out of a foreign container keeps the container's name, so that knowledge goes on matching."""
    if found.ref is not None or not isinstance(receiver.ref, External):
        return found
    return Value(found.taints, found.const, receiver.ref, found.items, found.self_origin, found.made_from)


def _is_import(frame: Frame, node: ir.Call) -> bool:
    """Say whether the call is `module.function()` rather than `object.method()`."""
    base = node.target.base if isinstance(node.target, ir.Attribute) else None
    direct = isinstance(base, ir.Name)
    while isinstance(base, ir.Attribute):
        base = base.base
    return isinstance(base, ir.Name) and frame.engine.is_module_name(frame.module, base.id, frame.env, direct)


def _call_unknown(frame: Frame, node: ir.Call, callee: Value, receiver: Value | None, arguments: Arguments) -> Value:
    if not isinstance(node.target, ir.Attribute) or receiver is None:
        # A callback: whatever goes in may come out.
        if may_be_noted(frame, node, callee):
            return note_call(frame, node, callee, _last_name(node), arguments)
        return Value(tuple(t for t in everything([callee, *arguments.all()]).taints))
    name = node.target.name
    knowledge = frame.knowledge
    reach_sinks(frame, node, knowledge.method_sinks.get(name, ()), receiver, arguments)
    check_call(frame, node, knowledge.method_checks.get(name, ()), arguments, receiver)
    guard = knowledge.method_guards.get(name)
    if guard is not None and guard.truth is None:
        holds_after(frame, node, guard)
    if isinstance(receiver.ref, FunctionRef) and frame.module.packaged:
        # A function is an object whose only method calls it, whatever that method is called.
        return _apply(frame, node, receiver, arguments)
    method = _idioms_of(frame).method(name)
    if method is not None:
        found = method(frame, node, receiver, arguments)
        if found is not None:
            return found
    calling = _calling_method(node, arguments)
    if calling is not None:
        return calling(frame, node, arguments) or NOTHING
    flows = knowledge.method_flows.get(name, ())
    if not flows:
        namesakes = _namesakes(frame, name, receiver)
        if namesakes:
            return _guess(frame, node, namesakes, receiver, arguments)
        if may_be_noted(frame, node, callee):
            return note_call(frame, node, callee, name, arguments)
    return _method_result(frame, node, callee, flows, receiver, arguments)


def _last_name(node: ir.Call) -> str:
    target = node.target
    return target.name if isinstance(target, ir.Attribute) else target.id if isinstance(target, ir.Name) else "callback"


def _method_result(
    frame: Frame, node: ir.Call, callee: Value, flows: tuple[Flow, ...], receiver: Value, arguments: Arguments
) -> Value:
    if not flows and receiver.self_origin is not None:
        # A method of an object that came in: what it gives is of the object, as an attribute would be.
        others = call_result(frame, node, None, (), NOTHING, None, arguments)
        return Value(merge_taints(callee.taints, others.taints))
    return call_result(frame, node, None, flows, NOTHING, receiver, arguments)


def _namesakes(frame: Frame, name: str, receiver: Value) -> list[Function]:
    if isinstance(receiver.ref, InstanceRef | ModuleRef | ClassRef):
        return []
    found = frame.engine.program.methods_named.get(name, [])
    return found if 0 < len(found) <= _MAX_NAMESAKES else []


def _guess(frame: Frame, node: ir.Call, namesakes: list[Function], receiver: Value, arguments: Arguments) -> Value:
    """Nothing says of what class the receiver is, but only so many have such a method."""
    base = node.target.base if isinstance(node.target, ir.Attribute) else None
    return joined_results(
        [
            apply_function(frame, node, function, receiver, arguments, receiver=base, sure=False)
            for function in namesakes
        ]
    )


def holds_after(frame: Frame, node: ir.Call, guard: GuardRule) -> None:
    """A check that raises when it fails: mark its subject for what follows."""
    subject = subject_of(node, guard)
    if subject is None or frame.env is None:
        return
    if len(frame.raised) < MAX_RAISED:
        # A handler sees what did not pass.
        frame.raised.append(dict(frame.env))
    weak = Guard(frame.point(node.at), node, guard.otherwise, guard.safe)
    mark(frame, subject, frame.env, guard.safe, needs=guard.needs, weak=weak)


def subject_of(node: ir.Call, guard: GuardRule) -> ir.Expr | None:
    """Return the expression that the check looks at."""
    slot = guard.subject
    if slot.receiver:
        return node.target.base if isinstance(node.target, ir.Attribute) else None
    for argument in node.arguments:
        if argument.name is not None and argument.name == slot.name:
            return argument.value
    positional = [argument.value for argument in node.arguments if argument.name is None]
    if slot.position is not None and slot.position < len(positional):
        return positional[slot.position]
    return None


def _calling_method(node: ir.Call, arguments: Arguments) -> Callable[[Frame, ir.Call, Arguments], Value | None] | None:
    """Return how a method calls what it is given, if it is given something that can be called."""
    found = _CALLING_METHODS.get(node.target.name) if isinstance(node.target, ir.Attribute) else None
    if found is None:
        return None
    known = (FunctionRef, PartialRef, OneOf, ClassRef)
    return found if any(isinstance(value.ref, known) for value in arguments.positional[:2]) else None


def _map(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`map(f, xs)` calls f with each item."""
    if len(arguments.positional) < 2:
        return None
    given = Arguments()
    given.positional = [read(value, ANY) for value in arguments.positional[1:]]
    given.nodes = [None] * len(given.positional)
    return Value(items={ANY: invoke(frame, node, arguments.positional[0], None, given)})


def _call_later(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`run_in_thread(f, a, b)` calls f(a, b)."""
    if not arguments.positional:
        return None
    given = Arguments()
    given.positional, given.nodes = arguments.positional[1:], arguments.nodes[1:]
    given.named, given.named_nodes = arguments.named, arguments.named_nodes
    given.rest, given.table = arguments.rest, arguments.table
    return invoke(frame, node, arguments.positional[0], None, given)


def _thread(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`Thread(target=f, args=(a, b), kwargs={…})` calls f(a, b, …) once it is started."""
    target = arguments.named.get("target")
    if target is None:
        return None
    given = Arguments()
    listed = arguments.named.get("args", NOTHING)
    while str(len(given.positional)) in (listed.items or {}):
        given.positional.append(read(listed, str(len(given.positional))))
    given.nodes = [None] * len(given.positional)
    given.rest = listed if not given.positional and listed is not NOTHING else None
    given.named = dict(arguments.named.get("kwargs", NOTHING).items or {})
    invoke(frame, node, target, None, given)
    return None


def _by_key(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`sorted(items, key=f)` calls f with each item."""
    key = arguments.named.get("key")
    if key is not None and arguments.positional:
        given = Arguments()
        given.positional, given.nodes = [read(arguments.positional[0], ANY)], [None]
        invoke(frame, node, key, None, given)
    builtin = BUILTINS.get(node.target.id) if isinstance(node.target, ir.Name) else None
    return builtin(frame, node, arguments) if builtin is not None else None


def _reduce(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    if len(arguments.positional) < 2:
        return None
    given = Arguments()
    total = arguments.positional[2] if len(arguments.positional) > 2 else NOTHING
    given.positional, given.nodes = [total, read(arguments.positional[1], ANY)], [None, None]
    return invoke(frame, node, arguments.positional[0], None, given)


def _keep_if(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`filter(f, items)` calls f with each item."""
    if len(arguments.positional) == 2:
        given = Arguments()
        given.positional, given.nodes = [read(arguments.positional[1], ANY)], [None]
        invoke(frame, node, arguments.positional[0], None, given)
    return BUILTINS["filter"](frame, node, arguments)


def _second_later(frame: Frame, node: ir.Call, arguments: Arguments) -> Value | None:
    """`run_in_executor(pool, f, a)`, `call_later(delay, f, a)` call f(a)."""
    given = Arguments()
    given.positional, given.nodes = arguments.positional[1:], arguments.nodes[1:]
    return _call_later(frame, node, given)


# Methods that call what they are given, whatever they are methods of.
_CALLING_METHODS = {
    "submit": _call_later,
    "apply_async": _call_later,
    "call_soon": _call_later,
    "call_soon_threadsafe": _call_later,
    "add_done_callback": _call_later,
    "run_in_executor": _second_later,
    "call_later": _second_later,
}
# Calls that never give anything back.
_ENDING = frozenset(
    {
        "sys.exit",
        "exit",
        "quit",
        "os._exit",
        "os.abort",
        "flask.abort",
        "werkzeug.exceptions.abort",
        "quart.abort",
        "bottle.abort",
        "sanic.exceptions.abort",
        "flask_restful.abort",
    }
)
# Calls of what they are given: only this file can follow them.
_CALLING = {
    "map": _map,
    "sorted": _by_key,
    "min": _by_key,
    "max": _by_key,
    "filter": _keep_if,
    "functools.reduce": _reduce,
    "threading.Thread": _thread,
    "threading.Timer": _second_later,
    "multiprocessing.Process": _thread,
    "gevent.spawn": _call_later,
    "atexit.register": _call_later,
    "anyio.to_thread.run_sync": _call_later,
    "asyncio.to_thread": _call_later,
    "starlette.concurrency.run_in_threadpool": _call_later,
    "fastapi.concurrency.run_in_threadpool": _call_later,
}


def _item_of(receiver: Value) -> Value:
    return read(receiver, ANY) if receiver.items else Value(receiver.taints, receiver.const, receiver.ref)


def _mapped(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`stream.map(f)`, `optional.map(f)`: f of each item."""
    if not arguments.positional:
        return None
    given = Arguments()
    given.positional, given.nodes = [_item_of(receiver)], [None]
    if not isinstance(arguments.positional[0].ref, FunctionRef | External | ClassRef):
        return Value(items={ANY: given.positional[0]})
    return Value(items={ANY: _apply(frame, node, arguments.positional[0], given)})


def _apply(frame: Frame, node: ir.Call, function: Value, given: Arguments) -> Value:
    """Call what `Type::method` or a lambda is: of a method without an object, the first argument is the object."""
    ref = function.ref
    if isinstance(ref, FunctionRef) and ref.bound is None and ref.function.receiver is not None and given.positional:
        return invoke(frame, node, Value(ref=FunctionRef(ref.function, given.positional[0])), None, Arguments())
    object_ = given.positional[0] if isinstance(ref, External) and given.positional else None
    return invoke(frame, node, function, object_, given)


def _kept(frame: Frame, node: ir.Call, receiver: Value, arguments: Arguments) -> Value | None:
    """`forEach(f)`, `filter(f)`, `ifPresent(f)`: f sees each item; the items stay what they are."""
    if arguments.positional:
        _mapped(frame, node, receiver, arguments)
    return receiver


class _Idioms:
    """What one language has built in: methods by last name, functions by dotted name."""

    def __init__(
        self, methods: dict[str, Method], functions: dict[str, Builtin], other: Callable[[str], Method | None]
    ):
        self.methods = methods
        self.functions = functions
        self._other = other

    def method(self, name: str) -> Method | None:
        return self.methods.get(name) or self._other(name)


def _idioms_of(frame: Frame) -> _Idioms:
    return IDIOMS.get(frame.module.lowered.language, _PYTHON)


_PYTHON = _Idioms(METHODS, {**BUILTINS, **_CALLING}, lambda name: None)
IDIOMS: dict[str, _Idioms] = {
    "python": _PYTHON,
    "java": _Idioms(
        {
            **JAVA_METHODS,
            **dict.fromkeys(("map", "flatMap", "mapToObj", "thenApply"), _mapped),
            **dict.fromkeys(("filter", "forEach", "ifPresent", "peek"), _kept),
        },
        {**JAVA_FUNCTIONS, "super": BUILTINS["super"]},
        bean_method,
    ),
}
