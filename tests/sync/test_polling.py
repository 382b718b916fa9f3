"""What no webhook told is found by asking: every page, deleted rows, odd rows, ignored filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from connector import inbox, schedule
from connector.jobs import kinds
from connector.models import Delivery, PollFeed
from connector.vendors.freshbooks.records import UnreadableRow
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.interference import Killed, interfering, recover, run_killed
from tests.pipeline.shop import Shop
from tests.threads import at_once


def feed(shop: Shop, name: str) -> PollFeed:
    with tenant_scope(shop.tenant.pk):
        row: PollFeed = PollFeed.objects.get(feed=name)
        return row


def runs(shop: Shop, kind: str = "sync_invoice") -> int:
    return len(shop.jobs(kind=kind))


def test_all_that_happened_without_a_webhook_is_found(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.poll()
    assert shop.link(invoice).state == "open"
    shop.pay(invoice, 2500)
    shop.poll()
    assert len(shop.fb_payments(invoice)) == 1
    shop.cheque(invoice, "10.00")
    shop.poll()
    assert shop.st_invoices(invoice)[0]["amount_remaining"] == 6500
    shop.pay(invoice)
    shop.poll()
    assert shop.link(invoice).collection_status == "paid"
    assert shop.differences(invoice) == []


def test_a_poll_of_what_is_known_queues_nothing(shop: Shop) -> None:
    for _ in range(3):
        shop.invoice()
    shop.poll()
    shop.poll()  # the figures that our own writes changed
    before = runs(shop), runs(shop, "sync_client")
    shop.poll()
    assert (runs(shop), runs(shop, "sync_client")) == before


def test_more_rows_than_a_page_are_all_found(shop: Shop) -> None:
    client = shop.client()
    for _ in range(120):
        shop.invoice("10.00", client=client, create_date="2026-01-05")
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(start_date="2026-06-01")
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    shop.pump()
    assert runs(shop) == 120
    assert {job.state for job in shop.jobs(kind="sync_invoice")} == {"done"}


def test_deleted_rows_are_found_although_the_list_hides_them(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.poll()
    shop.fb("delete_invoice", id=invoice)
    shop.poll()
    assert shop.link(invoice).state == "removed"
    assert shop.statuses(invoice) == ["void"]


def test_a_filter_that_freshbooks_ignores_costs_reading_but_no_work(shop: Shop) -> None:
    for _ in range(3):
        shop.invoice()
    shop.poll()
    shop.poll()
    before = runs(shop)

    def ignore_filter(name: str, call: Callable[..., Any]) -> Any:
        answer = call()
        if name.startswith("list_") and hasattr(answer, "ignored_filters"):
            return replace(answer, ignored_filters=("updated_min",))
        return answer

    with interfering(shop, ignore_filter):
        shop.poll()
    assert runs(shop) == before
    shop.freshbooks.switch(updated_min_with_vis_state="vis_state_only")
    shop.poll()
    assert runs(shop) == before


def test_an_edit_on_an_old_day_is_found_by_its_new_day(shop: Shop) -> None:
    invoice = shop.invoice("10.00", create_date="2026-01-05")
    shop.poll()
    shop.poll()
    shop.edit(invoice, "11.00")
    shop.poll()
    assert shop.link(invoice).stripe_total_minor == 1100


def test_a_row_that_cannot_be_read_holds_up_no_other(shop: Shop) -> None:
    odd, fine = shop.invoice(), shop.invoice()

    def garble(name: str, call: Callable[[], Any]) -> Any:
        page = call()
        if name != "list_invoices":
            return page
        broken = UnreadableRow(object_id=str(odd), reason="amount is not a number")
        rows = tuple(row for row in page.rows if row.id != odd)
        return replace(page, rows=rows, unreadable=(broken,))

    with interfering(shop, garble):
        shop.enqueue(kinds.POLL_FRESHBOOKS)
        shop.pump()
    assert shop.link(fine).state == "open"
    assert [job.subject for job in shop.jobs(kind="sync_invoice", subject=str(odd))] == [str(odd)]


def test_a_walk_that_breaks_off_moves_no_mark(shop: Shop) -> None:
    shop.invoice()

    def die_on_deleted_rows(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "list_invoices":
            raise Killed
        return answer

    shop.enqueue(kinds.POLL_FRESHBOOKS)
    with interfering(shop, die_on_deleted_rows):
        assert run_killed(shop)
    assert feed(shop, "freshbooks").watermarks == {}
    recover()
    shop.settle()
    assert feed(shop, "freshbooks").watermarks["invoices"]
    assert runs(shop) == 1


def test_an_event_that_a_webhook_brought_is_not_worked_on_again(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.poll()
    shop.pay(invoice)
    shop.poll()
    with tenant_scope(shop.tenant.pk):
        before = Delivery.objects.count()
    shop.poll()
    with tenant_scope(shop.tenant.pk):
        assert Delivery.objects.count() == before
        assert {row.state for row in Delivery.objects.all()} <= {"routed", "ignored"}


def test_more_events_than_a_page_are_all_taken(shop: Shop) -> None:
    invoice = shop.invoice("500.00")
    shop.poll()
    for _ in range(60):
        shop.pay(invoice, 100)
    shop.poll()
    assert len(shop.collected(invoice)) == 60
    assert sum(row.amount_minor for row in shop.collected(invoice)) == 6000
    assert len(shop.fb_payments(invoice)) == 60


def due(shop: Shop, **values: Any) -> None:
    with every_tenant():
        PollFeed.objects.update(next_due_at=timezone.now() + timedelta(days=1))
        PollFeed.objects.filter(tenant=shop.tenant, feed="freshbooks").update(
            next_due_at=timezone.now(), **values
        )


def test_clocks_that_tick_at_once_queue_a_feed_once(shop: Shop) -> None:
    due(shop)
    assert sum(at_once(5, lambda _: schedule.queue_due_feeds())) == 1
    assert len(shop.jobs(kind="poll_freshbooks")) == 1
    assert schedule.queue_due_feeds() == 0, "due again only after the interval"
    next_due = feed(shop, "freshbooks").next_due_at - timezone.now()
    assert timedelta(0) < next_due <= timedelta(seconds=300)


@pytest.mark.parametrize("state", ["paused", "onboarding", "disconnected"])
def test_a_tenant_that_is_not_live_is_not_polled(shop: Shop, state: str) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(state=state)
    due(shop)
    assert schedule.queue_due_feeds() == 0
    before = shop.freshbooks.calls()["total"]
    job = shop.run(kinds.POLL_FRESHBOOKS)
    assert (job.state, job.failure_code) == ("held", "tenant_not_live")
    assert shop.freshbooks.calls()["total"] == before


def test_a_crontab_of_the_tenant_decides_instead_of_the_interval(shop: Shop) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(poll_crontab="0 3 * * *")
    due(shop)
    schedule.queue_due_feeds()
    next_due = feed(shop, "freshbooks").next_due_at.astimezone(ZoneInfo(shop.tenant.time_zone))
    assert (next_due.hour, next_due.minute) == (3, 0), "in the time zone of the books"
    assert next_due > timezone.now()


def test_a_quiet_tenant_is_polled_less_until_something_happens(shop: Shop) -> None:
    interval = shop.tenant.poll_interval_s
    with tenant_scope(shop.tenant.pk):
        row = PollFeed.objects.select_related("tenant").get(feed="freshbooks")
        waits = []
        for row.quiet in (0, 11, 12, 13, 14, 15, 16, 17, 500):
            waits.append(schedule.interval_s(row) // interval)
    assert waits == [1, 1, 2, 4, 8, 16, 32, 36, 36]
    shop.poll()
    before = feed(shop, "freshbooks").quiet
    shop.poll()
    assert feed(shop, "freshbooks").quiet == before + 1
    shop.invoice()
    shop.poll()
    assert feed(shop, "freshbooks").quiet == 0


def test_a_webhook_wakes_a_quiet_tenant(shop: Shop) -> None:
    far = timezone.now() + timedelta(days=3)
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.filter(feed="freshbooks").update(quiet=50, next_due_at=far)
    invoice = shop.invoice()
    inbox.store_hint(shop.tenant.pk, event_type="invoice.create", object_id=str(invoice))
    shop.settle()
    row = feed(shop, "freshbooks")
    soon = timezone.now() + timedelta(seconds=shop.tenant.poll_interval_s)
    assert row.quiet == 0
    assert row.next_due_at <= soon


def test_webhooks_that_stop_are_noticed_and_registered_again(shop: Shop) -> None:
    def happened() -> None:
        shop.invoice()
        shop.poll()

    for _ in range(2):
        happened()
        assert not feed(shop, "freshbooks").webhooks_are_silent
    assert runs(shop, "register_webhooks") == 0
    happened()
    assert feed(shop, "freshbooks").webhooks_are_silent
    assert runs(shop, "register_webhooks") == 1
    assert "webhooks.silent" in shop.audited(f"tenant:{shop.tenant.pk}")
    invoice = shop.invoice()
    inbox.store_hint(shop.tenant.pk, event_type="invoice.create", object_id=str(invoice))
    shop.poll()
    assert not feed(shop, "freshbooks").webhooks_are_silent
