"""Money that people enter in FreshBooks: Stripe is told, so that nobody is asked twice."""

from __future__ import annotations

from typing import Any

import pytest

from connector import decisions_outside
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause


def money(amount: str) -> dict[str, Any]:
    return {"amount": {"amount": amount, "code": "CAD"}}


def records(shop: Shop) -> list[tuple[int, int]]:
    """Each payment record in Stripe: what was reported, and what of it was taken back."""
    rows = shop.st_book()["payment_records"]
    return [(row["amount_requested"]["value"], row["amount_refunded"]["value"]) for row in rows]


def test_a_cheque_over_all_closes_the_stripe_invoice(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.cheque(invoice, "100.00")
    shop.sync(invoice)
    link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert (link.state, link.collection_status) == ("settled", "paid_outside")
    assert [row.reporting for row in shop.outside(invoice)] == ["reported"]
    assert shop.collected(invoice) == [], "our own report does not come back as Stripe money"
    assert len(shop.fb_payments(invoice)) == 1
    assert shop.differences(invoice) == []


def test_a_cheque_over_a_part_lowers_what_stripe_asks_for(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.cheque(invoice, "40.00")
    shop.sync(invoice)
    link = shop.sync(invoice)
    (made,) = shop.st_invoices(invoice)
    assert (made["status"], made["amount_remaining"]) == ("open", 6000)
    assert link.collection_status == "partly_paid"
    assert len(shop.st_book()["payment_records"]) == 1
    assert shop.collected(invoice) == []
    shop.pay(invoice)
    assert shop.sync(invoice).collection_status == "paid"
    assert sorted(row["amount"]["amount"] for row in shop.fb_payments(invoice)) == [
        "40.00",
        "60.00",
    ]
    assert shop.differences(invoice) == []


def test_several_cheques_are_each_reported_once(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.cheque(invoice, "10.00")
    shop.cheque(invoice, "10.00")
    shop.sync(invoice)
    shop.cheque(invoice, "80.00")
    shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert len(shop.st_book()["payment_records"]) >= 2
    assert shop.differences(invoice) == []


def test_a_cheque_over_more_than_remains_needs_a_person(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 7000)
    shop.cheque(invoice, "50.00")
    shop.sync(invoice)
    (row,) = shop.outside(invoice)
    assert row.reporting == "needs_you"
    assert "paid twice" in row.reason
    (made,) = shop.st_invoices(invoice)
    assert made["amount_remaining"] == 3000
    assert "overpaid" in shop.differences(invoice)


def test_a_cheque_deleted_before_it_was_reported_is_forgotten(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    cheque = shop.cheque(invoice, "100.00")
    shop.sync(invoice)
    shop.fb("delete_payment", id=cheque)
    link = shop.sync(invoice)
    assert (link.state, link.collection_status) == ("open", "unpaid")
    assert shop.statuses(invoice) == ["open"]
    assert [row.deleted for row in shop.outside(invoice)] == [True]
    assert shop.differences(invoice) == []


def test_a_cheque_deleted_after_it_was_reported_needs_a_person(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    cheque = shop.cheque(invoice, "100.00")
    shop.sync(invoice)
    shop.fb("delete_payment", id=cheque)
    shop.sync(invoice)
    (row,) = shop.outside(invoice)
    assert (row.deleted, row.reporting) == (True, "needs_you")
    assert "cannot be taken back" in row.reason
    assert shop.differences(invoice) == ["paid_differs"]
    before = len(shop.writes())
    shop.fb("restore_payment", id=cheque)
    link = shop.sync(invoice)
    assert [row.reporting for row in shop.outside(invoice)] == ["reported"]
    assert (link.collection_status, shop.differences(invoice)) == ("paid_outside", [])
    assert len(shop.writes()) == before, "Stripe never forgot it"


def test_a_cheque_on_a_replaced_invoice_is_reported_on_the_new_one(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.edit(invoice, "150.00")
    shop.cheque(invoice, "50.00")
    shop.sync(invoice)
    old, new = shop.st_invoices(invoice)
    assert (old["status"], new["status"], new["amount_remaining"]) == ("void", "open", 10000)
    assert shop.differences(invoice) == []


def test_a_cheque_raised_after_it_was_reported_is_reported_by_the_difference(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    cheque = shop.cheque(invoice, "40.00")
    shop.sync(invoice)
    shop.fb("edit_payment", id=cheque, payment=money("55.00"))
    shop.sync(invoice)
    link = shop.sync(invoice)
    assert records(shop) == [(4000, 0), (1500, 0)]
    assert shop.asking(invoice)["amount_remaining"] == 4500
    assert (link.collection_status, shop.differences(invoice)) == ("partly_paid", [])
    (row,) = shop.outside(invoice)
    assert (row.reporting, row.reported_amount_minor) == ("reported", 5500)
    shop.fb("edit_payment", id=cheque, payment=money("100.00"))
    assert shop.sync(invoice).collection_status == "paid_outside"
    assert (shop.statuses(invoice), shop.differences(invoice)) == (["paid"], [])


@pytest.mark.parametrize("stripe_lowers", [False, True])
def test_a_cheque_lowered_after_it_was_reported_is_taken_back_in_stripes_record(
    shop: Shop, stripe_lowers: bool
) -> None:
    effect = "lowers_amount_paid" if stripe_lowers else "none"
    shop.stripe.switch(refund_effect_on_invoice=effect)
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    cheque = shop.cheque(invoice, "40.00")
    shop.sync(invoice)
    shop.fb("edit_payment", id=cheque, payment=money("25.00"))
    for _ in range(3):
        shop.sync(invoice)
    assert records(shop) == [(4000, 1500)]
    (row,) = shop.outside(invoice)
    if stripe_lowers:
        assert shop.asking(invoice)["amount_remaining"] == 7500
        assert (row.reporting, shop.differences(invoice)) == ("reported", [])
    else:
        assert shop.asking(invoice)["amount_remaining"] == 6000
        assert row.reporting == "needs_you"
        assert "goes on counting it" in row.reason
        assert shop.differences(invoice) == ["payment_taken_back"]
    shop.fb("edit_payment", id=cheque, payment=money("40.00"))
    for _ in range(3):
        shop.sync(invoice)
    assert records(shop) == [(4000, 1500), (1500, 0)]
    assert shop.asking(invoice)["amount_remaining"] == 6000
    assert shop.differences(invoice) == []


def test_a_reported_part_that_is_deleted_and_restored(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    cheque = shop.cheque(invoice, "40.00")
    shop.sync(invoice)
    shop.fb("delete_payment", id=cheque)
    for _ in range(2):
        shop.sync(invoice)
    assert records(shop) == [(4000, 4000)]
    (row,) = shop.outside(invoice)
    assert (row.deleted, row.reporting, row.reported_amount_minor) == (True, "needs_you", 0)
    assert shop.differences(invoice) == ["payment_taken_back"]
    assert "outside_payment.taken_back" in shop.audited(f"invoice:{invoice}")
    shop.fb("restore_payment", id=cheque)
    for _ in range(2):
        shop.sync(invoice)
    assert records(shop) == [(4000, 4000), (4000, 0)]
    assert shop.asking(invoice)["amount_remaining"] == 6000, "the new record is attached to nothing"
    assert [row.reporting for row in shop.outside(invoice)] == ["reported"]
    assert shop.differences(invoice) == []


def test_a_credit_applied_in_freshbooks_is_reported_once(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    credit = shop.fb("give_credit", clientid=shop.client_id, amount="30.00")
    shop.fb("apply_credit", creditid=credit["id"], invoiceid=invoice, amount="30.00")
    shop.sync(invoice)
    link = shop.sync(invoice)
    assert records(shop) == [(3000, 0)]
    assert [row.type for row in shop.outside(invoice)] == ["Credit"]
    assert (link.collection_status, shop.differences(invoice)) == ("partly_paid", [])


def test_a_cheque_over_more_than_the_invoice_pays_it_and_the_rest_is_credit(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.cheque(invoice, "130.00")
    link = shop.sync(invoice)
    shop.poll()
    assert shop.statuses(invoice) == ["paid"]
    assert (link.collection_status, shop.differences(invoice)) == ("paid_outside", [])
    assert shop.collected(invoice) == [], "our own report does not come back as Stripe money"
    assert len(shop.fb_payments(invoice)) == 1
    credit = shop.fb_book()["credit_notes"][0]
    other = shop.invoice("50.00")
    shop.sync(other)
    shop.fb("apply_credit", creditid=credit["id"], invoiceid=other, amount="30.00")
    shop.sync(other)
    assert shop.asking(other)["amount_remaining"] == 2000


def test_a_cheque_that_did_not_fit_is_reported_once_it_was_corrected(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 7000)
    cheque = shop.cheque(invoice, "50.00")
    shop.sync(invoice)
    assert [row.reporting for row in shop.outside(invoice)] == ["needs_you"]
    shop.fb("edit_payment", id=cheque, payment=money("30.00"))
    shop.sync(invoice)
    shop.sync(invoice)
    assert [row.reporting for row in shop.outside(invoice)] == ["reported"]
    assert shop.statuses(invoice) == ["paid"]


@pytest.mark.parametrize(("cheque", "step"), [("100.00", r"/pay$"), ("40.00", "/attach_payment$")])
def test_a_cheque_that_stripe_was_about_to_be_told_of_when_the_client_paid(
    shop: Shop, cheque: str, step: str
) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = shop.cheque(invoice, cheque)
    shop.stripe.fault("status_429", {"method": "POST", "path_regex": step})
    shop.look(invoice)
    shop.pay(invoice)
    shop.settle()
    (row,) = shop.outside(invoice)
    assert row.reporting == "needs_you"
    assert row.reason, "it says why"
    assert [job.state for job in shop.jobs(kind="sync_invoice", state="dead")] == []
    (collected,) = shop.collected(invoice)
    assert collected.recording == "needs_you", "paid twice, and shown so, whoever was first"
    assert shop.differences(invoice), "and the two sides do not agree"
    with tenant_scope(shop.tenant.pk):
        decisions_outside.say_other([row.pk], because="A cheque of another day.", cause=cause())
    shop.sync(invoice)
    (row,) = shop.outside(invoice)
    assert (row.reporting, bool(row.reason)) == ("needs_you", True), (
        "Stripe still does not count it"
    )
    shop.fb("delete_payment", id=paid)
    shop.sync(invoice)
    assert [row.untold_minor for row in shop.outside(invoice)] == [0]
    assert [back for amount, back in records(shop) if back < amount] == []
