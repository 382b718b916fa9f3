"""After days in which nothing ran: all of it is found, once, and a receipt says what was."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from audit.models import AuditEntry
from connector.jobs import kinds
from connector.models import Delivery, Gap, PollFeed, SyncJob
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop
from tests.pipeline.simulators import Simulators


def look_at_all(shop: Shop) -> None:
    """Every feed once."""
    for kind in (kinds.POLL_FRESHBOOKS, kinds.POLL_STRIPE, kinds.POLL_MONEY, kinds.RECONCILE_ALL):
        shop.enqueue(kind)
    shop.settle()


def go_down(shop: Shop, simulators: Simulators, *, days: int) -> datetime:
    """Everything is in step and then nothing runs for so many days; answer when it stopped.

    The vendors' clock was put back before, so that what happens there happens in these days.
    """
    began = timezone.now() - timedelta(days=days)
    look_at_all(shop)
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.update(last_finished_at=began, last_started_at=began)
        Gap.objects.all().delete()
        SyncJob.objects.all().delete()
    return began


def clock_to(simulators: Simulators, days_ago: float) -> None:
    moment = timezone.now() - timedelta(days=days_ago)
    for vendor in (simulators.freshbooks, simulators.stripe):
        vendor.control("POST", "clock", {"set": moment.timestamp()})


@pytest.fixture
def old_shop(shop: Shop) -> Shop:
    """Live for 60 days."""
    since = timezone.now() - timedelta(days=60)
    Tenant.objects.filter(pk=shop.tenant.pk).update(live_at=since)
    shop.tenant.live_at = since
    return shop


def gap_of(shop: Shop) -> Gap:
    with tenant_scope(shop.tenant.pk):
        gap: Gap = Gap.objects.get()
        return gap


@pytest.mark.timeout(300)  # much is done before and after
@pytest.mark.parametrize("days", [5, 40])
def test_what_happened_in_days_of_outage_is_found_and_told(
    old_shop: Shop, simulators: Simulators, days: int
) -> None:
    shop = old_shop
    clock_to(simulators, days + 3)
    paid, refunded, edited, deleted = (shop.invoice(send=True) for _ in range(4))
    look_at_all(shop)
    payment = shop.pay(refunded)
    look_at_all(shop)
    clock_to(simulators, days + 1)
    began = go_down(shop, simulators, days=days)
    clock_to(simulators, days - 1)
    shop.pay(paid)
    shop.edit(edited, "77.00")
    shop.fb("delete_invoice", id=deleted)
    new = shop.invoice("12.00")
    shop.st("refund", payment_intent=payment["payment_intent"])
    for vendor in (simulators.freshbooks, simulators.stripe):
        vendor.control("POST", "clock", {"reset": True})
    shop.enqueue(kinds.POLL_STRIPE)  # one look is enough: it has all others made
    shop.settle()

    assert shop.link(paid).collection_status == "paid"
    assert len(shop.fb_payments(paid)) == 1
    assert shop.link(edited).stripe_total_minor == 7700
    assert shop.link(deleted).state == "removed"
    assert shop.link(new).state == "open"
    assert shop.collected(refunded)[0].refunded_minor == 10_000

    receipt_is_complete(shop, began, beyond=days > 30)
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        assert Gap.objects.count() == 1, "the next looks find no other gap"
    assert len(shop.fb_payments(paid)) == 1


def receipt_is_complete(shop: Shop, began: datetime, *, beyond: bool) -> None:
    gap = gap_of(shop)
    assert gap.state == Gap.State.CLOSED
    assert abs(gap.began_at - began) < timedelta(seconds=1)
    assert timezone.now() - gap.ended_at < timedelta(minutes=10)
    assert gap.beyond_events is beyond
    assert set(gap.findings) == set(PollFeed.Feed.values)
    assert gap.findings["freshbooks"]["found"] >= 3
    assert gap.findings["money"]["found"] >= 2
    with tenant_scope(shop.tenant.pk):
        via_poll = Delivery.objects.filter(via="poll", received_at__gte=gap.ended_at).count()
        mine = SyncJob.objects.filter(correlation_id=gap.correlation_id)
        kinds_done = set(mine.filter(state="done").values_list("kind", flat=True))
        told = AuditEntry.objects.filter(tenant_id=shop.tenant.pk, entity=f"gap:{gap.pk}")
        assert list(told.order_by("sequence").values_list("action", flat=True)) == [
            "gap.noticed",
            "gap.caught_up",
        ]
    assert gap.findings["stripe"]["found"] == via_poll
    assert {"sync_invoice", "reconcile", "poll_money"} <= kinds_done


def test_a_debit_that_failed_when_no_event_is_left_is_seen(
    old_shop: Shop, simulators: Simulators
) -> None:
    """Stripe's events end after 30 days, and a failed debit changes no figure of any list."""
    shop = old_shop
    clock_to(simulators, 43)
    invoice = shop.invoice()
    look_at_all(shop)
    debit = shop.pay(invoice, method="us_bank_account", outcome="processing")
    shop.sync(invoice)
    assert shop.link(invoice).collection_status == "pending"
    clock_to(simulators, 41)
    go_down(shop, simulators, days=40)
    clock_to(simulators, 38)
    shop.st("fail_payment", payment_intent=debit["payment_intent"])
    for vendor in (simulators.freshbooks, simulators.stripe):
        vendor.control("POST", "clock", {"reset": True})
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    shop.settle()
    assert gap_of(shop).beyond_events
    assert shop.link(invoice).collection_status == "unpaid"


