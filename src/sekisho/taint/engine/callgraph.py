"""Who calls whom, as far as the source says it outright. Used for the order of work only, never for results."""

from sekisho.taint import ir
from sekisho.taint.program import Class, Function, Module, Program
from sekisho.taint.walk import dotted_name, own_expressions


def bottom_up(program: Program) -> list[Function]:
    """Return the functions that are looked at on their own, callees before callers, circles cut anywhere."""
    functions = [function for function in program.functions if function.outer is None and not _in_module(function)]
    known = set(functions)
    order: list[Function] = []
    done: set[Function] = set()
    for root in functions:
        if root in done:
            continue
        done.add(root)
        work = [(root, iter(_callees(program, root)))]
        while work:
            function, callees = work[-1]
            for callee in callees:
                if callee in known and callee not in done:
                    done.add(callee)
                    work.append((callee, iter(_callees(program, callee))))
                    break
            else:
                order.append(function)
                work.pop()
    return order


def in_order_of_imports(program: Program) -> list[Module]:
    """Return the modules, what they import before them, circles cut anywhere."""
    order: list[Module] = []
    done: set[Module] = set()
    for root in program.modules:
        if root in done:
            continue
        done.add(root)
        work = [(root, iter(_imports(program, root)))]
        while work:
            module, needed = work[-1]
            for other in needed:
                if other not in done:
                    done.add(other)
                    work.append((other, iter(_imports(program, other))))
                    break
            else:
                order.append(module)
                work.pop()
    return order


def _imports(program: Program, module: Module) -> list[Module]:
    found = []
    for symbol in (*module.symbols.values(), *module.stars):
        if isinstance(symbol, ir.Import):
            dotted = program.absolute(module, symbol)
            for name in (f"{dotted}.{symbol.symbol}" if symbol.symbol else dotted, dotted):
                source = program.find_module(name, module)
                if source is not None:
                    found.append(source)
                    break
    return found


def _in_module(function: Function) -> bool:
    """A lambda at the top level of a module runs with the module."""
    return function.definition.name == "<lambda>"


def _callees(program: Program, function: Function) -> list[Function]:
    found: list[Function] = []
    for node in own_expressions(function.definition.body):
        if isinstance(node, ir.Call):
            found.extend(_targets(program, function, node.target))
        elif isinstance(node, ir.Attribute):
            found.extend(_targets(program, function, node))
    return found


def _targets(program: Program, function: Function, target: ir.Expr) -> list[Function]:
    if isinstance(target, ir.Attribute) and isinstance(target.base, ir.Name) and target.base.id == function.receiver:
        method = function.owner.find(target.name) if function.owner is not None else None
        return [method] if method is not None else []
    dotted = dotted_name(target)
    found = program.resolve(function.module, dotted) if dotted is not None else None
    if isinstance(found, Class):
        found = found.find("__init__")
    if isinstance(found, Function):
        return [found]
    if isinstance(target, ir.Attribute):
        namesakes = program.methods_named.get(target.name, [])
        return namesakes if len(namesakes) <= 2 else []
    return []
