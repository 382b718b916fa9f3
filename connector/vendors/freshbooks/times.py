"""FreshBooks' two kinds of time: instants written in US/Eastern without an offset, and plain dates.

Source: contract of FreshBooks time-stamps; `updated` of every accounting object is Eastern with
daylight saving. Calendar dates never meet a time zone here.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def eastern_to_utc(text: str) -> datetime:
    """The UTC instant of an Eastern time-stamp such as "2026-03-10 16:40:02".

    In the hour that happens twice in November the earlier instant is taken, so that a poll starting
    there reads too much rather than too little. A time that never was (the hour skipped in March)
    is read with the offset of before the change.
    Raises: ValueError if it is no such time-stamp.
    """
    if _STAMP.fullmatch(text) is None:
        raise ValueError("no time-stamp")
    return datetime.fromisoformat(text).replace(tzinfo=EASTERN, fold=0).astimezone(UTC)


def calendar_date(text: str) -> date:
    """The date of "2026-03-10". Raises: ValueError if it is none."""
    if _DATE.fullmatch(text) is None:
        raise ValueError("no date")
    return date.fromisoformat(text)
