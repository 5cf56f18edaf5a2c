from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core import format_utc, parse_utc
from sekisho.core.utc import BadTime

TIMES = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(at=TIMES)
def test_a_time_reads_back_to_the_microsecond(at):
    """parse_utc(format_utc(t)) is t."""
    assert parse_utc(format_utc(at)) == at


@given(one=TIMES, other=TIMES)
def test_the_order_of_texts_is_the_order_of_times(one, other):
    """Fixed width, so that a store may compare texts."""
    assert (format_utc(one) < format_utc(other)) == (one < other)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T09:30:00+00:00",
        "2026-11-22T09:30:00",
        "2026-11-22t09:30:00z",
        "2026-11-22 09:30:00Z",
        "2026-11-22T09:30Z",
        "2026-11-22T09:30:00.1234567Z",
        "2026-02-30T00:00:00Z",
        "2026-11-22T24:30:00Z",
        "2026-11-22T09:30:60Z",
        "２０２６-11-22T09:30:00Z",
        "2026-11-22T09:30:00Z\n",
        "",
    ],
)
def test_only_one_kind_of_time_is_read(text):
    """No offsets, no local time, no full-width digits, no dates that are not."""
    with pytest.raises(BadTime):
        parse_utc(text)


@pytest.mark.parametrize("at", [datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=9)))])  # noqa: DTZ001 - a naive time is the case
def test_only_utc_is_written(at):
    """A naive or local time is a bug in the caller, not something to convert."""
    with pytest.raises(BadTime):
        format_utc(at)
