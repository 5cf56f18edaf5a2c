from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import Window
from sekisho.trust import DocumentRefused
from sekisho.trust.payload import (
    MAX_LISTED,
    MAX_TEXT_LENGTH,
    read_id,
    read_integer,
    read_list,
    read_name,
    read_object,
    read_set,
    read_text,
    read_time,
    read_window,
    window_payload,
)

WRONG = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(), st.none())
)


@given(value=WRONG)
def test_text_is_text_and_nothing_that_passes_for_it(value):
    """No field converts: a number, list or null where text belongs is refused."""
    for read in (read_text, read_name, read_time, lambda v, w: read_id(v, ("acc",), w)):
        with pytest.raises(DocumentRefused):
            read(value, "field")


@pytest.mark.parametrize(
    "text", ["", " ", "a\nb", "a\x00", "a\u202eb", "a\u200bb", "\ufeffa", "a" * (MAX_TEXT_LENGTH + 1), "\u3000"]
)
def test_text_for_people_hides_nothing(text):
    """Blank text, control characters and direction marks are refused: what is signed is what is seen."""
    with pytest.raises(DocumentRefused):
        read_text(text, "basis")


def test_text_may_be_japanese():
    """Length is counted in characters, and any script that prints will do."""
    assert read_text("鍵が　公開されていた。" * 41, "basis").startswith("鍵が　")


@pytest.mark.parametrize("value", [True, False, 0, 11, -1, "1", None, [1]])
def test_an_integer_is_in_its_range_and_not_a_truth(value):
    """JSON's true is 1 to Python, but not to us."""
    with pytest.raises(DocumentRefused):
        read_integer(value, "n", least=1, most=10)


@pytest.mark.parametrize(
    "value", ["acc_", "acc", "_1", "grt_1", "acc_1_2", "acc_1-2", "acc_" + "1" * 65, "acc_１", "acc_1\n", 'acc_"']
)
def test_an_id_is_a_known_prefix_and_plain_letters(value):
    """Ids go into policy texts and paths; nothing but letters and digits follows the prefix."""
    with pytest.raises(DocumentRefused):
        read_id(value, ("acc", "per"), "id")


@pytest.mark.parametrize("value", [None, "a", {}, [], list(range(MAX_LISTED + 1))])
def test_a_list_has_one_item_at_least_and_a_bound(value):
    """An empty list would grant nothing or mean everything; neither is written down."""
    with pytest.raises(DocumentRefused):
        read_list(value, lambda item: item, "list")


def test_a_set_lists_nothing_twice():
    """Its order is kept, since it was signed."""
    assert read_set(["b", "a"], lambda item: read_name(item, "x"), "set") == ("b", "a")
    with pytest.raises(DocumentRefused):
        read_set(["a", "b", "a"], lambda item: read_name(item, "x"), "set")


def test_an_object_has_exactly_its_names():
    """A missing name is an error and so is one too many: an unknown field may have meant something to its signer."""
    names = frozenset({"a", "b"})
    read_object({"a": 1, "b": 2}, names, "thing")
    for wrong in ({"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 2}, [], None, "ab"):
        with pytest.raises(DocumentRefused):
            read_object(wrong, names, "thing")


@given(seconds=st.integers(1, 10**9), micros=st.integers(0, 999_999))
def test_a_window_reads_back(seconds, micros):
    """read_window and window_payload are inverse."""
    opens = datetime(2026, 11, 22, tzinfo=UTC)
    window = Window(opens=opens, closes=opens + timedelta(seconds=seconds, microseconds=micros))
    assert read_window(window_payload(window), "valid") == window


def test_a_strangers_field_names_cannot_speak_to_the_terminal():
    """A refusal is printed: a name with an escape sequence or a bidirectional override is shown written out."""
    with pytest.raises(DocumentRefused) as refused:
        read_object({"\x1b[2Jverdict: enough\n\u202e": 1}, frozenset(), "hold")
    assert refused.value.message.isprintable()
