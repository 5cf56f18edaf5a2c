"""Knowledge files are read strictly."""

import pytest

from sekisho.taint import analyze
from sekisho.taint.errors import KnowledgeRefused
from sekisho.taint.knowledge import default_knowledge, parse_knowledge

HEAD = 'format = "sekisho-taint-knowledge/v1"\n'
RULE = HEAD + '[[rule]]\nid="r"\nkind="k"\ncwe=1\nseverity="high"\nmessage="m"\nlibrary=["any"]\n'
SINK = '[[sink]]\nrule="r"\ncalls=["s"]\narguments=["0:a"]\n'


def test_what_ships_is_accepted():
    """Every rule has a message, preconditions and a CWE."""
    for rule in default_knowledge().rules.values():
        assert rule.cwe > 0
        assert rule.message.endswith(".")
        assert rule.preconditions


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "",
        'format = "sekisho-taint-knowledge/v2"\n',
        RULE + "[[surprise]]\na=1\n",
        RULE.replace('"high"', '"dire"'),
        RULE.replace("cwe=1", 'cwe="1"'),
        RULE.replace("cwe=1", "cwe=true"),
        RULE.replace('library=["any"]\n', ""),
        RULE + 'colour="red"\n',
        RULE + RULE.removeprefix(HEAD),
        RULE + SINK.replace('rule="r"', 'rule="q"'),
        RULE + SINK.replace("0:a", "a"),
        RULE + SINK.replace('calls=["s"]\n', ""),
        RULE + SINK + 'form="odd"\n',
        RULE + SINK + "when=[{argument='0:a'}]\n",
        RULE + SINK + "when=[{argument='0:a', is=true, present=true}]\n",
        RULE + '[[flow]]\ncalls=["f"]\nsafe=["unheard"]\n',
        RULE + '[[flow]]\ncalls=["f"]\nform="odd"\n',
        RULE + '[[guard]]\ncalls=["f"]\nsubject="0:a"\ntruth="maybe"\nsafe=["k"]\n',
        RULE + '[[source]]\nid="s"\nnames=["x"]\nwhy="y"\nmode="library"\n',
        RULE + '[[entry]]\nid="e"\nwhy="y"\n',
        RULE + '[[sink]]\nrule="r"\ncalls="s"\n',
        RULE + SINK + 'cwe="79"\n',
        RULE + SINK + "cwe=true\n",
        RULE + SINK + "when=[{argument='0:a', below=true}]\n",
        RULE + SINK + "when=[{argument='0:a', among=[]}]\n",
        RULE + SINK + "when=[{argument='0:a', contains=7}]\n",
        RULE + SINK + "when=[{argument='0:a', absent=false}]\n",
        RULE + '[[check]]\nrule="q"\nwhy="y"\ncalls=["f"]\n',
        RULE + '[[check]]\nrule="r"\ncalls=["f"]\n',
        RULE + '[[check]]\nrule="r"\nwhy="y"\n',
        RULE + '[[setting]]\nrule="r"\nwhy="y"\nnames=["N"]\n',
        RULE + '[[setting]]\nrule="r"\nwhy="y"\nnames=["N"]\nis=true\ncolour="red"\n',
        RULE + '[[import]]\nrule="r"\nwhy="y"\nnames=["a.b"]\nuntil=["c"]\n',
        RULE + '[[literal]]\nrule="r"\nwhy="y"\nnames="("\n',
        RULE + '[[source]]\nid="s"\nnames=["x"]\nwhy="y"\nonly=["k"]\n',
        RULE + '[[source]]\nid="own-s"\nnames=["x"]\nwhy="y"\n',
    ],
)
def test_a_mistake_is_refused_and_not_ignored(text):
    """A misspelled kind or name would mean silence about a whole class of flaws."""
    with pytest.raises(KnowledgeRefused):
        parse_knowledge({"mine.toml": text})


def test_the_refusal_names_the_file():
    """Whoever wrote the file can find the entry."""
    with pytest.raises(KnowledgeRefused, match=r"mine\.toml\.sink\[0\]"):
        parse_knowledge({"mine.toml": RULE + SINK.replace('rule="r"', 'rule="q"')})


def test_what_is_not_known_is_not_found():
    """The engine has no opinion of its own: with other knowledge it finds other things."""
    knowledge = parse_knowledge({"mine.toml": RULE + SINK})
    text = b"from s import nothing\ndef f(x):\n    eval(x)\n    s(x)\n"
    assert [finding.rule_id for finding in analyze({"a.py": text}).findings] == ["code-execution"]
    assert [finding.rule_id for finding in analyze({"a.py": text}, knowledge=knowledge).findings] == ["r"]


def test_a_check_needs_no_flow():
    """A call, a setting, an import and a name are each found by one entry."""
    entries = (
        '[[check]]\nrule="r"\nwhy="w"\ncalls=["lib.weak"]\n'
        '[[setting]]\nrule="r"\nwhy="w"\nnames=["loose"]\nis=true\n'
        '[[import]]\nrule="r"\nwhy="w"\nnames=["lib.old"]\nunless=["guarded"]\n'
        '[[literal]]\nrule="r"\nwhy="w"\nnames="^pin$"\n'
    )
    knowledge = parse_knowledge({"mine.toml": RULE + entries})
    text = b"import lib\nfrom lib import old\nlib.weak()\nlib.loose = True\npin = '83-19-55'\n"
    found = analyze({"a.py": text}, knowledge=knowledge).findings
    assert [finding.location.line for finding in found] == [2, 3, 4, 5]
    assert all(finding.flow[-1].why == "w" for finding in found)
    safe = text.replace(b"old", b"new").replace(b"weak", b"strong").replace(b"True", b"False").replace(b"'83", b"'pin")
    assert analyze({"a.py": safe}, knowledge=knowledge).findings == ()


def test_a_secret_is_not_repeated_in_the_report():
    """A report that spreads what it warns of would make it worse."""
    found = analyze({"a.py": b"DB_PASSWORD = 'tr0ub4dor&3'\n"}).findings
    assert [finding.rule_id for finding in found] == ["secret-in-code"]
    assert "tr0ub4dor" not in repr(found)
