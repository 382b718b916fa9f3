"""A write to Stripe whose answer never came is repeated as it was, not as something new."""

from __future__ import annotations

import pytest

from connector.writes import in_order
from tests.pipeline.shop import Shop


@pytest.mark.parametrize("step", ["^/v1/customers$", "^/v1/invoices$", "/add_lines$", "/finalize$"])
def test_an_unanswered_step_is_repeated_and_done_once(shop: Shop, step: str) -> None:
    shop.stripe.fault("reset_after", {"method": "POST", "path_regex": step})
    invoice = shop.invoice("85.50", "12.00")
    link = shop.sync(invoice)
    (made,) = shop.st_invoices(invoice)
    assert (made["status"], made["total"], made["number"]) == ("open", 9750, link.number)
    assert len(shop.st_book()["customers"]) == 1


def test_a_body_is_sent_in_one_order_whoever_kept_it() -> None:
    sent = {"b": 1, "a": {"d": ({"f": 2, "e": 3},), "c": ""}}
    ordered = in_order(sent)
    assert list(ordered) == ["a", "b"]
    assert list(ordered["a"]) == ["c", "d"]
    assert list(ordered["a"]["d"][0]) == ["e", "f"]
