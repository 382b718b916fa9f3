"""Stripe's money without an invoice: always shown, counted once, whatever order its events have."""

from __future__ import annotations

import pytest

from connector.jobs import kinds
from connector.models import MoneyFact, StrayPayment
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop
from tests.sync.matching_steps import (
    arrive,
    attach_in_stripe,
    customer_of,
    facts,
    look_up,
    only_stray,
    strays,
)

VIAS = ("payment_intent", "checkout", "payment_link", "charge")


@pytest.mark.parametrize("via", VIAS)
def test_money_without_an_invoice_is_kept_once_whichever_way_it_came(shop: Shop, via: str) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    paid = arrive(shop, 12345, customer=customer_of(shop), via=via)
    for _ in range(2):
        shop.poll()
    stray = only_stray(shop)
    assert stray.payment_id == paid["id"]
    assert (stray.amount_minor, stray.currency, stray.state) == (12345, "CAD", "unmatched")
    assert stray.via == ("charge" if via == "charge" else "payment_intent")
    assert stray.client_id == shop.link(invoice).client_id
    assert facts(shop, "stray") == [(None, 12345)]
    assert shop.fb_payments(invoice) == []


def test_a_charge_is_handled_under_its_payment_intent(shop: Shop) -> None:
    paid = arrive(shop, 500)
    shop.run(kinds.LOOK_UP_STRIPE_PAYMENT, paid["charge"])
    shop.run(kinds.LOOK_UP_STRIPE_PAYMENT, paid["payment_intent"])
    assert only_stray(shop).payment_id == paid["payment_intent"]


def test_a_payment_of_our_invoice_is_no_stray(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    paid = shop.pay(invoice)
    job = look_up(shop, paid["payment_intent"])
    assert job.outcome == f"invoices {invoice}"
    shop.settle()
    assert strays(shop) == []
    assert len(shop.fb_payments(invoice)) == 1


def test_a_debit_under_way_keeps_nothing_but_shows_on_its_invoice(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    paid = shop.pay(invoice, method="us_bank_account", outcome="processing")
    look_up(shop, paid["payment_intent"])
    assert strays(shop) == []
    assert shop.link(invoice).collection_status == "pending"


def test_what_does_not_exist_leaves_nothing(shop: Shop) -> None:
    for name in ("pi_nothing", "ch_nothing"):
        assert look_up(shop, name).outcome == "nothing arrived"
    assert strays(shop) == []


def test_a_payment_of_stripes_own_business_is_left_alone_with_a_reason(shop: Shop) -> None:
    shop.sync(shop.invoice())
    made = shop.st("create_invoice", customer=customer_of(shop), amount=900, currency="cad")
    paid = shop.st("pay_invoice", invoice=made["id"])
    look_up(shop, paid["payment_intent"])
    stray = only_stray(shop)
    assert (stray.state, stray.foreign_invoice_id) == ("ignored", made["id"])
    assert stray.reason == "Paid a Stripe invoice that did not come from FreshBooks."
    assert stray.suggestions == []


def test_an_invoice_that_names_our_account_is_looked_up_instead(shop: Shop) -> None:
    ours = shop.invoice()
    shop.sync(ours)
    made = shop.st("create_invoice", customer=customer_of(shop), amount=900, currency="cad")
    named = {"fb_account": shop.account_id, "fb_invoice_id": str(ours)}
    shop.st("edit_invoice_metadata", invoice=made["id"], metadata=named)
    paid = shop.st("pay_invoice", invoice=made["id"])
    assert look_up(shop, paid["payment_intent"]).outcome == f"Stripe invoices {made['id']}"
    assert strays(shop) == []


@pytest.mark.parametrize("seen_before", [True, False])
def test_refunds_of_a_stray_payment_are_followed_in_any_order(
    shop: Shop, seen_before: bool
) -> None:
    paid = arrive(shop, 10000)
    if seen_before:
        look_up(shop, paid["id"])
    shop.st("refund", charge=paid["charge"], amount=4000)
    for _ in range(2):
        look_up(shop, paid["id"])
    stray = only_stray(shop)
    assert (stray.returned_minor, stray.state) == (4000, "unmatched")
    rest = shop.st("refund", charge=paid["charge"])
    look_up(shop, paid["id"])
    assert only_stray(shop).state == "returned"
    assert sorted(facts(shop, "refunded")) == [(None, -6000), (None, -4000)]
    shop.st("fail_refund", refund=rest["id"])
    look_up(shop, paid["id"])
    assert (only_stray(shop).returned_minor, only_stray(shop).state) == (4000, "unmatched")


@pytest.mark.parametrize(
    ("end", "state"), [("lose_dispute", "returned"), ("win_dispute", "unmatched")]
)
def test_a_dispute_counts_only_once_it_is_lost(shop: Shop, end: str, state: str) -> None:
    paid = arrive(shop, 10000)
    dispute = shop.st("dispute", charge=paid["charge"])
    look_up(shop, paid["id"])
    assert (only_stray(shop).returned_minor, only_stray(shop).state) == (0, "unmatched")
    shop.st(end, dispute=dispute["id"])
    look_up(shop, paid["id"])
    assert only_stray(shop).state == state


def test_what_somebody_attached_in_stripe_is_closed_and_counted_once(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = arrive(shop, 10000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    attach_in_stripe(shop, invoice, paid["id"])
    for _ in range(2):
        shop.poll()
        look_up(shop, paid["id"])
    stray = only_stray(shop)
    assert (stray.state, stray.applied_minor) == ("matched", 10000)
    assert len(shop.collected(invoice)) == len(shop.fb_payments(invoice)) == 1
    assert shop.differences(invoice) == []


def test_money_in_the_cash_balance_is_shown_until_stripe_applies_it(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    customer = customer_of(shop)
    shop.st("fund_cash_balance", customer=customer, amount=6000, currency="cad")
    shop.poll()
    stray = only_stray(shop)
    assert (stray.via, stray.state, stray.amount_minor) == ("cash_balance", "unmatched", 6000)
    assert stray.payer_name
    assert facts(shop, "stray") == []
    shop.st("fund_cash_balance", customer=customer, amount=5000, currency="cad")
    shop.poll()
    first, second = strays(shop)
    assert (first.state, first.applied_minor) == ("matched", 6000)
    assert (second.state, second.applied_minor) == ("partly", 4000)
    assert shop.link(invoice).collection_status == "paid"
    assert [row["amount"]["amount"] for row in shop.fb_payments(invoice)] == ["100.00"]


def test_money_that_stripe_applied_at_once_leaves_no_row(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.st("fund_cash_balance", customer=customer_of(shop), amount=10000, currency="cad")
    shop.poll()
    shop.run(kinds.LOOK_UP_CASH_BALANCE, customer_of(shop))
    assert strays(shop) == []
    assert shop.link(invoice).collection_status == "paid"


def test_one_tenant_never_sees_anothers_stray_money(shop: Shop) -> None:
    arrive(shop, 500)
    shop.poll()
    with tenant_scope(shop.tenant.pk):
        assert {row.tenant_id for row in StrayPayment.objects.all()} == {shop.tenant.pk}
        assert {row.tenant_id for row in MoneyFact.objects.all()} == {shop.tenant.pk}
