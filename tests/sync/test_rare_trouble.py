"""Rare trouble that once ended in doubled money, a dead end or a row that lied."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from connector import idempotency
from connector.models import VendorWrite
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop
from tests.pipeline.vendor_side import line

ADD_LINES = {"method": "POST", "path_regex": r"/add_lines$"}
PAYMENTS = {"method": "POST", "path_regex": r"/payments/payments$"}


def grow_old(shop: Shop) -> None:
    """As if every unanswered write had been sent the day before yesterday."""
    with tenant_scope(shop.tenant.pk):
        VendorWrite.objects.exclude(state="confirmed").update(
            first_sent_at=timezone.now() - timedelta(hours=40)
        )


def test_a_payment_with_a_marker_that_is_not_ours_may_be_the_same_money(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 4000)
    marker = idempotency.payment_marker(secret=b"an earlier installation", intent="1:inpay_1")
    shop.fb(
        "record_payment",
        invoiceid=invoice,
        amount="40.00",
        type="Other",
        date=timezone.now().date().isoformat(),
        note=f"Stripe {marker}",
    )
    shop.look(invoice)
    (row,) = shop.collected(invoice)
    assert (row.recording, len(shop.fb_payments(invoice))) == ("needs_you", 1)
    assert "may be the same money" in row.reason


@pytest.mark.parametrize("fault", ["reset_after", "status_500"])
def test_lines_whose_answer_is_a_day_late_are_looked_for(shop: Shop, fault: str) -> None:
    """With `reset_after` they are there, otherwise they are not: in the end they are there once."""
    invoice = shop.invoice("100.00")
    shop.stripe.fault(fault, ADD_LINES)
    shop.look(invoice)
    grow_old(shop)
    shop.settle()
    assert [made["total"] for made in shop.st_invoices(invoice)] == [10000]
    assert shop.statuses(invoice) == ["open"]
    assert shop.differences(invoice) == []


def test_a_payment_that_was_not_sent_leaves_no_attempt_behind(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice)
    shop.freshbooks.fault("status_429", PAYMENTS)
    shop.look(invoice)
    shop.settle()
    assert len(shop.fb_payments(invoice)) == 1
    sent = shop.writes(operation="freshbooks.payments.create")
    assert [(row.step, row.state) for row in sent] == [("attempt-1", "confirmed")]


def test_a_currency_changed_after_a_payment_is_shown_as_what_it_is(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 4000)
    shop.sync(invoice)
    edited = {"currency_code": "EUR", "lines": [line("100.00", "EUR")]}
    shop.fb("edit_invoice", id=invoice, invoice=edited)
    job = shop.look(invoice)
    assert job.state == "done"
    assert shop.link(invoice).state == "blocked"
    assert "currency_differs" in shop.differences(invoice)
