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
