"""Texts for recipients hold nothing of the finding's own words."""

from dataclasses import replace

import pytest

from sekisho.disclosure import DetailLeaks, Text
from sekisho.disclosure.detail import check_free_of_detail, details_of


@pytest.mark.parametrize(
    "said",
    [
        "Look at package/invented_file.py first.",
        "INVENTED_FILE.PY is the one.",
        "The module package.invented_file is concerned.",
        "Do not call serve_something.",
        "Disable Invented.serve_something()",
        "It is CWE-1000.",
        "Invented title of a finding",
        "because a public parameter reaches it",
        "see invented_call(value) for more",
        "rule py/invented-rule",
        "finding fnd_" + "1" * 26,
        "package/entry_point.pyを参照してください。",
        "ｉｎｖｅｎｔｅｄ＿ｆｉｌｅ．ｐｙをご確認ください。",
        "弱点の種類はＣＷＥ－１０００です。",
        "It is CWE 1000.",
        "It is CWE\u20111000.",
        "It is an Invented-title of a\nfinding.",
    ],
)
def test_a_text_with_the_findings_own_words_is_refused(finding, said: str) -> None:
    """Place, name, code, weakness, title, reasoning, id: in either language, in any letter case."""
    clean = Text(en="Update.", ja="更新してください。")
    check_free_of_detail((clean,), finding)
    for text in (replace(clean, en=said), replace(clean, ja=said)):
        with pytest.raises(DetailLeaks) as refused:
            check_free_of_detail((clean, text), finding)
        assert said not in str(refused.value), "the refusal repeats nothing: it is logged"


def test_plain_words_do_not_stand_in_the_way(finding) -> None:
    """A function called `main` or a step called `path` must not forbid ordinary sentences."""
    plain = replace(
        finding,
        location=replace(finding.location, function="main"),
        flow=(replace(finding.flow[0], expression="path"),),
    )
    assert not {"main", "path"} & details_of(plain)
    check_free_of_detail((Text(en="The main path is to update.", ja="更新"),), plain)


def test_every_text_of_a_finding_counts_but_those_known_to_be_harmless(finding) -> None:
    """A field that the finding gains counts by default: guards and preconditions were such."""
    more = replace(
        finding,
        guards=(replace(finding.flow[0], expression="guard_expression", why="why a guard fails"),),
        preconditions=("an invented precondition",),
    )
    assert {"guard_expression", "why a guard fails", "an invented precondition"} <= details_of(more)
    assert "high" not in details_of(more)
