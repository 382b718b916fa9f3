"""Refunds and disputes: our payment in FreshBooks follows, and the journal tells why."""

from __future__ import annotations

from typing import Any

import pytest

from connector import journal
from connector.journal import Totals
from connector.models import MoneyFact
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.pipeline.interference import Killed, interfering, recover, run_killed
from tests.pipeline.shop import Shop


@pytest.fixture
def paid(shop: Shop) -> int:
    """An invoice of 100.00, paid by card and recorded in FreshBooks."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    return invoice


def charge_of(shop: Shop, invoice: int) -> str:
    return str(shop.collected(invoice)[0].stripe_charge_id)


def refund(shop: Shop, invoice: int, amount: int | None = None, **more: Any) -> str:
    wanted = {} if amount is None else {"amount": amount}
    return str(shop.st("refund", charge=charge_of(shop, invoice), **wanted, **more)["id"])


def in_freshbooks(shop: Shop, invoice: int) -> list[str]:
    return [row["amount"]["amount"] for row in shop.fb_payments(invoice)]


def totals(shop: Shop, invoice: int) -> Totals:
    with tenant_scope(shop.tenant.pk):
        link = shop.link(invoice)
        return journal.totals_of([link.pk])[link.pk]


def kinds(shop: Shop, invoice: int) -> list[str]:
    with tenant_scope(shop.tenant.pk):
        rows = MoneyFact.objects.filter(invoice__freshbooks_invoice_id=invoice).order_by("pk")
        return [row.kind for row in rows]


def test_a_part_that_is_refunded_lowers_our_payment(shop: Shop, paid: int) -> None:
    (before,) = shop.fb_payments(paid)
    refund(shop, paid, 3000)
    for _ in range(3):
        shop.sync(paid)
    (after,) = shop.fb_payments(paid)
    assert (after["id"], after["amount"]["amount"]) == (before["id"], "70.00")
    assert after["note"] == before["note"]
    assert totals(shop, paid) == Totals(collected=10000, returned=3000, recorded=7000)
    link = shop.link(paid)
    assert (link.collection_status, link.returned_minor) == ("partly_paid", 3000)
    assert shop.differences(paid) == ["refunded"]
    assert kinds(shop, paid) == ["collected", "payment", "refunded", "payment_changed"]


def test_all_that_is_refunded_takes_our_payment_back(shop: Shop, paid: int) -> None:
    refund(shop, paid, 2000)
    shop.sync(paid)
    refund(shop, paid)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == []
    assert shop.collected(paid)[0].recording == "taken_back"
    assert totals(shop, paid) == Totals(collected=10000, returned=10000)
    assert shop.link(paid).collection_status == "refunded"
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == []


def test_a_refund_that_fails_brings_our_payment_back(shop: Shop, paid: int) -> None:
    part = refund(shop, paid, 2500, status="pending")
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ["75.00"]
    shop.st("fail_refund", refund=part)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ["100.00"]
    whole = refund(shop, paid)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == []
    shop.st("fail_refund", refund=whole)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ["100.00"]
    assert totals(shop, paid) == Totals(collected=10000, recorded=10000)
    assert shop.link(paid).collection_status == "paid"
    assert shop.differences(paid) == []


def test_what_is_refunded_before_it_was_recorded_is_recorded_without_it(shop: Shop) -> None:
    part, whole = shop.invoice("100.00"), shop.invoice("50.00")
    for invoice in (part, whole):
        shop.sync(invoice)
    for invoice, amount in ((part, 4000), (whole, 5000)):
        shop.pay(invoice)
        (intent,) = intents_of(shop, invoice)
        shop.st("refund", payment_intent=intent, amount=amount)
        shop.sync(invoice)
    assert in_freshbooks(shop, part) == ["60.00"]
    assert in_freshbooks(shop, whole) == []
    (row,) = shop.collected(whole)
    assert row.recording == "observed"
    assert "went back" in row.reason


def test_a_dispute_keeps_our_payment_until_it_is_lost(shop: Shop, paid: int) -> None:
    dispute = shop.st("dispute", charge=charge_of(shop, paid))["id"]
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ["100.00"]
    link = shop.link(paid)
    assert link.collection_status == "disputed"
    assert link.dispute_due_at is not None
    assert shop.differences(paid) == ["disputed"]
    shop.st("lose_dispute", dispute=dispute)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == []
    assert shop.link(paid).dispute_due_at is None
    assert totals(shop, paid) == Totals(collected=10000, returned=10000)


def test_a_dispute_that_is_won_changes_nothing(shop: Shop, paid: int) -> None:
    dispute = shop.st("dispute", charge=charge_of(shop, paid))["id"]
    shop.sync(paid)
    shop.st("win_dispute", dispute=dispute)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ["100.00"]
    assert shop.differences(paid) == []
    assert shop.link(paid).collection_status == "paid"
    assert {"dispute_opened", "dispute_won"} <= set(kinds(shop, paid))


def test_the_refund_of_an_excess_leaves_our_payment(shop: Shop) -> None:
    shop.stripe.switch(overpayment_in_invoice_payment="left_out")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 13000)
    shop.sync(invoice)
    assert in_freshbooks(shop, invoice) == ["100.00"]
    refund(shop, invoice, 3000)
    shop.sync(invoice)
    assert in_freshbooks(shop, invoice) == ["100.00"]
    refund(shop, invoice, 1000)
    shop.sync(invoice)
    assert in_freshbooks(shop, invoice) == ["90.00"]


def test_a_payment_that_a_person_changed_is_left_to_them(shop: Shop, paid: int) -> None:
    (payment,) = shop.fb_payments(paid)
    money = {"amount": "95.00", "code": shop.currency}
    shop.fb("edit_payment", id=payment["id"], payment={"amount": money})
    shop.sync(paid)
    refund(shop, paid, 3000)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ["95.00"]
    assert "paid_differs" in shop.differences(paid)


@pytest.mark.parametrize("mode", [Tenant.PaymentMode.OBSERVE, Tenant.PaymentMode.APPROVE])
def test_nothing_is_lowered_unasked_in_other_modes(shop: Shop, paid: int, mode: str) -> None:
    with tenant_scope(shop.tenant.pk):
        Tenant.objects.filter(pk=shop.tenant.pk).update(payment_mode=mode)
    refund(shop, paid, 3000)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ["100.00"]
    assert shop.differences(paid) == ["paid_differs"]


@pytest.mark.parametrize("effect", ["none", "lowers_amount_paid"])
def test_whether_a_refund_lowers_what_stripe_counts_makes_no_difference(
    shop: Shop, effect: str
) -> None:
    shop.stripe.switch(refund_effect_on_invoice=effect)
    seen, unseen = shop.invoice("100.00"), shop.invoice("100.00")
    for invoice in (seen, unseen):
        shop.sync(invoice)
        shop.pay(invoice)
    shop.sync(seen)
    for invoice in (seen, unseen):
        (intent,) = intents_of(shop, invoice)
        shop.st("refund", payment_intent=intent, amount=2000)
        shop.sync(invoice)
        assert in_freshbooks(shop, invoice) == ["80.00"]
        assert totals(shop, invoice).collected - totals(shop, invoice).returned == 8000


def intents_of(shop: Shop, invoice: int) -> list[str]:
    """PaymentIntents that paid an invoice, by Stripe's own book."""
    ours = {row["id"] for row in shop.st_invoices(invoice)}
    rows = shop.st_book()["invoice_payments"]
    return [row["payment"]["payment_intent"] for row in rows if row["invoice"] in ours]


