import re

import pytest

from sekisho.core import REASONS, Reason
from sekisho.core.reasons import Ask, is_kept_from_the_wire

_CODE = re.compile(r"SKS-(GATE|ACCESS|POLICY|LEDGER|LABS)-\d{3}", re.ASCII)
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def test_the_list_is_closed_and_complete():
    """Every reason has its words, and there are no words without a reason."""
    assert set(REASONS) == set(Reason)


def test_the_list_cannot_be_added_to():
    """A reason made up while running is a bug, not a reason."""
    with pytest.raises(TypeError):
        REASONS[Reason.NO_GRANT] = None  # type: ignore[index]


def test_codes_are_unique_and_well_formed():
    """Programs match on codes; an Enum would quietly make a repeated value an alias."""
    assert len(Reason.__members__) == len({reason.value for reason in Reason})
    assert all(_CODE.fullmatch(reason.value) for reason in Reason)


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_each_reason_speaks_both_languages(reason):
    """A sentence, what would change it and whom to ask, in English and in Japanese."""
    text = REASONS[reason]
    for english in (text.en, text.change_en, text.ask.en):
        assert english
        assert not _JAPANESE.search(english)
    for japanese in (text.ja, text.change_ja, text.ask.ja):
        assert _JAPANESE.search(japanese)
    assert text.en.endswith(".")
    assert text.change_en.endswith(".")
    assert text.ja.endswith("。")
    assert text.change_ja.endswith("。")


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_each_reason_has_a_status_and_a_step_of_a_call(reason):
    """The status is an error's, the step one of DESIGN's twelve."""
    assert 400 <= REASONS[reason].status <= 599
    assert 1 <= REASONS[reason].step <= 12


def test_what_is_not_authenticated_gets_one_answer():
    """Step 2 is 401 throughout, and all of it but the uniform answer stays off the wire."""
    step_two = {reason for reason, text in REASONS.items() if text.step == 2}
    assert {REASONS[reason].status for reason in step_two} == {401}
    assert {reason for reason in Reason if is_kept_from_the_wire(reason)} == step_two - {Reason.NOT_AUTHENTICATED}


def test_a_denial_after_step_two_is_no_401():
    """Coding agents retry a 401 many times; a decision must not look like one."""
    assert all(text.status != 401 for text in REASONS.values() if text.step != 2)


def test_everyone_to_ask_has_two_names():
    """The people to ask are named in both languages, each differently."""
    assert len({ask.en for ask in Ask}) == len({ask.ja for ask in Ask}) == len(Ask)
