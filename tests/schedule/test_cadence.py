"""When something that repeats is due next: rhythm, spread, crontabs in the books' time zone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from connector.cadence import next_by_crontab, next_slot, parse_crontab

TORONTO = ZoneInfo("America/Toronto")
AFTER = st.integers(1_577_836_800, 2_051_222_400).map(lambda s: datetime.fromtimestamp(s, UTC))


@given(after=AFTER, every_s=st.integers(1, 200_000), name=st.text(max_size=8))
def test_the_next_slot_comes_within_the_interval_and_then_exactly_on_it(
    after: datetime, every_s: int, name: str
) -> None:
    first = next_slot(after, every_s=every_s, name=name)
    assert after < first <= after + timedelta(seconds=every_s)
    assert next_slot(first, every_s=every_s, name=name) == first + timedelta(seconds=every_s)
    assert next_slot(first - timedelta(microseconds=1), every_s=every_s, name=name) == first


def test_tenants_with_the_same_interval_are_spread_over_it() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    waits = [next_slot(now, every_s=300, name=f"{n} stripe") - now for n in range(3000)]
    per_half_minute = Counter(int(wait.total_seconds()) // 30 for wait in waits)
    assert set(per_half_minute) == set(range(10))
    assert max(per_half_minute.values()) < 2 * min(per_half_minute.values())


def test_tenants_with_the_same_full_hour_are_spread_over_its_minute() -> None:
    now = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    nightly = parse_crontab("0 3 * * *")
    due = [next_by_crontab(nightly, now, zone=TORONTO, name=str(n)) for n in range(600)]
    assert {moment.astimezone(TORONTO).strftime("%d %H:%M") for moment in due} == {"02 03:00"}
    assert len({moment.second for moment in due}) > 50


def due_times(text: str, start: datetime, end: datetime) -> list[str]:
    """Local times, with the offset where it matters."""
    found, now = [], start
    schedule = parse_crontab(text)
    while (now := next_by_crontab(schedule, now, zone=TORONTO, name="7 stripe")) < end:
        found.append(now.astimezone(TORONTO).strftime("%m-%d %H:%M %Z"))
    return found


def test_a_crontab_follows_the_clocks_of_the_books_through_spring() -> None:
    """8 March 2026, 2:00: the clocks jump to 3:00. 2:30 does not exist on that day."""
    start, end = datetime(2026, 3, 7, 5, tzinfo=UTC), datetime(2026, 3, 10, 4, tzinfo=UTC)
    assert due_times("30 2 * * *", start, end) == [
        "03-07 02:30 EST",
        "03-08 03:30 EDT",
        "03-09 02:30 EDT",
    ]
    hours = due_times("0 * * * *", datetime(2026, 3, 8, 5, 2, tzinfo=UTC), end)
    assert hours[:3] == ["03-08 01:00 EST", "03-08 03:00 EDT", "03-08 04:00 EDT"]


def test_a_crontab_follows_the_clocks_of_the_books_through_autumn() -> None:
    """1 November 2026: 1:00 to 2:00 comes twice. Once a day stays once, every hour stays hourly."""
    start, end = datetime(2026, 11, 1, 4, 2, tzinfo=UTC), datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert due_times("30 1 * * *", start, end) == ["11-01 01:30 EDT"]
    assert due_times("0 * * * *", start, end) == [
        "11-01 01:00 EDT",
        "11-01 01:00 EST",
        "11-01 02:00 EST",
        "11-01 03:00 EST",
    ]


@given(after=AFTER)
def test_every_ten_minutes_never_waits_longer_whatever_the_clocks_do(after: datetime) -> None:
    due = next_by_crontab(parse_crontab("*/10 * * * *"), after, zone=TORONTO, name="x")
    assert timedelta(0) < due - after <= timedelta(minutes=10)


def test_working_days_and_a_leap_day() -> None:
    friday_evening = datetime(2026, 3, 13, 23, 30, tzinfo=TORONTO)
    next_working = next_by_crontab(
        parse_crontab("0 7-19 * * 1-5"), friday_evening, zone=TORONTO, name="x"
    )
    assert next_working.astimezone(TORONTO).strftime("%A %H:%M") == "Monday 07:00"
    leap = parse_crontab("0 0 29 2 *")
    after = datetime(2096, 3, 1, tzinfo=UTC)  # 2100 is no leap year
    assert next_by_crontab(leap, after, zone=TORONTO, name="x").year == 2104


@pytest.mark.parametrize("text", ["0 0 30 2 *", "every day", "61 * * * *", "* * * *"])
def test_a_schedule_that_never_comes_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        parse_crontab(text)
