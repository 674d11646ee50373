"""The window of a run: UTC, half open, never the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.period import Period, instant, midnight_after, window

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-06-05", "2026-06-05T00:00:00+00:00"),
        ("2026-06-05T12:30:00", "2026-06-05T12:30:00+00:00"),
        ("2026-06-05T12:30:00Z", "2026-06-05T12:30:00+00:00"),
        ("2026-06-05T02:00:00+08:00", "2026-06-04T18:00:00+00:00"),
    ],
)
def test_times_are_utc(text: str, iso: str) -> None:
    assert instant(text).isoformat() == iso


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "5 June", "\x1b[2J"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time") as caught:
        instant(text, what="--since")
    assert "\x1b" not in str(caught.value)


@given(MOMENTS)
def test_the_midnight_after_comes_within_a_day(moment: datetime) -> None:
    after = midnight_after(moment)
    assert timedelta(0) < after - moment <= timedelta(days=1)
    assert (after.hour, after.minute, after.second, after.microsecond) == (0, 0, 0, 0)


@given(MOMENTS, st.integers(1, 400))
def test_the_window_ends_after_the_last_event(last: datetime, days: int) -> None:
    made = window(since=None, until=None, last=last, days=days)
    assert made.since <= last < made.until and made.until - made.since == timedelta(days=days)


def test_what_was_asked_for_goes_first() -> None:
    since, until = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 3, tzinfo=UTC)
    assert window(since=since, until=until, last=None, days=45) == Period(since, until)
    assert window(since=None, until=None, last=None, days=2).until == datetime(1970, 1, 1, tzinfo=UTC)
    with pytest.raises(UsageError, match="the window is empty"):
        window(since=until, until=since, last=None, days=45)
    with pytest.raises(ValueError, match="time zone"):
        Period(datetime(2026, 5, 1), until)
