"""Stripe's objects about money become records; what is odd is refused with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import VendorContractBroken
from connector.money import Money
from connector.vendors.reading import Fields
from connector.vendors.stripe import money_parsing as parsing
from connector.vendors.stripe.parsing import to_event
from tests.vendors.local_server import fixture

V = "stripe/2026-10-28.endive"
PAYMENT, CHARGE = "pi_3SQ0LzJx0aTq9WvE0b", "ch_3SQ0LzJx0aTq9WvE0q"


def body(name: str, **changes: object) -> Fields:
    found: dict[str, Any] = fixture(f"{V}/{name}.json")
    return Fields.of({**found, **changes}, vendor="stripe", where="x")


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def test_a_charge() -> None:
    found = parsing.to_charge(body("charge"))
    assert (found.id, found.status, found.payment_intent_id) == (CHARGE, "succeeded", PAYMENT)
    assert (found.amount, found.amount_captured) == (usd(5000), usd(5000))
    assert (found.amount_refunded, found.disputed) == (usd(0), False)
    assert (found.payer_name, found.payer_email) == ("Ann Park", "ap@bluefir.example")
    assert (found.presentment, found.balance_transaction_id) == (None, "txn_3SQ0LzJx0aTq9WvE0z")
    assert found.created_at == datetime.fromtimestamp(1793710801, UTC)


def test_a_charge_with_little_and_with_much() -> None:
    bare = parsing.to_charge(
        body(
            "charge",
            billing_details=None,
            payment_intent=None,
            customer=None,
            balance_transaction=None,
            receipt_email="ap@bluefir.example",
        )
    )
    assert (bare.payment_intent_id, bare.customer_id, bare.balance_transaction_id) == ("", "", "")
    assert (bare.payer_name, bare.payer_email) == ("", "ap@bluefir.example")
    shown = {"presentment_amount": 4600, "presentment_currency": "eur"}
    method = {"type": "card", "card": {"brand": "visa"}}
    rich = parsing.to_charge(
        body("charge", presentment_details=shown, payment_method_details=method)
    )
    assert rich.presentment == Money(4600, "EUR")
    assert (rich.method_type, rich.card_brand) == ("card", "visa")


def test_a_payment_intent_with_and_without_its_charge() -> None:
    plain = parsing.to_payment_intent(body("payment_intent"))
    assert (plain.id, plain.status, plain.amount_received) == (PAYMENT, "succeeded", usd(5000))
    assert (plain.latest_charge, plain.failure) == (None, "")
    full = parsing.to_payment_intent(
        body("payment_intent", latest_charge=fixture(f"{V}/charge.json"))
    )
    assert full.latest_charge is not None
    assert full.latest_charge.id == CHARGE
    failed = parsing.to_payment_intent(
        body("payment_intent", latest_charge=None, last_payment_error={"message": "No funds."})
    )
    assert (failed.latest_charge, failed.failure) == (None, "No funds.")


def test_a_refund() -> None:
    found = parsing.to_refund(body("refund"))
    assert (found.amount, found.status) == (usd(1000), "succeeded")
    assert (found.charge_id, found.payment_intent_id) == (CHARGE, PAYMENT)
    assert (found.reason, found.failure_reason) == ("requested_by_customer", "")
    failed = parsing.to_refund(body("refund", status="failed", failure_reason="declined"))
    assert (failed.status, failed.failure_reason) == ("failed", "declined")


def test_a_movement_of_the_balance() -> None:
    found = parsing.to_balance_transaction(body("balance_transaction"))
    assert (found.amount, found.fee, found.net) == (usd(5000), usd(175), usd(4825))
    assert (found.type, found.source_id, found.exchange_rate) == ("charge", CHARGE, None)
    assert found.available_on == datetime.fromtimestamp(1793880000, UTC)
    fee = parsing.to_balance_transaction(
        body("balance_transaction", source=None, type="stripe_fee", amount=-299, fee=0, net=-299)
    )
    assert (fee.source_id, fee.net) == ("", usd(-299))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0.73, Decimal("0.73")),  # what the stripe package makes of a number
        (0.7299270072992701, Decimal("0.7299270072992701")),
        (6.7e-05, Decimal("0.000067")),
        (2, Decimal(2)),
        ("0.73", Decimal("0.73")),
        (Decimal("0.73"), Decimal("0.73")),
    ],
)
def test_a_rate_keeps_every_digit_that_stripe_wrote(given: object, expected: Decimal) -> None:
    found = parsing.to_balance_transaction(body("balance_transaction", exchange_rate=given))
    assert found.exchange_rate == expected


@pytest.mark.parametrize("given", [float("nan"), float("inf"), True, {}, "1,5"])
def test_what_is_no_rate_is_refused(given: object) -> None:
    with pytest.raises(VendorContractBroken) as raised:
        parsing.to_balance_transaction(body("balance_transaction", exchange_rate=given))
    assert raised.value.field == "exchange_rate"


def test_a_dispute() -> None:
    found = parsing.to_dispute(body("dispute"))
    assert (found.amount, found.status, found.reason) == (usd(5000), "needs_response", "fraudulent")
    assert (found.charge_id, found.payment_intent_id, found.movements) == (CHARGE, PAYMENT, ())
    assert found.due_by == datetime.fromtimestamp(1794520800, UTC)
    moved = [fixture(f"{V}/balance_transaction.json") | {"amount": -5000, "net": -6500}]
    taken = parsing.to_dispute(
        body("dispute", balance_transactions=moved, evidence_details={"due_by": None})
    )
    assert ([move.net for move in taken.movements], taken.due_by) == ([usd(-6500)], None)
    assert parsing.to_dispute(body("dispute", balance_transactions=None)).movements == ()


def test_a_payout() -> None:
    found = parsing.to_payout(body("payout"))
    assert (found.amount, found.status) == (usd(4825), "in_transit")
    assert (found.automatic, found.reconciliation) == (True, "completed")
    assert found.arrives_on == date(2026, 11, 6)
    manual = parsing.to_payout(
        body("payout", automatic=False, reconciliation_status="not_applicable")
    )
    assert (manual.automatic, manual.reconciliation) == (False, "not_applicable")


def test_a_credit_note() -> None:
    found = parsing.to_credit_note(body("credit_note"))
    assert (found.amount, found.pre_payment, found.post_payment) == (usd(600), usd(600), usd(0))
    assert (found.status, found.invoice_id) == ("issued", "in_1SPz7cJx0aTq9WvEb4")


def test_a_movement_of_a_cash_balance() -> None:
    found = parsing.to_cash_movement(body("customer_cash_balance_transaction"))
    assert (found.net_amount, found.payment_intent_id) == (usd(-5000), PAYMENT)
    funded = parsing.to_cash_movement(
        body("customer_cash_balance_transaction", type="funded", applied_to_payment=None)
    )
    assert (funded.type, funded.payment_intent_id) == ("funded", "")


NEEDED: list[tuple[Callable[[Fields], object], str, tuple[str, ...]]] = [
    (
        parsing.to_charge,
        "charge",
        ("id", "status", "amount", "amount_captured", "amount_refunded", "currency", "created"),
    ),
    (
        parsing.to_payment_intent,
        "payment_intent",
        ("id", "status", "amount", "amount_received", "currency", "created"),
    ),
    (parsing.to_refund, "refund", ("id", "status", "amount", "currency", "created")),
    (
        parsing.to_balance_transaction,
        "balance_transaction",
        ("id", "type", "amount", "fee", "net", "currency", "created"),
    ),
    (parsing.to_dispute, "dispute", ("id", "status", "amount", "currency", "created")),
    (parsing.to_payout, "payout", ("id", "status", "amount", "currency", "created")),
    (parsing.to_payout, "payout", ("arrival_date",)),
    (
        parsing.to_credit_note,
        "credit_note",
        ("id", "status", "amount", "pre_payment_amount", "post_payment_amount", "created"),
    ),
    (
        parsing.to_cash_movement,
        "customer_cash_balance_transaction",
        ("id", "type", "net_amount", "currency", "created"),
    ),
]


@pytest.mark.parametrize(
    ("parse", "name", "field"),
    [(parse, name, field) for parse, name, needed in NEEDED for field in needed],
)
@pytest.mark.parametrize("value", [None, {}, "x y"], ids=["missing", "object", "text"])
def test_what_is_needed_and_not_there_is_named(
    parse: Callable[[Fields], object], name: str, field: str, value: object
) -> None:
    if value == "x y" and field in {"id", "status", "type"}:
        return  # any text will do
    with pytest.raises(VendorContractBroken) as raised:
        parse(body(name, **{field: value}))
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("subject", "payment"),
    [
        ({"object": "payment_intent", "id": "pi_1"}, "pi_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"object": "charge", "id": "ch_1", "payment_intent": None}, "ch_1"),
        ({"object": "refund", "id": "re_1", "charge": "ch_1", "payment_intent": "pi_1"}, "pi_1"),
        ({"object": "refund", "id": "re_1", "charge": "ch_1", "payment_intent": None}, "ch_1"),
        ({"object": "refund", "id": "re_1", "charge": {"id": "ch_1"}}, "ch_1"),
        ({"object": "dispute", "id": "du_1", "charge": "ch_1", "payment_intent": {}}, "ch_1"),
        (
            {
                "object": "invoice_payment",
                "id": "inpay_1",
                "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
            },
            "pi_1",
        ),
        ({"object": "payout", "id": "po_1"}, ""),
        ({"object": "invoice", "id": "in_1", "payment": 5}, ""),
    ],
)
def test_the_payment_of_an_event(subject: dict[str, Any], payment: str) -> None:
    event = to_event(body("event", data={"object": subject}))
    assert event.payment_id == payment


@pytest.mark.parametrize(
    ("customer", "expected"), [("cus_1", "cus_1"), ({"id": "cus_1"}, "cus_1"), (None, ""), (5, "")]
)
def test_the_customer_of_an_event(customer: object, expected: str) -> None:
    subject = {
        "object": "customer_cash_balance_transaction",
        "id": "ccsbtxn_1",
        "customer": customer,
    }
    assert to_event(body("event", data={"object": subject})).customer_id == expected
