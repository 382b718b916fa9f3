"""Building blocks for `search[...]` filters; bad values are errno 1023 and friends."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from sandbox.core.switches import Switches
from sandbox.freshbooks.money import read_decimal
from sandbox.freshbooks.problems import BAD_DATE, BAD_FILTER, Problem
from sandbox.freshbooks.times import EASTERN

Make = Callable[[list[str]], Callable[[Any], bool] | None]
Getter = Callable[[Any], Any]


def equals_number(get: Getter) -> Make:
    """An id; anything but digits is refused."""

    def make(values: list[str]) -> Callable[[Any], bool]:
        wanted = _integer(values[-1])
        return lambda row: bool(get(row) == wanted)

    return make


def in_numbers(get: Getter) -> Make:
    """One of several ids (`search[ids][]=1&search[ids][]=2`)."""

    def make(values: list[str]) -> Callable[[Any], bool]:
        wanted = {_integer(value) for value in values}
        return lambda row: get(row) in wanted

    return make


def equals_text(get: Getter) -> Make:
    """Equal but for case."""

    def make(values: list[str]) -> Callable[[Any], bool]:
        wanted = values[-1].casefold()
        return lambda row: bool(str(get(row) or "").casefold() == wanted)

    return make


def contains(get: Getter) -> Make:
    """Part of the text, without regard to case."""

    def make(values: list[str]) -> Callable[[Any], bool]:
        wanted = values[-1].casefold()
        return lambda row: wanted in str(get(row) or "").casefold()

    return make


def is_true(test: Callable[[Any], bool]) -> Make:
    """`true` or `false`."""

    def make(values: list[str]) -> Callable[[Any], bool]:
        text = values[-1].lower()
        if text not in ("true", "false", "1", "0"):
            raise Problem(BAD_FILTER, "Invalid filter value.", field="search", value=values[-1])
        wanted = text in ("true", "1")
        return lambda row: test(row) is wanted

    return make


def number_range(name: str, get: Getter) -> dict[str, Make]:
    """`name_min` inclusive, `name_max` exclusive."""
    return _range(name, get, _decimal)


def date_range(name: str, get: Getter) -> dict[str, Make]:
    """The same for calendar dates."""
    return _range(name, get, lambda text: _date(f"{name}_min", text))


def updated_range(switches: Switches) -> dict[str, Make]:
    """`updated_min/max`: whole days, in the zone and with the strictness of the switches."""
    zone = EASTERN if switches["updated_min_zone"] == "eastern" else UTC

    def read(text: str) -> float | None:
        if re.match(r"\d{4}-\d{2}-\d{2}[T ]", text):
            if switches["updated_min_datetime"] == "ignored":
                return None
            if switches["updated_min_datetime"] == "day_part":
                text = text[:10]
        return datetime.combine(_date("updated_min", text), time.min, zone).timestamp()

    return _range("updated", lambda row: row.updated_at, read)


def _range(name: str, get: Getter, read: Callable[[str], Any]) -> dict[str, Make]:
    def at_least(values: list[str]) -> Callable[[Any], bool] | None:
        low = read(values[-1])
        return None if low is None else lambda row: bool(get(row) >= low)

    def below(values: list[str]) -> Callable[[Any], bool] | None:
        high = read(values[-1])
        return None if high is None else lambda row: bool(get(row) < high)

    return {f"{name}_min": at_least, f"{name}_max": below}


def _integer(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text):
        raise Problem(BAD_FILTER, "Invalid filter value.", field="search", value=text)
    return int(text)


def _decimal(text: str) -> Decimal:
    decimal = read_decimal(text)
    if decimal is None:
        raise Problem(BAD_FILTER, "Invalid filter value.", field="search", value=text)
    return decimal


def _date(name: str, text: str) -> date:
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise Problem(BAD_DATE, "Date must be YYYY-MM-DD.", field=name, value=text)