def test_a_debit_that_comes_back_is_a_fact_that_moves_nothing(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, method="us_bank_account", outcome="processing")
    shop.sync(invoice)
    assert shop.link(invoice).collection_status == "pending"
    (intent,) = intents_of(shop, invoice)
    shop.st("fail_payment", payment_intent=intent)
    shop.sync(invoice)
    shop.sync(invoice)
    assert kinds(shop, invoice) == ["payment_failed"]
    assert shop.link(invoice).collection_status == "unpaid"
    assert in_freshbooks(shop, invoice) == []


@pytest.mark.parametrize("amount", [3000, None], ids=["lowered", "taken back"])
@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
def test_a_change_whose_answer_never_came_ends_right(
    shop: Shop, paid: int, amount: int | None, done: bool
) -> None:
    refund(shop, paid, amount)
    fault = "reset_after" if done else "status_500"
    shop.freshbooks.fault(fault, {"method": "PUT", "path_regex": "/payments/payments/"})
    shop.sync(paid)
    shop.sync(paid)
    assert in_freshbooks(shop, paid) == ([] if amount is None else ["70.00"])
    row = shop.collected(paid)[0]
    assert (row.change_pending, row.changed_by_person) == (False, False)
    assert row.recording == ("taken_back" if amount is None else "recorded")


def test_a_worker_that_dies_around_the_change_leaves_nothing_behind(shop: Shop, paid: int) -> None:
    refund(shop, paid, 3000)

    def die(name: str, call: Any) -> Any:
        answer = call()
        if name == "update_payment_amount":
            raise Killed
        return answer

    shop.enqueue_look(paid)
    with interfering(shop, die):
        assert run_killed(shop)
    recover()
    shop.settle()
    assert in_freshbooks(shop, paid) == ["70.00"]
    row = shop.collected(paid)[0]
    assert (row.recording, row.change_pending, row.changed_by_person) == ("recorded", False, False)
