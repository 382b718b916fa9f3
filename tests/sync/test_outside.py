"""Money that people enter in FreshBooks: Stripe is told, so that nobody is asked twice."""

from __future__ import annotations

from tests.pipeline.shop import Shop


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
    assert shop.differences(invoice) == ["paid_differs"]


def test_a_cheque_on_a_replaced_invoice_is_reported_on_the_new_one(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.edit(invoice, "150.00")
    shop.cheque(invoice, "50.00")
    shop.sync(invoice)
    old, new = shop.st_invoices(invoice)
    assert (old["status"], new["status"], new["amount_remaining"]) == ("void", "open", 10000)
    assert shop.differences(invoice) == []
