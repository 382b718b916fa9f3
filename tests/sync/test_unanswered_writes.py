"""A write to Stripe whose answer never came is repeated as it was; one that is not made any more is ended."""

from __future__ import annotations

import pytest

from connector.writes import in_order
from tests.pipeline.shop import Shop

POST = {"method": "POST", "path_regex": r"/payments/payments$"}


def states(shop: Shop) -> list[tuple[str, str]]:
    """Where each attempt to record a payment in FreshBooks stands, oldest first."""
    made = sorted(shop.writes(operation="freshbooks.payments.create"), key=lambda row: row.pk)
    return [(row.state, row.error) for row in made]


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


@pytest.fixture
def put_off(shop: Shop) -> tuple[int, str]:
    """An invoice paid in Stripe, whose payment FreshBooks had no time for yet; and the payment."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    intent = shop.pay(invoice)["payment_intent"]
    shop.freshbooks.fault("status_429", POST)
    shop.look(invoice)
    assert states(shop) == [("sending", "not sent yet")]
    return invoice, str(intent)


def test_a_payment_put_off_that_went_back_is_no_longer_being_sent(
    shop: Shop, put_off: tuple[int, str]
) -> None:
    invoice, intent = put_off
    refund = shop.st("refund", payment_intent=intent, status="pending")["id"]
    shop.settle()
    assert [row.recording for row in shop.collected(invoice)] == ["observed"]
    assert [state for state, _ in states(shop)] == ["rejected"]
    shop.st("fail_refund", refund=refund)
    shop.sync(invoice)
    assert [row["amount"]["amount"] for row in shop.fb_payments(invoice)] == ["100.00"]
    assert [state for state, _ in states(shop)] == ["rejected", "confirmed"]


def test_a_payment_put_off_and_left_to_a_person_is_no_longer_being_sent(
    shop: Shop, put_off: tuple[int, str]
) -> None:
    invoice, _ = put_off
    shop.cheque(invoice, "100.00", type="Credit Card")
    shop.settle()
    assert [row.recording for row in shop.collected(invoice)] == ["needs_you"]
    assert [state for state, _ in states(shop)] == ["rejected"]


def test_a_void_put_off_until_the_client_had_paid_is_no_longer_being_sent(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.edit(invoice, "120.00")
    shop.stripe.fault("status_429", {"method": "POST", "path_regex": "/void$"})
    shop.look(invoice)
    assert [row.state for row in shop.writes(operation="stripe.invoices.void")] == ["sending"]
    shop.pay(invoice)
    shop.settle()
    assert [row.state for row in shop.writes(operation="stripe.invoices.void")] == ["rejected"]
    assert shop.statuses(invoice) == ["paid"]
    assert shop.link(invoice).state == "blocked"
