"""When something that repeats is due next. Pure: an instant in, an instant out.

Each thing that repeats has a phase of its own, derived from its name: thousands of tenants with the
same interval, or the same full hour in their crontab, are not due in the same second, and the
spread is the same after every restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab
from django.core.exceptions import ValidationError

SECOND_US = 1_000_000
LONGEST_SEARCH_DAYS = 366 * 8 + 1  # 29 February may be eight years away
EVERY_HOUR = 24
A_FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Crontab:
    """The minutes that a schedule names."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # Sunday is 0


def next_slot(after: datetime, *, every_s: int, name: str) -> datetime:
    """The first instant after `after` in the rhythm of `name`; never further away than the interval."""
    step = every_s * SECOND_US
    since = _microseconds(after) - _phase(name, step)
    return after + timedelta(microseconds=step - since % step)


def next_by_crontab(schedule: Crontab, after: datetime, *, zone: ZoneInfo, name: str) -> datetime:
    """The first minute after `after` that the crontab names in this zone, and a second of that minute.

    A time that the clocks skip in spring counts an hour later; one that comes twice in autumn counts
    once, unless the crontab names every hour.
    Raises: ValidationError if no such day comes.
    """
    within = timedelta(microseconds=_phase(name, 60 * SECOND_US))
    start = after - within
    today = start.astimezone(zone).date()
    for days in range(LONGEST_SEARCH_DAYS):
        day = today + timedelta(days=days)
        if _fits(schedule, day):
            found = [instant for instant in _instants(schedule, day, zone) if instant > start]
            if found:
                return min(found) + within
    raise ValidationError("This schedule names no day that ever comes.")


def parse_crontab(text: str) -> Crontab:
    """Five fields as in cron. Raises ValidationError that says what is wrong."""
    fields = text.split()
    if len(fields) != 5:
        raise ValidationError(
            f'A schedule has five fields, "minute hour day-of-month month day-of-week"; '
            f"{text!r} has {len(fields)}."
        )
    minute, hour, day_of_month, month, day_of_week = fields
    try:
        read: Any = crontab(
            minute=minute,
            hour=hour,
            day_of_month=day_of_month,
            month_of_year=month,
            day_of_week=day_of_week,
        )
    except (ParseException, ValueError) as error:
        raise ValidationError(f"{text!r} is no schedule: {error}") from error
    parsed = Crontab(
        minutes=frozenset(read.minute),
        hours=frozenset(read.hour),
        days=frozenset(read.day_of_month),
        months=frozenset(read.month_of_year),
        weekdays=frozenset(read.day_of_week),
    )
    next_by_crontab(parsed, A_FIRST_DAY, zone=ZoneInfo("UTC"), name="")
    return parsed


def _fits(schedule: Crontab, day: date) -> bool:
    return (
        day.month in schedule.months
        and day.day in schedule.days
        and day.isoweekday() % 7 in schedule.weekdays
    )


def _instants(schedule: Crontab, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    folds = (0, 1) if len(schedule.hours) == EVERY_HOUR else (0,)
    for hour in schedule.hours:
        for minute in schedule.minutes:
            for fold in folds:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone, fold=fold)
                yield local.astimezone(UTC)


def _phase(name: str, step_us: int) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % step_us


def _microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
