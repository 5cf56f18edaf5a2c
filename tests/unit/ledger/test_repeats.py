"""A text that came up twice is a suspect, whatever their number."""

from hypothesis import given
from hypothesis import strategies as st

from sekisho.ledger.repeats import Repeats


@given(st.lists(st.text(max_size=3)))
def test_every_text_that_came_up_twice_is_suspected(texts: list[str]) -> None:
    """None is missed; and of random ids no other is suspected."""
    repeats = Repeats()
    for text in texts:
        repeats.add(text)
    assert repeats.suspects() == {hash(text) for text in texts if texts.count(text) > 1}