def test_a_short_pause_and_a_quiet_tenant_are_no_gap(shop: Shop) -> None:
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.update(last_finished_at=timezone.now() - timedelta(hours=5))
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        assert not Gap.objects.exists()


def test_a_nightly_crontab_makes_no_gap_of_every_day(shop: Shop) -> None:
    soon = timezone.now().astimezone(ZoneInfo(shop.tenant.time_zone)) + timedelta(hours=1)
    nightly = f"{soon.minute} {soon.hour} * * *"
    Tenant.objects.filter(pk=shop.tenant.pk).update(poll_crontab=nightly)
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        polled = PollFeed.objects.filter(feed__in=["freshbooks", "stripe"])
        polled.update(last_finished_at=timezone.now() - timedelta(hours=22))
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        assert not Gap.objects.exists()
        polled.update(last_finished_at=timezone.now() - timedelta(days=3))
    look_at_all(shop)
    assert gap_of(shop).state == Gap.State.CLOSED


def test_a_feed_that_cannot_be_read_leaves_the_receipt_open(shop: Shop) -> None:
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.update(last_finished_at=timezone.now() - timedelta(days=2))
    shop.stripe.fault("status_500", {"path_regex": "/v1/balance_transactions"}, times=None)
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    for _ in range(3):
        shop.pump()
        shop.unblock()
        shop.hurry()
    gap = gap_of(shop)
    assert gap.state == Gap.State.OPEN
    assert "money" not in gap.findings
    shop.stripe.control("DELETE", "faults")
    shop.settle()
    assert gap_of(shop).state == Gap.State.CLOSED


def test_another_outage_ends_a_receipt_that_could_not_be_completed(shop: Shop) -> None:
    look_at_all(shop)
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.filter(feed="money").update(last_finished_at=None)
        Gap.objects.create(
            tenant=shop.tenant,
            began_at=timezone.now() - timedelta(days=9),
            ended_at=timezone.now() - timedelta(days=8),
            correlation_id=uuid.uuid4(),
            feeds=["freshbooks", "money"],
            findings={"freshbooks": {"found": 1, "result": "", "at": ""}},
        )
        read = PollFeed.objects.exclude(feed="money")
        read.update(last_finished_at=timezone.now() - timedelta(days=2))
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    shop.settle()
    with tenant_scope(shop.tenant.pk):
        first, second = Gap.objects.order_by("pk")
    assert (first.state, first.missing) == (Gap.State.CLOSED, ["money"])
    assert (second.state, second.feeds) == (
        Gap.State.CLOSED,
        ["freshbooks", "reconcile", "stripe"],
    )


@pytest.mark.parametrize("ahead_s", [-600, 600])
def test_clocks_that_are_ten_minutes_apart_hide_no_event(
    shop: Shop, simulators: Simulators, ahead_s: int
) -> None:
    for vendor in (simulators.freshbooks, simulators.stripe):
        vendor.control("POST", "clock", {"advance_s": ahead_s})
    invoice = shop.invoice()
    shop.poll()
    shop.pay(invoice)
    shop.edit(shop.invoice(), "12.00")
    shop.enqueue(kinds.POLL_STRIPE)
    shop.settle()
    assert shop.link(invoice).collection_status == "paid"
    shop.poll()
    assert shop.differences(invoice) == []
    for vendor in (simulators.freshbooks, simulators.stripe):
        vendor.control("POST", "clock", {"reset": True})
