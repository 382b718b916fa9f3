"""Stripe's times are whole seconds and its ids random: what came first is what its lists say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.money import Money
from connector.sync.cash_balance import held_transfers
from connector.vendors.stripe.money_records import StripeCashMovement
from tests.pipeline.shop import Shop
from tests.sync.matching_steps import customer_of, facts, strays

NOON = datetime(2026, 7, 6, 12, tzinfo=UTC)


def moved(movement_id: str, amount: int, kind: str = "funded") -> StripeCashMovement:
    return StripeCashMovement(
        id=movement_id,
        type=kind,
        customer_id="cus_1",
        net_amount=Money(amount, "CAD"),
        payment_intent_id="",
        created_at=NOON,
    )


@pytest.mark.parametrize(("earlier", "later"), [("a", "b"), ("b", "a")])
def test_the_transfer_that_came_first_is_used_first(earlier: str, later: str) -> None:
    used = moved("c", -10000, "applied_to_payment")
    transfers = held_transfers([used, moved(later, 5000), moved(earlier, 6000)])
    assert [(row.movement.id, row.applied_minor, row.left_minor) for row in transfers] == [
        (earlier, 6000, 0),
        (later, 4000, 1000),
    ]


def test_many_transfers_of_a_moment_are_used_in_their_order(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    customer = customer_of(shop)
    for amount in (1100, 1200, 1300, 1400, 1500, 1600):
        shop.st("fund_cash_balance", customer=customer, amount=amount, currency="cad")
    shop.poll()
    shop.st("fund_cash_balance", customer=customer, amount=5000, currency="cad")
    shop.poll()
    assert [(row.amount_minor, row.applied_minor) for row in strays(shop)] == [
        *((amount, amount) for amount in (1100, 1200, 1300, 1400, 1500, 1600)),
        (5000, 1900),
    ]


def test_many_refunds_of_a_moment_take_from_the_excess_in_their_order(shop: Shop) -> None:
    """What was paid too much, 30.00, is what the first refunds take."""
    shop.stripe.switch(overpayment_in_invoice_payment="left_out")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = shop.pay(invoice, 13000)
    for amount in (1100, 1200, 1300, 1400, 1500):
        shop.st("refund", payment_intent=paid["payment_intent"], amount=amount)
    shop.sync(invoice)
    taken = [minor for _, minor in facts(shop, "refunded")]
    assert taken == [0, 0, -600, -1400, -1500]
