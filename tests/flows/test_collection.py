"""From an invoice in FreshBooks to money in Stripe to a payment in FreshBooks, and how fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from demo.stack import wait_until
from tests.flows.running import FlowShop, System


def seconds_until(condition: Callable[[], object]) -> float:
    started = time.monotonic()
    wait_until(condition, "it to happen")
    return time.monotonic() - started


def test_invoice_to_collection_to_record_by_webhooks(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = system.open_shop(polls=False)
    invoice = shop.invoice("250.00", "19.99")
    to_open = seconds_until(lambda: shop.is_open(invoice))
    (asked,) = shop.st_invoices(invoice)
    assert (asked["total"], asked["status"]) == (26999, "open")
    shop.pay(invoice)
    to_record = seconds_until(lambda: shop.is_recorded(invoice))
    shop.wait_quiet()
    (recorded,) = shop.fb_payments(invoice)
    assert recorded["amount"]["amount"] == "269.99"
    assert shop.link_of(invoice)["collection_status"] == "paid"
    assert shop.rows("connector_discrepancy", "state = 'open'") == []
    with capsys.disabled():
        print(f"\n  sent to payable: {to_open:.1f} s; paid to recorded: {to_record:.1f} s")  # noqa: T201
    assert to_open < 30
    assert to_record < 30


def _story(shop: FlowShop) -> list[int]:
    """A little business, begun: one paid, one paid in part and by cheque, one edited, one deleted."""
    client = shop.client()
    invoices = [
        shop.invoice(amount, client=client) for amount in ("10.00", "20.00", "30.00", "40.00")
    ]
    shop.wait_open(*invoices)
    paid, mixed, edited, deleted = invoices
    shop.pay(paid)
    shop.pay(mixed, 500)
    shop.cheque(mixed, "7.00")
    shop.edit(edited, "33.00")
    shop.fb("delete_invoice", id=deleted)
    return invoices


def _is_over(shop: FlowShop, invoices: list[int]) -> bool:
    paid, mixed, edited, deleted = invoices
    return (
        shop.is_recorded(paid)
        and shop.is_recorded(mixed)
        and not shop.unfinished()
        and shop.st_invoices(mixed)[0]["amount_remaining"] == 800
        and shop.statuses(edited) == ["void", "open"]
        and shop.statuses(deleted) == ["void"]
    )


def test_lost_late_doubled_or_no_webhooks_all_end_the_same(system: System) -> None:
    """Each way alone must bring the same end (invariants I21 and I22)."""
    shops = {
        "webhooks and polls": system.open_shop(),
        "webhooks only": system.open_shop(polls=False),
        "polls only": system.open_shop(),
        "doubled and out of order": system.open_shop(polls=False),
    }
    shops["polls only"].disturb_webhooks("drop_webhook")
    shops["doubled and out of order"].disturb_webhooks(
        "duplicate_webhook", "reorder_webhooks", "forge_webhook"
    )

    def play(name: str) -> list[dict[str, Any]]:
        shop = shops[name]
        invoices = _story(shop)
        shop.wait_for(lambda: _is_over(shop, invoices), f"the end of {name}")
        return shop.end_state(invoices)

    with ThreadPoolExecutor(len(shops)) as pool:
        ends = dict(zip(shops, pool.map(play, shops), strict=True))
    expected = ends.pop("webhooks and polls")
    for end in ends.values():
        assert end == expected
    lost = shops["polls only"].rows("connector_delivery", "via = 'webhook'")
    assert lost == [], "no webhook came, as meant"
