"""What Stripe was told of payments elsewhere stands in the journal, each telling once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connector.collection import rebuild
from connector.journal import totals_of
from connector.models import MoneyFact, OutsidePayment
from connector.statement.building import build_statement
from connector.statement.months import Month
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop
from tests.sync.test_outside import money

REPORTED = MoneyFact.Kind.REPORTED


def told(shop: Shop) -> list[MoneyFact]:
    with tenant_scope(shop.tenant.pk):
        return list(MoneyFact.objects.filter(kind=REPORTED).order_by("pk"))


def amounts(shop: Shop) -> list[int]:
    return [fact.amount_minor for fact in told(shop)]


def total_told(shop: Shop, invoice: int) -> int:
    with tenant_scope(shop.tenant.pk):
        link = shop.link(invoice)
        return totals_of([link.pk])[link.pk].reported


def cheque(shop: Shop, amount: str) -> tuple[int, int]:
    """An invoice and the cheque on it of which Stripe was told."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    made = shop.cheque(invoice, amount)
    shop.sync(invoice)
    return invoice, made


def test_a_report_is_one_fact_with_both_clocks(shop: Shop) -> None:
    invoice, number = cheque(shop, "40.00")
    shop.sync(invoice)
    shop.reconcile()
    (fact,) = told(shop)
    (record,) = shop.st_book()["payment_records"]
    assert (fact.amount_minor, fact.currency, fact.payment_id) == (4000, "CAD", str(number))
    assert fact.source_id == record["id"]
    assert fact.happened_at == datetime.fromtimestamp(record["created"], UTC)
    assert fact.seen_at >= fact.happened_at
    assert total_told(shop, invoice) == 4000


def test_an_invoice_that_a_cheque_pays_whole_is_told_once(shop: Shop) -> None:
    invoice, _ = cheque(shop, "100.00")
    shop.sync(invoice)
    (fact,) = told(shop)
    (made,) = shop.st_invoices(invoice)
    assert (fact.amount_minor, fact.source_id) == (10000, made["id"])
    assert fact.happened_at.timestamp() == made["status_transitions"]["paid_at"]


def test_raised_lowered_deleted_and_restored_are_each_a_fact(shop: Shop) -> None:
    invoice, number = cheque(shop, "40.00")
    for amount in ("55.00", "25.00"):
        shop.fb("edit_payment", id=number, payment=money(amount))
        for _ in range(2):
            shop.sync(invoice)
    shop.fb("delete_payment", id=number)
    shop.sync(invoice)
    shop.fb("restore_payment", id=number)
    for _ in range(3):
        shop.sync(invoice)
    (row,) = shop.outside(invoice)
    found = amounts(shop)
    assert sum(found) == row.told_minor == total_told(shop, invoice) == 2500
    assert found[:2] == [4000, 1500]
    assert sum(found[2:]) == -3000
    assert [amount > 0 for amount in found].count(True) == 3, "told, raised, told again"
    assert len({fact.key for fact in told(shop)}) == len(found)


def test_a_later_change_leaves_the_month_before_as_it_was(shop: Shop) -> None:
    """The statement reads facts only: what stands on the row now is of no month."""
    invoice, _ = cheque(shop, "40.00")
    today = datetime.now(UTC).date()
    (fact,) = told(shop)
    with tenant_scope(shop.tenant.pk):
        OutsidePayment.objects.update(
            reported_amount_minor=1000, reported_at=fact.happened_at - timedelta(days=400)
        )
        months = [Month.of(today - timedelta(days=400)), Month.of(today + timedelta(days=1))]
        before, now = (build_statement(shop.tenant, month) for month in months)
    assert before.movements == ()
    (line,) = (line for line in now.invoices if line.invoice == invoice)
    assert (line.closing["reported"], line.difference) == (4000, 0)


def test_what_was_told_is_derived_from_the_journal_again(shop: Shop) -> None:
    invoice, number = cheque(shop, "40.00")
    assert list(rebuild(shop.tenant.pk, save=False)) == []
    with tenant_scope(shop.tenant.pk):
        OutsidePayment.objects.update(reported_amount_minor=1)
    (change,) = rebuild(shop.tenant.pk, save=True)
    assert (change.name, change.saved, change.derived) == (
        f"told to Stripe of payment {number}",
        "1",
        "4000",
    )
    assert [row.told_minor for row in shop.outside(invoice)] == [4000]
