"""Due dates that have passed, are near, or pass while a draft waits, under either answer of Stripe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.conformance.scenario import lost_jobs
from tests.pipeline.shop import Shop

DISTANCES = ("any_future", "one_hour")


def at(shop: Shop, moment: datetime) -> time_machine.travel:
    """Ours and the vendors' clocks at one moment."""
    shop.freshbooks.set_clock(moment.timestamp())
    return time_machine.travel(moment, tick=True)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("minutes_left", [-3 * 24 * 60, 20, 61])
def test_an_invoice_is_sent_however_near_its_due_date_is(
    shop: Shop, distance: str, minutes_left: int
) -> None:
    shop.stripe.switch(due_date_least_distance=distance)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    due_day = midnight + timedelta(days=1)
    now = due_day + timedelta(days=1) - timedelta(minutes=minutes_left)
    with at(shop, now):
        number = shop.invoice(create_date=due_day.date().isoformat(), due_offset_days=0)
        shop.poll()
        assert list(lost_jobs(shop)) == []
        assert shop.link(number).state == "open"
        (made,) = shop.st_invoices(number)
        assert made["due_date"] > now.timestamp()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("finalizing", ["allowed", "refused"])
def test_a_draft_that_outlived_its_due_date_is_sent_all_the_same(
    shop: Shop, distance: str, finalizing: str
) -> None:
    shop.stripe.switch(due_date_least_distance=distance, finalize_overdue_draft=finalizing)
    now = datetime.now(UTC)
    with at(shop, now):
        past = (now - timedelta(days=40)).date().isoformat()
        number = shop.invoice(create_date=past, due_offset_days=1, send=False)
        shop.poll()
        assert shop.link(number).state == "draft"
    with at(shop, now + timedelta(hours=5)):
        shop.fb("send_invoice", id=number)
        shop.poll()
        made = [row for row in shop.st_invoices(number) if row["status"] == "open"]
        assert [row["due_date"] > now.timestamp() + 5 * 3600 for row in made] == [True]
        assert list(lost_jobs(shop)) == []
