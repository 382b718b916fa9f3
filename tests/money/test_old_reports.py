"""What Stripe was told of before reports were facts of the journal becomes facts by migration 0003."""

from __future__ import annotations

from importlib import import_module

from django.db import connection

from connector.models import MoneyFact, OutsidePayment
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop

TOLD_SO_FAR: str = import_module("connector.migrations.0003_reports_in_the_journal").TOLD_SO_FAR


def reports(shop: Shop) -> list[tuple[str, int, str]]:
    with tenant_scope(shop.tenant.pk):
        rows = MoneyFact.objects.filter(kind="reported").order_by("pk")
        return [(row.key, row.amount_minor, row.payment_id) for row in rows]


def migrate() -> None:
    with connection.cursor() as cursor:
        cursor.execute(TOLD_SO_FAR)


def test_a_report_of_old_becomes_a_fact_once_and_a_known_one_stays_one(shop: Shop) -> None:
    invoice = shop.invoice("80.00")
    shop.sync(invoice)
    cheque = shop.cheque(invoice, "30.00")
    shop.sync(invoice)
    known = reports(shop)
    assert known == [(f"reported:{cheque}:0", 3000, str(cheque))]
    migrate()
    assert reports(shop) == known, "today's code writes the key that the migration writes"
    (row,) = shop.outside(invoice)
    row.pk, row.freshbooks_payment_id = None, cheque + 1
    with tenant_scope(shop.tenant.pk):
        row.save(force_insert=True)
    for _ in range(2):
        migrate()
        assert reports(shop) == [*known, (f"reported:{cheque + 1}:0", 3000, str(cheque + 1))]
    with tenant_scope(shop.tenant.pk):
        assert OutsidePayment.objects.count() == 2
