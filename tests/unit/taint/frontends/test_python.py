"""What Python means in the IR, whatever its version."""

import pytest

from sekisho.taint import ModuleIR, ir, lower


def body_of(text: str) -> ir.Block:
    lowered = lower("program.py", text.encode())
    assert isinstance(lowered, ModuleIR)
    assert lowered.gaps == ()
    return lowered.body


def expression(text: str) -> ir.Expr:
    statement = body_of(f"x = {text}\n")[0]
    assert isinstance(statement, ir.Assign)
    return statement.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"a\n\x41\\"', "a\nA\\"),
        (r'r"a\n"', "a\\n"),
        (r'b"a\n"', b"a\n"),
        ('u"a"', "a"),
        ('"a" "b"\n', "ab"),
        ('f"a{{b}}"', "a{b}"),
        ("0x1F", 31),
        ("10L", 10),
        ("-1", -1),
        ("None", None),
        ("True", True),
    ],
)
def test_a_constant_is_what_the_language_says(text, value):
    """Prefixes, escapes and bases are read as Python reads them."""
    assert expression(text) == ir.Literal(expression(text).at, value)


def test_text_that_interpolates_is_a_concatenation():
    """f-strings, whatever version of the language they need, are their parts in order."""
    found = expression("f\"a{b!r:>{w}}c{f'{d}'}\" 'e'")
    assert isinstance(found, ir.Concat)
    assert found.text
    assert [type(part).__name__ for part in found.parts] == ["Literal", "Name", "Literal", "Concat", "Literal"]


def test_a_template_string_is_not_text():
    """A t-string keeps its values apart from its text: it is not a concatenation."""
    assert isinstance(expression('t"SELECT {name}"'), ir.Opaque)


def test_a_sum_is_flat():
    """a + b + c is one operation, so that a thousand of them nest no deeper than one."""
    found = expression("a + b + c")
    assert isinstance(found, ir.Concat)
    assert [part.id for part in found.parts if isinstance(part, ir.Name)] == ["a", "b", "c"]


def test_an_elif_ladder_is_flat():
    """Each elif is an arm of one branch."""
    branch = body_of("if a: pass\nelif b: pass\nelif c: pass\nelse: x = 1\n")[0]
    assert isinstance(branch, ir.Branch)
    assert len(branch.arms) == 3
    assert len(branch.otherwise) == 1


def test_python_2_statements_become_calls():
    """print and exec were statements; what they do is what the functions do."""
    printed, run, caught = body_of("print >>f, a, b\nexec code in scope\ntry: pass\nexcept E, e: raise\n")
    assert isinstance(printed, ir.Evaluate)
    assert isinstance(printed.value, ir.Call)
    assert [argument.value.id for argument in printed.value.arguments] == ["a", "b"]
    assert isinstance(run, ir.Evaluate)
    assert isinstance(run.value, ir.Call)
    assert run.value.target == ir.Name(run.at, "exec")
    assert isinstance(caught, ir.Attempt)
    assert caught.handlers[0].name == "e"


@pytest.mark.parametrize("text", ["with a as b, c as d: pass\n", "with (a as b, c as d,): pass\n"])
def test_with_nests(text):
    """Two context managers are one inside the other, with or without brackets."""
    outer = body_of(text)[0]
    assert isinstance(outer, ir.Use)
    assert outer.target == ir.Name(outer.target.at, "b")
    assert isinstance(outer.body[0], ir.Use)


def test_parameters_have_kinds():
    """Positional, rest, named only and table are told apart; annotations and defaults are kept."""
    defined = body_of("def f(a, b: int = 1, *c, d, e=2, **g): pass\n")[0]
    assert isinstance(defined, ir.Define)
    kinds = [(parameter.name, parameter.kind) for parameter in defined.function.parameters]
    assert kinds == [("a", "plain"), ("b", "plain"), ("c", "rest"), ("d", "named"), ("e", "named"), ("g", "table")]
    assert defined.function.parameters[1].annotation == ir.Name(defined.function.parameters[1].annotation.at, "int")


def test_two_functions_of_one_name_are_two():
    """A qualified name is unique in its file: the later definition gets a number."""
    first, second = body_of("def f(): pass\ndef f(): pass\n")
    assert isinstance(first, ir.Define)
    assert isinstance(second, ir.Define)
    assert (first.function.qualname, second.function.qualname) == ("f", "f#2")


def test_imports_say_what_is_bound():
    """import a.b binds a; with an alias, a.b; from imports bind symbols, dots counted."""
    made = body_of("import a.b\nimport a.b as c\nfrom . import d\nfrom ..e import f as g\nfrom h import *\n")
    assert [statement[1:] for statement in made] == [
        ("a", None, "a", 0),
        ("a.b", None, "c", 0),
        ("", "d", "d", 1),
        ("e", "f", "g", 2),
        ("h", "*", "*", 0),
    ]


def test_a_declared_encoding_is_read():
    """A Latin-1 file that says so is source like any other."""
    lowered = lower("program.py", "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"))
    assert isinstance(lowered, ModuleIR)
    assert isinstance(lowered.body[0], ir.Assign)
    assert lowered.body[0].value == ir.Literal(lowered.body[0].value.at, "é")
