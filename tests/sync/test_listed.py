"""What a poll's list showed of new invoices spares reading each of them, while it may be believed."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from connector.jobs import kinds, runner
from connector.models import CallCount, ListedInvoice
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop


def polled(shop: Shop) -> None:
    """The poll ran; what it asked for waits."""
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    runner.drain(kinds.FRESHBOOKS, shop.handlers)


def reads(shop: Shop) -> int:
    with tenant_scope(shop.tenant.pk):
        found = CallCount.objects.filter(operation="freshbooks.invoices.get")
        return sum(row.calls for row in found)


def kept(shop: Shop) -> int:
    with tenant_scope(shop.tenant.pk):
        return int(ListedInvoice.objects.count())


def test_new_invoices_that_a_poll_found_are_not_read_one_by_one(shop: Shop) -> None:
    invoices = [shop.invoice("100.00", "19.99") for _ in range(3)]
    shop.poll()
    assert reads(shop) == 0
    assert kept(shop) == 0
    for invoice in invoices:
        assert shop.link(invoice).state == "open"
        assert shop.st_invoices(invoice)[0]["total"] == 11999
        assert shop.differences(invoice) == []


def test_a_hint_after_the_poll_has_the_invoice_read_again(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    polled(shop)
    assert kept(shop) == 1
    shop.edit(invoice, "120.00")
    shop.enqueue_look(invoice)
    shop.settle()
    assert reads(shop) == 1
    assert [row["total"] for row in shop.st_invoices(invoice)] == [12000]


def test_a_list_of_more_than_a_minute_ago_is_not_believed(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    polled(shop)
    with tenant_scope(shop.tenant.pk):
        ListedInvoice.objects.update(read_at=timezone.now() - timedelta(seconds=61))
    shop.edit(invoice, "120.00")
    shop.settle()
    assert reads(shop) == 1
    assert [row["total"] for row in shop.st_invoices(invoice)] == [12000]


def test_an_invoice_that_is_known_by_now_is_read(shop: Shop) -> None:
    """Another sync was quicker and saw something newer: the list does not undo it."""
    invoice = shop.invoice("100.00")
    polled(shop)
    shop.edit(invoice, "120.00")
    with tenant_scope(shop.tenant.pk):
        waiting = shop.jobs(kind="sync_invoice", state="queued")[0]
        type(waiting).objects.filter(pk=waiting.pk).update(
            due_at=timezone.now() + timedelta(hours=1), subject="elsewhere"
        )
    shop.look(invoice)
    with tenant_scope(shop.tenant.pk):
        type(waiting).objects.filter(pk=waiting.pk).update(
            due_at=timezone.now(), subject=str(invoice)
        )
    shop.settle()
    assert shop.link(invoice).freshbooks_total_minor == 12000
    assert [row["total"] for row in shop.st_invoices(invoice)] == [12000]
