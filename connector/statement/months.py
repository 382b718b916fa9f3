"""A calendar month in the books' time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True, order=True)
class Month:
    """One month of the calendar."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Month:
        """Read "2026-03". Raises ValueError with a sentence for people."""
        found = _MONTH.fullmatch(text)
        if found is None or int(found[1]) < 2000:
            raise ValueError(f"{text!r} is no month; write it as YYYY-MM, such as 2026-03.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> Month:
        """The month that a day lies in."""
        return cls(day.year, day.month)

    @property
    def first_day(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def following(self) -> Month:
        """The month after it."""
        whole, month = divmod(self.number, 12)
        return Month(self.year + whole, month + 1)

    @property
    def preceding(self) -> Month:
        """The month before it."""
        whole, month = divmod(self.number - 2, 12)
        return Month(self.year + whole, month + 1)

    def bounds(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """From the first moment to that of the next month, which is no longer part of it, in UTC.

        Each midnight is taken by the zone's own rules, so a month with a change of the clocks is an
        hour longer or shorter.
        """
        return _midnight(self.first_day, zone), _midnight(self.following.first_day, zone)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
