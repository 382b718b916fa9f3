"""Events about money without an invoice, twice and in any order: the same rows and facts in the end."""

from __future__ import annotations

import itertools

import pytest

from connector.models import Allocation, CollectedPayment, MoneyFact, StrayPayment
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop
from tests.sync.matching_steps import arrive, customer_of, decide, facts, look_up, strays


def standing(shop: Shop, invoice: int) -> tuple[object, ...]:
    """What is known in the end, without ids."""
    with tenant_scope(shop.tenant.pk):
        rows = StrayPayment.objects.order_by("pk")
        states = [(row.state, row.amount_minor, row.returned_minor) for row in rows]
        matches = list(Allocation.objects.values_list("amount_minor", flat=True))
        kept = [row.kept_minor for row in CollectedPayment.objects.order_by("pk")]
        returned = unmatched_part_returned()
    amounts = [row["amount"]["amount"] for row in shop.fb_payments(invoice)]
    return states, matches, kept, amounts, returned


def unmatched_part_returned() -> int:
    """What refunds took of money on no invoice, by the journal: all of it, or all but the invoice's."""
    rows = MoneyFact.objects.filter(kind=MoneyFact.Kind.REFUNDED)
    return sum(
        row.amount_minor if row.invoice_id is None else -(row.about_minor or 0) - row.amount_minor
        for row in rows
    )


@pytest.mark.parametrize("order", list(itertools.permutations(("event", "refund", "match"))))
def test_a_refund_a_match_and_late_events_end_the_same(shop: Shop, order: tuple[str, ...]) -> None:
    """150.00 arrive, 100.00 are matched, 50.00 go back: whatever is heard of first."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = arrive(shop, 15000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    for step in order:
        if step == "event":
            shop.poll()
        elif step == "refund":
            shop.st("refund", charge=paid["charge"], amount=5000)
        else:
            decide(shop, paid, (invoice, 10000))
    for _ in range(2):
        shop.poll()
        look_up(shop, paid["id"])
        shop.sync(invoice)
    assert standing(shop, invoice) == (
        [("matched", 15000, 5000)],
        [10000],
        [10000],
        ["100.00"],
        -5000,
    )


def test_each_event_again_changes_nothing(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = arrive(shop, 10000, customer=customer_of(shop), via="checkout")
    dispute = shop.st("dispute", charge=paid["charge"])
    shop.st("win_dispute", dispute=dispute["id"])
    shop.poll()
    before = standing(shop, invoice)
    assert [row.state for row in strays(shop)] == ["unmatched"]
    for name in (paid["charge"], paid["id"], paid["charge"], paid["id"]):
        look_up(shop, name)
    assert standing(shop, invoice) == before
    assert len(facts(shop, "stray")) == len(facts(shop, "dispute_won")) == 1
