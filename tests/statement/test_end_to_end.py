"""From both vendors' own books to the statement: what it says is what they have."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

import verify_statement
from connector.jobs import kinds
from connector.statement.building import one_moment
from connector.statement.changes import Changed, Changes
from connector.statement.closing import close_month
from connector.statement.formats import write_format
from connector.statement.making import Made, make_statement
from connector.statement.months import Month
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause


def this_month(shop: Shop) -> Made:
    today = datetime.now(ZoneInfo(shop.tenant.time_zone)).date()
    with one_moment(shop.tenant.pk):
        return make_statement(shop.tenant, Month.of(today))


def test_a_cheque_that_is_changed_after_the_month_was_closed(shop: Shop) -> None:
    today = datetime.now(ZoneInfo(shop.tenant.time_zone)).date()
    month = Month.of(today)
    lowered, deleted = shop.invoice("80.00"), shop.invoice("90.00")
    cheques = [shop.cheque(lowered, "30.00"), shop.cheque(deleted, "40.00")]
    for invoice in (lowered, deleted):
        shop.sync(invoice)
    with (
        tenant_scope(shop.tenant.pk),
        time_machine.travel(month.following.first_day + timedelta(days=3)),
    ):
        close_month(shop.tenant, month, cause=cause())
    assert changes_of(shop).count == 0
    shop.fb("edit_payment", id=cheques[0], payment={"amount": {"amount": "20.00", "code": "CAD"}})
    shop.fb("delete_payment", id=cheques[1])
    for invoice in (lowered, deleted):
        shop.sync(invoice)
    changes = changes_of(shop)
    elsewhere = "closing: paid elsewhere in FreshBooks"
    figures = {row.invoice: dict_of(row) for row in changes.invoices}
    assert figures[lowered][elsewhere] == (3000, 2000)
    assert figures[deleted][elsewhere] == (4000, 0)
    (total,) = changes.totals
    assert dict_of(total)[elsewhere] == (7000, 2000)
    assert all(row.facts for row in changes.invoices), "what arrived after is named"


def changes_of(shop: Shop) -> Changes:
    found = this_month(shop).changes
    assert found is not None
    return found


def dict_of(row: Changed) -> dict[str, tuple[int, int]]:
    return {name: (old, new) for name, old, new in row.figures()}


def cents(amount: str) -> int:
    return int(Decimal(amount) * 100)


@pytest.mark.parametrize("mode", ["record", "observe"])
def test_the_statement_is_what_both_vendors_have(shop: Shop, mode: str, tmp_path: Path) -> None:
    shop.tenant.payment_mode = mode
    shop.tenant.save()
    paid, refunded, cheque = (shop.invoice(text) for text in ("100.00", "250.50", "80.00"))
    for invoice in (paid, refunded, cheque):
        shop.sync(invoice)
    shop.pay(paid)
    shop.pay(refunded)
    shop.cheque(cheque, "30.00")
    for invoice in (paid, refunded, cheque):
        shop.sync(invoice)
    shop.st(
        "refund", payment_intent=shop.collected(refunded)[0].stripe_payment_intent_id, amount=5050
    )
    shop.sync(refunded)
    shop.enqueue(kinds.POLL_MONEY)
    shop.settle()
    made = this_month(shop)
    (total,) = made.statement.totals
    closing = total.closing
    assert (closing["collected"], closing["returned"]) == (35050, -5050)
    in_books = sum(
        cents(row["amount"]["amount"])
        for invoice in (paid, refunded, cheque)
        for row in shop.fb_payments(invoice)
    )
    assert closing["recorded"] + closing["elsewhere"] == in_books
    assert closing["elsewhere"] == 3000
    assert closing["recorded"] == (30000 if mode == "record" else 0)
    assert (total.unexplained, total.freshbooks_unknown) == (0, 0)
    assert total.difference == sum(total.explained.values())
    assert total.difference == (0 if mode == "record" else 30000)
    assert dict(total.explained) == ({} if mode == "record" else {"observed": 30000})
    assert total.loose_closing == 0
    path = tmp_path / "bundle.zip"
    with path.open("wb") as file:
        write_format(made, "bundle", file)
    assert verify_statement.main([str(path)]) == 0
