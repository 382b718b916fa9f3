"""From both vendors' own books to the statement: what it says is what they have."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import verify_statement
from connector.jobs import kinds
from connector.statement.building import one_moment
from connector.statement.formats import write_format
from connector.statement.making import Made, make_statement
from connector.statement.months import Month
from tests.pipeline.shop import Shop


def this_month(shop: Shop) -> Made:
    today = datetime.now(ZoneInfo(shop.tenant.time_zone)).date()
    with one_moment(shop.tenant.pk):
        return make_statement(shop.tenant, Month.of(today))


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
