"""The arguments of one call: their values, and the expressions that they came from."""

from sekisho.taint import ir
from sekisho.taint.engine.frame import Frame
from sekisho.taint.engine.values import ANY, NOTHING, Value, everything, join, read
from sekisho.taint.knowledge.model import Slot
from sekisho.taint.program import Function


class Arguments:
    """Values by position and by name. `rest` and `table`: what is spread into the call, position or name unknown."""

    __slots__ = ("named", "named_nodes", "nodes", "positional", "rest", "table")

    def __init__(self) -> None:
        self.positional: list[Value] = []
        self.nodes: list[ir.Expr | None] = []
        self.named: dict[str, Value] = {}
        self.named_nodes: dict[str, ir.Expr] = {}
        self.rest: Value | None = None
        self.table: Value | None = None

    def all(self) -> list[Value]:
        """Return every value that goes into the call."""
        spread = [value for value in (self.rest, self.table) if value is not None]
        return [*self.positional, *self.named.values(), *spread]

    def at(self, slot: Slot) -> tuple[Value, ir.Expr | None] | None:
        """Return the value in `slot` and its expression; None if there is none. Not for every/receiver."""
        if slot.name is not None and slot.name in self.named:
            return self.named[slot.name], self.named_nodes.get(slot.name)
        if slot.position is not None and slot.position < len(self.positional):
            return self.positional[slot.position], self.nodes[slot.position]
        if slot.position is not None and self.rest is not None:
            return read(self.rest, ANY), None
        if slot.name is not None and self.table is not None and slot.name in (self.table.items or {}):
            return read(self.table, slot.name), None
        return None


def evaluate_arguments(frame: Frame, node: ir.Call) -> Arguments:
    """Work out the arguments of `node`, left to right."""
    made = Arguments()
    for argument in node.arguments:
        value = frame.value(argument.value)
        if argument.spread and argument.name == "**":
            made.table = value if made.table is None else join(made.table, value)
        elif argument.spread:
            _spread(made, value)
        elif argument.name is not None:
            made.named[argument.name] = value
            made.named_nodes[argument.name] = argument.value
        elif made.rest is not None:
            made.rest = Value(items={ANY: join(read(made.rest, ANY), value)})
        else:
            made.positional.append(value)
            made.nodes.append(argument.value)
    return made


def _spread(made: Arguments, value: Value) -> None:
    """Spread a list: its first items by position as far as they are known."""
    items = value.items or {}
    known = 0
    while made.rest is None and str(known) in items:
        made.positional.append(items[str(known)])
        made.nodes.append(None)
        known += 1
    if value.taints or ANY in items or not known:
        made.rest = value if made.rest is None else join(made.rest, value)


def bind(function: Function, bound: Value | None, arguments: Arguments) -> tuple[dict[str, Value], dict[str, ir.Expr]]:
    """Return the value and the expression of each parameter of `function`, as far as the call gives them."""
    values: dict[str, Value] = {}
    nodes: dict[str, ir.Expr] = {}
    given = list(zip(arguments.positional, arguments.nodes, strict=True))
    if bound is not None and function.receiver is not None:
        given.insert(0, (bound, None))
    left_over: list[Value] = []
    plain = function.plain
    for number, (value, node) in enumerate(given):
        if number < len(plain):
            values[plain[number]] = value
            if node is not None:
                nodes[plain[number]] = node
        else:
            left_over.append(value)
    _bind_rest(function, arguments, left_over, values)
    _bind_named(function, arguments, values, nodes)
    return values, nodes


def _bind_rest(function: Function, arguments: Arguments, left_over: list[Value], values: dict[str, Value]) -> None:
    rest = arguments.rest
    position = 0
    for parameter in function.definition.parameters:
        if parameter.kind == "rest":
            values[parameter.name] = _left_over(left_over, rest, position)
        elif parameter.kind == "plain" and rest is not None and parameter.name not in values:
            values[parameter.name] = read(rest, str(position))
            position += 1


def _left_over(left_over: list[Value], rest: Value | None, position: int) -> Value:
    """Return what a parameter for all further positions gets. Positions are known from the start of what is spread."""
    if rest is not None and not left_over and not position:
        return rest
    items = {str(number): value for number, value in enumerate(left_over[:16])}
    if rest is not None:
        items[ANY] = read(rest, ANY)
    return Value(items=items)


def _bind_named(function: Function, arguments: Arguments, values: dict[str, Value], nodes: dict[str, ir.Expr]) -> None:
    names = function.named
    spare: dict[str, Value] = {}
    for name, value in arguments.named.items():
        if name in names:
            values[name] = value
            if name in arguments.named_nodes:
                nodes[name] = arguments.named_nodes[name]
        else:
            spare[name] = value
    table = arguments.table
    if table is not None:
        for name in names - values.keys():
            found = read(table, name)
            if found is not NOTHING:
                values[name] = found
        spare.update({name: item for name, item in (table.items or {}).items() if name not in names})
    for parameter in function.definition.parameters:
        if parameter.kind == "table":
            taints = table.taints if table is not None else ()
            values[parameter.name] = Value(taints, items=spare or None)


def flowing(arguments: Arguments, receiver: Value | None, slots: tuple[Slot, ...] | None) -> Value:
    """Return everything that flows through a call of which `slots` (None: all) let through."""
    if slots is None:
        return everything([*arguments.all(), *([receiver] if receiver is not None else [])])
    found: list[Value] = []
    for slot in slots:
        if slot.receiver and receiver is not None:
            found.append(receiver)
        elif slot.every:
            found.extend(arguments.all())
        else:
            at = arguments.at(slot)
            if at is not None:
                found.append(at[0])
    return everything(found)
