"""The full comparison finds whatever differs, has it mended, and lets what agrees alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection

from connector.models import CollectedPayment, InvoiceLink, InvoiceRevision, PollFeed
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop

Plant = Callable[[Shop, int], Any]


def damage(**values: Any) -> Plant:
    """Our own figures are wrong, whoever did it."""

    def plant(shop: Shop, invoice: int) -> None:
        with tenant_scope(shop.tenant.pk):
            rows = InvoiceLink.objects.filter(freshbooks_invoice_id=invoice)
            rows.update(**values)

    return plant


PLANTED: dict[str, tuple[Plant, str]] = {
    "paid in Stripe unnoticed": (lambda shop, i: shop.pay(i, 3000), "open"),
    "paid by cheque unnoticed": (lambda shop, i: shop.cheque(i, "20.00"), "open"),
    "paid by cheque in full": (lambda shop, i: shop.cheque(i, "100.00"), "settled"),
    "edited unnoticed": (lambda shop, i: shop.edit(i, "70.00"), "open"),
    "deleted unnoticed": (lambda shop, i: shop.fb("delete_invoice", id=i), "removed"),
    "our FreshBooks total wrong": (damage(freshbooks_total_minor=1), "open"),
    "our FreshBooks balance wrong": (damage(freshbooks_outstanding_minor=1), "open"),
    "our Stripe total wrong": (damage(stripe_total_minor=1), "open"),
    "our Stripe status wrong": (damage(stripe_status="paid"), "open"),
    "our Stripe balance wrong": (damage(stripe_remaining_minor=0), "open"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_difference_is_found_and_closed(shop: Shop, name: str) -> None:
    plant, state = PLANTED[name]
    invoice, other = shop.invoice("100.00"), shop.invoice("55.00")
    shop.sync(invoice)
    shop.sync(other)
    plant(shop, invoice)
    assert shop.reconcile() == "2 invoices compared, 1 to look at"
    assert shop.link(invoice).state == state
    assert shop.differences(invoice) == []
    assert shop.reconcile() == "2 invoices compared, 0 to look at"


def test_an_invoice_nobody_told_of_is_brought_over(shop: Shop) -> None:
    invoice = shop.invoice()
    assert shop.reconcile() == "1 invoices compared, 1 to look at"
    assert shop.statuses(invoice) == ["open"]


def test_voided_in_stripe_unnoticed_is_told_and_stays_voided(shop: Shop) -> None:
    invoice = shop.invoice()
    link = shop.sync(invoice)
    shop.st("void_invoice", invoice=link.stripe_invoice_id)
    for _ in range(2):
        shop.reconcile()
    assert shop.statuses(invoice) == ["void"]
    assert shop.differences(invoice) == ["not_representable"]


def test_a_recorded_payment_deleted_unnoticed_is_told_and_not_made_again(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    (payment,) = shop.fb_payments(invoice)
    shop.fb("delete_payment", id=payment["id"])
    for _ in range(2):
        shop.reconcile()
    assert shop.fb_payments(invoice) == []
    assert shop.differences(invoice) == ["payment_not_recorded"]


def test_a_difference_that_is_gone_closes_by_itself_and_opens_again(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 4000)
    shop.edit(invoice, "80.00")
    shop.reconcile()
    assert shop.differences(invoice) == ["changed_after_payment"]
    shop.edit(invoice, "100.00")
    shop.reconcile()
    assert shop.differences(invoice) == []
    assert shop.differences(invoice, state="closed") == ["changed_after_payment"]
    shop.edit(invoice, "80.00")
    shop.reconcile()
    assert shop.differences(invoice) == ["changed_after_payment"]
    actions = [a for a in shop.audited(f"invoice:{invoice}") if a.startswith("discrepancy")]
    assert actions == ["discrepancy.opened", "discrepancy.closed", "discrepancy.opened"]


def test_a_second_stripe_invoice_that_claims_the_same_invoice_is_noticed(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    link = shop.sync(invoice)
    (mine,) = shop.st_invoices(invoice)
    twin = shop.st("create_invoice", customer=mine["customer"], amount=10000, currency="cad")
    shop.st("edit_invoice_metadata", invoice=twin["id"], metadata=mine["metadata"])
    assert shop.reconcile() == "1 invoices compared, 1 to look at"
    assert shop.link(invoice).stripe_invoice_id == link.stripe_invoice_id


def test_figures_agree_for_a_hundred_invoices_at_the_price_of_a_few_lists(shop: Shop) -> None:
    client = shop.client()
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(start_date="2026-06-01")
    for _ in range(110):
        shop.invoice("10.00", client=client, create_date="2026-01-05")
    shop.poll()
    before = shop.freshbooks.calls()["total"] + shop.stripe.calls()["total"]
    assert shop.reconcile() == "110 invoices compared, 0 to look at"
    after = shop.freshbooks.calls()["total"] + shop.stripe.calls()["total"]
    assert after - before <= 4


def test_the_feed_says_when_and_with_what_result(shop: Shop) -> None:
    shop.invoice()
    shop.reconcile()
    with tenant_scope(shop.tenant.pk):
        feed = PollFeed.objects.get(feed="reconcile")
    assert feed.last_finished_at is not None
    assert feed.last_result == "1 invoices compared, 1 to look at"


def forget_the_journal() -> None:
    """The owner of the table can do what a trigger refuses to everybody else."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        owner.execute("SELECT set_config('app.tenant', '*', true)")
        owner.execute("ALTER TABLE connector_moneyfact DISABLE TRIGGER USER")
        owner.execute("DELETE FROM connector_moneyfact")
        owner.execute("ALTER TABLE connector_moneyfact ENABLE TRIGGER USER")


def test_the_journal_cannot_be_changed(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    for change in (
        "UPDATE connector_moneyfact SET amount_minor = 1",
        "DELETE FROM connector_moneyfact",
    ):
        with (
            pytest.raises(ProgrammingError, match="append-only"),
            tenant_scope(shop.tenant.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute(change)


def test_after_our_rows_were_lost_nothing_is_made_twice(shop: Shop) -> None:
    """A database restored to an older day: the vendors know more than we do."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 4000)
    shop.sync(invoice)
    forget_the_journal()
    with tenant_scope(shop.tenant.pk):
        CollectedPayment.objects.all().delete()
        InvoiceRevision.objects.all().delete()
        InvoiceLink.objects.all().delete()
        for row in shop.writes():
            row.delete()
    shop.stripe.advance(3 * 24 * 3600)
    shop.reconcile()
    assert shop.statuses(invoice) == ["open"]
    assert len(shop.fb_payments(invoice)) == 1
