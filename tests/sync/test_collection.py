"""Where the money stands is derived from the journal, and can be made again from it."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from connector.models import InvoiceLink
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop


def told(shop: Shop, *options: str) -> list[dict[str, str]]:
    out = StringIO()
    call_command("rebuild_collection", shop.tenant.slug, "--json", *options, stdout=out)
    rows: list[dict[str, str]] = json.loads(out.getvalue())["changes"]
    return rows


def statuses(shop: Shop) -> dict[int, tuple[str, int]]:
    with tenant_scope(shop.tenant.pk):
        return {
            link.freshbooks_invoice_id: (link.collection_status, link.returned_minor)
            for link in InvoiceLink.objects.all()
        }


@pytest.fixture
def month(shop: Shop) -> dict[str, int]:
    """Invoices that stand differently."""
    names = ("unpaid", "pending", "partly", "paid", "refunded", "disputed", "outside", "over")
    invoices = {name: shop.invoice("100.00") for name in names}
    for invoice in invoices.values():
        shop.sync(invoice)
    shop.pay(invoices["pending"], method="us_bank_account", outcome="processing")
    shop.pay(invoices["partly"], 4000)
    shop.pay(invoices["over"], 12000)
    shop.cheque(invoices["outside"], "100.00")
    for name in ("paid", "refunded", "disputed"):
        shop.pay(invoices[name])
        shop.sync(invoices[name])
    charges = {
        name: shop.collected(invoices[name])[0].stripe_charge_id
        for name in invoices
        if shop.collected(invoices[name])
    }
    shop.st("refund", charge=charges["refunded"])
    shop.st("dispute", charge=charges["disputed"])
    for invoice in invoices.values():
        shop.sync(invoice)
    return invoices


def test_everything_is_derived_from_the_journal_again(shop: Shop, month: dict[str, int]) -> None:
    before = statuses(shop)
    found = {name: before[invoice][0] for name, invoice in month.items()}
    assert found == {
        "unpaid": "unpaid",
        "pending": "pending",
        "partly": "partly_paid",
        "paid": "paid",
        "refunded": "refunded",
        "disputed": "disputed",
        "outside": "paid_outside",
        "over": "overpaid",
    }
    assert told(shop) == []
    with tenant_scope(shop.tenant.pk):
        InvoiceLink.objects.filter(freshbooks_invoice_id=month["partly"]).update(
            collection_status="paid", returned_minor=7
        )
    with pytest.raises(CommandError, match="Not what the journal says: 2"):
        told(shop)
    assert len(told(shop, "--save")) == 2
    assert statuses(shop) == before
