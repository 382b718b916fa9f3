"""FreshBooks writes instants in US/Eastern without an offset; dates are just dates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from connector.vendors.freshbooks.times import calendar_date, eastern_to_utc


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        # The captured call: Date header 18:22:18 GMT, body `updated` 14:22:18 (April, EDT).
        ("2019-04-24 14:22:18", datetime(2019, 4, 24, 18, 22, 18, tzinfo=UTC)),
        # The captured client: signup_date (UTC) 02:27:03 on the 17th, updated 21:27:03 (EST).
        ("2020-11-16 21:27:03", datetime(2020, 11, 17, 2, 27, 3, tzinfo=UTC)),
        # Spring 2026: 01:59:59 EST, then 03:00:00 EDT, one second later.
        ("2026-03-08 01:59:59", datetime(2026, 3, 8, 6, 59, 59, tzinfo=UTC)),
        ("2026-03-08 03:00:00", datetime(2026, 3, 8, 7, 0, 0, tzinfo=UTC)),
        # An hour that never was: read with the offset of before the change.
        ("2026-03-08 02:30:00", datetime(2026, 3, 8, 7, 30, 0, tzinfo=UTC)),
        # Autumn 2026: 01:30 happens twice; the earlier instant (EDT) is taken.
        ("2026-11-01 00:59:59", datetime(2026, 11, 1, 4, 59, 59, tzinfo=UTC)),
        ("2026-11-01 01:30:00", datetime(2026, 11, 1, 5, 30, 0, tzinfo=UTC)),
        ("2026-11-01 02:00:00", datetime(2026, 11, 1, 7, 0, 0, tzinfo=UTC)),
        # `version` of newer invoices has microseconds.
        (
            "2021-04-16 10:31:58.480684",
            datetime(2021, 4, 16, 14, 31, 58, 480684, tzinfo=UTC),
        ),
    ],
)
def test_eastern_becomes_utc(text: str, utc: datetime) -> None:
    assert eastern_to_utc(text) == utc


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-03-10",
        "2026-03-10T16:40:02Z",
        "2026-03-10 16:40",
        "2026-13-10 16:40:02",
        "2026-02-30 16:40:02",
        " 2026-03-10 16:40:02",
        "２026-03-10 16:40:02",
    ],
)
def test_other_texts_are_no_time_stamps(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        eastern_to_utc(text)


def test_a_date_is_a_date() -> None:
    assert calendar_date("2026-03-10") == date(2026, 3, 10)


@pytest.mark.parametrize("text", ["", "20260310", "2026-3-10", "2026-02-30", "2026-03-10 00:00:00"])
def test_other_texts_are_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        calendar_date(text)
