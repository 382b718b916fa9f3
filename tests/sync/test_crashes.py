"""The worker dies at every point of a job, once each: the vendors' books end the same.

A point is either side of any vendor call, or the beginning of any transaction. What is compared is
what both simulators have in the end, not what we believe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.pipeline.interference import KillAt, KillAtScope, interfering, recover, run_killed
from tests.pipeline.shop import Shop
from tests.sync.matching_steps import arrive, customer_of, decide, look_up, undo_only

Happening = Callable[[], object]
Story = Callable[[Shop], tuple[int, Happening]]
MOST_POINTS = 120


def new_invoice(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00", "20.00")
    return invoice, lambda: None


def edited_invoice(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    return invoice, lambda: shop.edit(invoice, "15.00")


def collected_payment(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    return invoice, lambda: shop.pay(invoice, 600)


def cheque_in_part(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    return invoice, lambda: shop.cheque(invoice, "4.00")


def cheque_in_full(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    return invoice, lambda: shop.cheque(invoice, "10.00")


def cheque_of_half(shop: Shop) -> tuple[int, Happening]:
    """After it, exactly its amount remains: it must not be taken for a cheque in full."""
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    return invoice, lambda: shop.cheque(invoice, "5.00")


def edited_draft(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00", send=False)
    shop.sync(invoice)
    return invoice, lambda: shop.edit(invoice, "12.00")


def draft_sent(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00", send=False)
    shop.sync(invoice)
    return invoice, lambda: shop.fb("send_invoice", id=invoice)


def deleted(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    return invoice, lambda: shop.fb("delete_invoice", id=invoice)


def matched_whole(shop: Shop) -> tuple[int, Happening]:
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    paid = arrive(shop, 1000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    return invoice, lambda: decide(shop, paid, (invoice, 1000))


def matched_half(shop: Shop) -> tuple[int, Happening]:
    """After it, exactly its amount remains."""
    invoice = shop.invoice("10.00")
    shop.sync(invoice)
    paid = arrive(shop, 700, customer=customer_of(shop))
    look_up(shop, paid["id"])
    return invoice, lambda: decide(shop, paid, (invoice, 500))


def match_undone(shop: Shop) -> tuple[int, Happening]:
    invoice, decided = matched_half(shop)
    decided()
    shop.settle()
    return invoice, lambda: undo_only(shop)


STORIES: dict[str, Story] = {
    "new": new_invoice,
    "edited": edited_invoice,
    "collected": collected_payment,
    "cheque": cheque_in_part,
    "cheque in full": cheque_in_full,
    "cheque of half": cheque_of_half,
    "edited draft": edited_draft,
    "draft sent": draft_sent,
    "deleted": deleted,
    "matched": matched_whole,
    "matched half": matched_half,
    "match undone": match_undone,
}


def books(shop: Shop, invoice: int) -> dict[str, Any]:
    """What both vendors have, without ids and times."""
    stripe = shop.st_book()
    return {
        "invoices": [
            (row["status"], row["total"], row["amount_remaining"], len(stripe["lines"][row["id"]]))
            for row in shop.st_invoices(invoice)
        ],
        "all_invoices": len(stripe["invoices"]),
        "customers": len(stripe["customers"]),
        "records": len(stripe.get("payment_records", [])),
        "payments": sorted(row["amount"]["amount"] for row in shop.fb_payments(invoice)),
        "differences": shop.differences(invoice),
        "link": shop.link(invoice).state,
        "reporting": [row.reporting for row in shop.outside(invoice)],
        "unanswered": [
            row.operation for row in shop.writes() if row.state in {"sending", "unknown"}
        ],
    }


def play(
    shop: Shop, story: Story, killer: KillAt | KillAtScope | None
) -> tuple[dict[str, Any], bool]:
    """The story with one death in it, if there is that point; the books, and whether it died."""
    invoice, happens = story(shop)
    happens()
    shop.enqueue_look(invoice)
    died = False
    if isinstance(killer, KillAt):
        with interfering(shop, killer):
            died = run_killed(shop)
    elif killer is not None:
        died = run_killed(shop, statements=killer)
    recover()
    shop.settle()
    return books(shop, invoice), died


def die_at_each(shop: Shop, name: str, killers: Iterator[KillAt | KillAtScope]) -> int:
    """Play the story once for each killer until one finds nothing to kill; answer how many did."""
    expected, _ = play(shop, STORIES[name], None)
    invoices, records = expected["all_invoices"], expected["records"]
    for rounds, killer in enumerate(killers, start=1):
        found, died = play(shop, STORIES[name], killer)
        if not died:
            return rounds - 1
        found["all_invoices"] -= invoices * rounds
        found["records"] -= records * rounds
        assert found == expected, f"died at {killer}"
    raise AssertionError("more points than expected")


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_a_death_around_any_vendor_call_changes_nothing_in_the_end(
    shop: Shop, name: str, before: bool
) -> None:
    killers = (KillAt(number, before=before) for number in range(1, MOST_POINTS))
    assert die_at_each(shop, name, killers) >= 2


@pytest.mark.parametrize(("name", "first"), [("edited", 1), ("collected", 2), ("matched", 3)])
def test_a_death_between_any_two_commits_changes_nothing_in_the_end(
    shop: Shop, name: str, first: int
) -> None:
    """Every fifth point: those next to a call are covered above."""
    killers = (KillAtScope(number) for number in range(first, MOST_POINTS, 5))
    assert die_at_each(shop, name, killers) >= 2
