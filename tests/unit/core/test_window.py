from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import Window
from sekisho.core.window import BadWindow

START = datetime(2026, 11, 22, 9, tzinfo=UTC)
SPANS = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=9999))


@given(first=SPANS, second=SPANS, offset=st.timedeltas(min_value=timedelta(days=-9999), max_value=timedelta(days=9999)))
def test_two_windows_that_touch_never_share_a_moment(first, second, offset):
    """Half open: each moment of the whole span is in exactly one of them."""
    middle = START + first
    before, after = Window(opens=START, closes=middle), Window(opens=middle, closes=middle + second)
    at = START + offset
    assert before.is_open(at) + after.is_open(at) == (before.opens <= at < after.closes)
    assert not before.is_open(middle)
    assert after.is_open(middle)


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        (START, START),
        (START, START - timedelta(microseconds=1)),
        (START.replace(tzinfo=None), START.replace(tzinfo=None) + timedelta(1)),
        (START, (START + timedelta(1)).astimezone(timezone(timedelta(hours=9)))),
    ],
)
def test_a_window_that_never_opens_or_is_not_utc_cannot_exist(opens, closes):
    """Refused when it is made, so nobody need check later."""
    with pytest.raises(BadWindow):
        Window(opens=opens, closes=closes)
