"""Names show what they are."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.registry import TextRefused, check_name, check_statement


@pytest.mark.parametrize(
    "name",
    [
        "MUFG Bank, Ltd.",
        "株式会社三菱ＵＦＪ銀行",
        "株式会社みずほ銀行",
        "三井住友銀行 (SMBC)",
        "佐々木　健",
        "𠮷田 花子",
        "Crédit Agricole S.A.",
        "Ørsted & Søn",
        "Nguyễn Văn An",
        "コード・スキャナー",
    ],
)
def test_real_names_are_taken(name: str) -> None:
    """Latin and Japanese names, mixed as the registers mix them, pass unchanged."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("МUFG Bank", id="Cyrillic M in a Latin name"),
        pytest.param("ΜUFG Bank", id="Greek M in a Latin name"),
        pytest.param("СМВС", id="all Cyrillic, looks like SMBC"),
        pytest.param("MUFG\u200bBank", id="zero width space"),
        pytest.param("MUFG\u202eknaB", id="right-to-left override"),
        pytest.param("MUFG\x00", id="NUL"),
        pytest.param("MUFG\nBank", id="line feed"),
        pytest.param("MUFG\u2028Bank", id="line separator"),
        pytest.param("MUFG\xa0Bank", id="no-break space"),
        pytest.param("MUFG  Bank", id="two spaces"),
        pytest.param(" MUFG", id="space before"),
        pytest.param("MUFG\u3000", id="ideographic space after"),
        pytest.param("Cre\u0301dit", id="not NFC"),
        pytest.param("M\u0332UFG", id="combining mark"),
        pytest.param("ﾐｽﾞﾎ", id="half-width Katakana"),
        pytest.param("𝐌𝐔𝐅𝐆", id="mathematical letters"),
        pytest.param("MUFGǃ", id="a letter that looks like !"),
        pytest.param("MUFG\ue000", id="private use"),
        pytest.param("MUFG ٣", id="Arabic digit"),
        pytest.param("\udc80", id="lone surrogate"),
        pytest.param("", id="empty"),
        pytest.param("x" * 201, id="too long"),
    ],
)
def test_names_that_mislead_are_refused(name: str) -> None:
    """What cannot be seen, joins itself to its neighbours or looks like another letter does not get in."""
    with pytest.raises(TextRefused):
        check_name(name)


@given(text=st.text(max_size=30))
def test_what_passes_is_visible_and_normal(text: str) -> None:
    """No text that passes holds a control, format or private character, or changes under NFC."""
    try:
        passed = check_statement(text)
    except TextRefused:
        return
    assert passed == unicodedata.normalize("NFC", text)
    assert all(unicodedata.category(character)[0] not in "CM" for character in passed)


def test_a_statement_may_be_longer_than_a_name() -> None:
    """Bounds are per use."""
    assert check_statement("x" * 1_000)
    with pytest.raises(TextRefused):
        check_statement("x" * 1_001)
