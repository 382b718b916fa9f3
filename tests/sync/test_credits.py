"""What Stripe credits by itself: kept as facts, and explained where FreshBooks does not know."""

from __future__ import annotations

from connector.models import Discrepancy, MoneyFact
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop


def facts(shop: Shop, invoice: int) -> list[tuple[str, int | None]]:
    """Kind and amount in question of each fact about credits."""
    kinds = ("credit_note", "credit_note_voided", "balance_applied", "overpaid")
    with tenant_scope(shop.tenant.pk):
        rows = MoneyFact.objects.filter(
            invoice__freshbooks_invoice_id=invoice, kind__in=kinds
        ).order_by("pk")
        assert all(row.amount_minor == 0 for row in rows), "a credit moves no money by itself"
        return [(row.kind, row.about_minor) for row in rows]


def told(shop: Shop, kind: str) -> Discrepancy:
    with tenant_scope(shop.tenant.pk):
        row: Discrepancy = Discrepancy.objects.get(kind=kind, state="open")
        return row


def test_a_credit_note_lowers_what_stripe_asks_until_freshbooks_gives_it_too(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    link = shop.sync(invoice)
    shop.st("credit_invoice", invoice=link.stripe_invoice_id, amount=600)
    for _ in range(2):
        shop.sync(invoice)
    assert facts(shop, invoice) == [("credit_note", 600)]
    assert shop.differences(invoice) == ["credit_note_in_stripe"]
    row = told(shop, "credit_note_in_stripe")
    assert (row.freshbooks_minor, row.stripe_minor) == (10000, 9400)
    assert "same credit in FreshBooks" in row.suggested_step
    credit = shop.fb("give_credit", clientid=shop.client_id, amount="6.00")
    shop.fb("apply_credit", creditid=credit["id"], invoiceid=invoice, amount="6.00")
    shop.sync(invoice)
    assert shop.asking(invoice)["amount_remaining"] == 9400, "not taken off twice"
    assert shop.differences(invoice) == []
    shop.cheque(invoice, "94.00")
    link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert (link.collection_status, shop.differences(invoice)) == ("paid_outside", [])


def test_a_cheque_is_reported_although_a_credit_note_is_open(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    link = shop.sync(invoice)
    shop.st("credit_invoice", invoice=link.stripe_invoice_id, amount=600)
    shop.cheque(invoice, "94.00")
    shop.sync(invoice)
    shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert shop.differences(invoice) == ["credit_note_in_stripe"]


def test_a_credit_note_on_paid_money_is_kept_and_told(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    link = shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    shop.st("credit_invoice", invoice=link.stripe_invoice_id, amount=1500)
    shop.sync(invoice)
    assert facts(shop, invoice) == [("credit_note", 1500)]
    assert shop.differences(invoice) == ["credit_note_in_stripe"]


def test_an_overpayment_is_the_next_invoices_balance(shop: Shop) -> None:
    first = shop.invoice("100.00")
    shop.sync(first)
    shop.pay(first, 12500)
    shop.sync(first)
    assert facts(shop, first) == [("overpaid", 2500)]
    second = shop.invoice("80.00")
    for _ in range(2):
        shop.sync(second)
    assert shop.asking(second)["amount_remaining"] == 5500
    assert facts(shop, second) == [("balance_applied", 2500)]
    assert shop.differences(second) == ["customer_balance_used"]
    row = told(shop, "customer_balance_used")
    assert (row.freshbooks_minor, row.stripe_minor) == (8000, 5500)
    shop.cheque(second, "25.00", type="Credit")
    shop.pay(second)
    link = shop.sync(second)
    assert (link.collection_status, shop.differences(second)) == ("paid", [])


def test_no_credit_costs_no_read(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    asked = [row for row in shop.stripe.calls()["calls"] if "credit_notes" in row["route"]]
    assert asked == []
