"""LEIs: ISO 17442, one spelling each."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sekisho.registry import LeiRefused, institution_id_of, parse_lei

_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _with_check_digits(base: str) -> str:
    digits = int("".join(str(int(character, 36)) for character in base + "00"))
    return f"{base}{98 - digits % 97:02d}"


@pytest.mark.parametrize(
    "lei",
    [
        "C3GTMMZIHMY46P4OIX74",  # MUFG Bank
        "5U0XI89JRFVHWIBS4F54",  # SMBC
        "RB0PEZSDGCO3JS6CEU02",  # Mizuho Bank
    ],
)
def test_the_banks_are_taken(lei: str) -> None:
    """A true LEI is returned as it came."""
    assert parse_lei(lei) == lei


@pytest.mark.parametrize("lei", ["353800F562J3UTPV6E63", "7VOTYQBDDXOK2GDJJ7Q3"])
def test_the_false_ones_in_circulation_are_refused(lei: str) -> None:
    """Two LEIs that stand in public code as SMBC's and MUFG's were never anybody's."""
    with pytest.raises(LeiRefused):
        parse_lei(lei)


@pytest.mark.parametrize(
    "lei",
    [
        "c3gtmmzihmy46p4oix74",
        " C3GTMMZIHMY46P4OIX74",
        "C3GTMMZIHMY46P4OIX74\n",
        "C3GT MMZI HMY4 6P4O IX74",
        "Ｃ３ＧＴＭＭＺＩＨＭＹ４６Ｐ４ＯＩＸ７４",
        "C3GTMMZIHMY46P4OIX７４",
        "С3GTMMZIHMY46P4OIX74",  # the first letter is Cyrillic
        "",
    ],
)
def test_another_spelling_is_no_lei(lei: str) -> None:
    """Refused, never repaired: one institution has one spelling."""
    with pytest.raises(LeiRefused):
        parse_lei(lei)


def test_the_shared_cases(vectors: Path) -> None:
    """Every case of the shared vectors, the hostile ones included."""
    for case in json.loads((vectors / "lei" / "cases.json").read_text())["lei"]:
        if case["valid"]:
            assert parse_lei(case["lei"]) == case["lei"]
        else:
            with pytest.raises(LeiRefused):
                parse_lei(case["lei"])


@given(base=st.text(_CHARACTERS, min_size=18, max_size=18), data=st.data())
def test_any_one_wrong_character_is_seen(base: str, data: st.DataObject) -> None:
    """ISO 7064 MOD 97-10 finds every single substitution of a digit by a digit or a letter by a letter.

    A letter in a digit's place shifts all that stands before it, which the checksum misses once in 97.
    """
    lei = _with_check_digits(base)
    assert parse_lei(lei) == lei
    place = data.draw(st.integers(0, 19))
    wrong = lei[:place] + data.draw(st.sampled_from(_CHARACTERS)) + lei[place + 1 :]
    assume(wrong != lei and wrong[place].isdigit() == lei[place].isdigit())
    with pytest.raises(LeiRefused):
        parse_lei(wrong)


@given(text=st.text(max_size=24))
def test_any_text_is_an_lei_or_refused(text: str) -> None:
    """Nothing but LeiRefused comes out, whatever goes in."""
    with contextlib.suppress(LeiRefused):
        assert parse_lei(text) == text


def test_the_id_follows_from_the_lei() -> None:
    """Whoever signs a grant writes the institution's id without asking."""
    assert institution_id_of(parse_lei("5U0XI89JRFVHWIBS4F54")) == "ins_5u0xi89jrfvhwibs4f54"
