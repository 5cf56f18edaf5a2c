"""Templates are functions of their variables; what would become markup is a call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.taint import NotAnalyzed, analyze, ir, is_template_path, lower
from sekisho.taint.frontends.templates import ESCAPED, TEXT, UNESCAPED
from sekisho.taint.frontends.templates.lowering import CONTEXT
from sekisho.taint.walk import own_expressions

PATH = "app/templates/page.html"


def _functions(text, path=PATH):
    lowered = lower(path, text.encode())
    assert isinstance(lowered, ir.ModuleIR)
    return {statement.function.name: statement.function for statement in lowered.body}


def _put_out(text, kind=ESCAPED):
    body = _functions(text)[kind].body
    return [
        node.target.id
        for node in own_expressions(body)
        if isinstance(node, ir.Call) and isinstance(node.target, ir.Name) and node.target.id.startswith("template.")
    ]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("app/templates/page.html", True),
        ("app/templates/mail/note.txt", True),
        ("app/page.jinja2", True),
        ("nginx.conf.j2", True),
        ("static/page.html", False),
        ("templates.html", False),
        ("app/templates/tag.py", False),
        ("app/mytemplates/page.html", False),
    ],
)
def test_a_template_has_a_suffix_of_its_own_or_lies_in_a_folder_of_templates(path, expected):
    """Any other HTML file is no program."""
    assert is_template_path(path) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>{{ a }}</p>", []),
        ("<p>{{ a|safe }}</p>", ["template.unescaped"]),
        ("<p title={{ a }}>", ["template.attribute"]),
        ("<p title='{{ a }}'>", []),
        ("<p\n  title =\n '{{ a }}' {{ b }}>", ["template.attribute"]),
        ("<p onclick='{{ a }}'>", ["template.script"]),
        ("<script>{{ a }}</script>{{ b }}", ["template.script"]),
        ("<SCRIPT type='module'>if (1 < 2) {{ a }}</SCRIPT >{{ b }}", ["template.script"]),
        ("<style>{{ a }}</style>", ["template.style"]),
        ("<a href='{{ a }}{{ b }}'>", ["template.address"]),
        ("<a href='https://host/{{ a }}'>", []),
        ("<!-- <script> -->{{ a }}", []),
        ("<a title='>' href={{ a }}>{{ b }}", ["template.attribute"]),
        ("{{ 'text'|safe }}", []),
        ("{{ a|length|safe }}", []),
    ],
)
def test_what_is_put_out_depends_on_the_place_in_the_page(text, expected):
    """Escaping protects between tags and inside quotes, and nowhere else."""
    assert _put_out(text) == expected


def test_without_escaping_everything_is_put_out():
    """The same template in an environment that escapes nothing."""
    assert _put_out("<p>{{ a }}{{ b|e }}{{ c|safe }}</p>", UNESCAPED) == ["template.unescaped"] * 2


def test_variables_are_parameters():
    """What is read is asked of the caller, constants and macros are not."""
    text = "{% macro m(x) %}{{ x }}{% endmacro %}{{ a.b[c] }}{% for d in e %}{{ m(true) }}{% endfor %}"
    names = [parameter.name for parameter in _functions(text)[ESCAPED].parameters]
    assert names == ["a", "c", "e", "x", CONTEXT]


def test_what_holds_no_markup_is_text():
    """A file of settings made by a template is no page."""
    assert set(_functions("listen {{ port }};", "nginx.conf.j2")) == {ESCAPED, TEXT}
    assert set(_functions("<b>{{ port }}</b>", "part.j2")) == {ESCAPED, UNESCAPED}


@pytest.mark.parametrize(
    "text",
    ["{{ a", "{{ }}", "{{ a b }}", "{{ a..b }}", "{% for in x %}{% endfor %}", "{% if %}{% endif %}", "{{ " + "(" * 90],
)
def test_what_does_not_parse_is_a_gap_and_the_rest_is_read(text):
    """A gap is told; a broken tag does not hide the expression before it."""
    lowered = lower(PATH, ("<p>{{ x|safe }}</p>" + text).encode())
    assert isinstance(lowered, ir.ModuleIR)
    assert len(lowered.gaps) == 1
    assert analyze({PATH: ("<p>{{ x|safe }}</p>" + text).encode()}).findings


@pytest.mark.parametrize("data", [b"\xff\xfe{{ a }}", b"{{ a }}\0"])
def test_what_is_no_text_is_refused(data):
    """The same refusals as for other sources."""
    assert isinstance(lower(PATH, data), NotAnalyzed)


@given(
    st.lists(
        st.sampled_from(
            [
                *"abc<>'\"=/ \n|.,()[]{}:%-+",
                *("{{", "}}", "{%", "%}", "{#", "#}", "if ", "for x in ", "endif", "endfor", "else", "set x = "),
                *("macro m(", "include ", "extends ", "with ", "raw", "autoescape off", "script", "safe"),
            ]
        ),
        max_size=60,
    )
)
def test_any_text_is_read_the_same_twice_and_looked_at(parts):
    """No text breaks the front-end or the engine, and the result is of the text alone."""
    data = "".join(parts).encode()
    assert lower(PATH, data) == lower(PATH, data)
    analyze({PATH: data})


def test_a_template_that_includes_itself_ends():
    """Two templates in a circle, as broken sites have them."""
    sources = {"templates/a.html": b"{% include 'b.html' %}{{ x|safe }}", "templates/b.html": b"{% extends 'a.html' %}"}
    assert analyze(sources).findings == ()


def test_long_pages_take_linear_time():
    """A page of a million characters in one line, and one of as many expressions as we look at."""
    assert isinstance(lower(PATH, b"<p title='" * 50_000 + b"{{ a }}"), ir.ModuleIR)
    assert isinstance(lower(PATH, b"{{ a }}{{" * 200_000), ir.ModuleIR | NotAnalyzed)
