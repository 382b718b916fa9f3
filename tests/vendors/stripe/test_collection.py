"""What was collected on an invoice: the invoice and its payments in as few reads as possible."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.errors import VendorContractBroken
from connector.money import Money
from connector.vendors.stripe import payment_calls
from connector.vendors.stripe.client import StripeAccountClient
from tests.vendors.local_server import LocalVendor, RecordingGate, fixture

V = "stripe/2026-10-28.endive"
INVOICE = fixture(f"{V}/invoice.json")
PAYMENT = fixture(f"{V}/invoice_payment.json")
CHARGE = {
    **fixture(f"{V}/charge.json"),
    "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
}
INTENT = {**fixture(f"{V}/payment_intent.json"), "latest_charge": CHARGE}
INVOICE_ID = INVOICE["id"]


def expanded(**changes: Any) -> dict[str, Any]:
    payment = {"type": "payment_intent", "payment_intent": INTENT}
    return {**PAYMENT, "invoice": INVOICE, "payment": payment, **changes}


def listed(*rows: Any, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": "/v1/x"}


def test_one_read_gives_both(
    stripe_client: StripeAccountClient, vendor: LocalVendor, gate: RecordingGate
) -> None:
    vendor.answers_json(listed(expanded()))
    invoice, (payment,) = stripe_client.collection(INVOICE_ID)
    assert (invoice.id, invoice.amount_remaining) == (INVOICE_ID, Money(7600, "USD"))
    assert payment.amount_paid == Money(5000, "USD")
    assert (payment.payment_type, payment.payment_intent_id) == (
        "payment_intent",
        "pi_3SQ0LzJx0aTq9WvE0b",
    )
    assert (payment.charge_id, payment.payment_intent_status) == (CHARGE["id"], "succeeded")
    assert (payment.method_type, payment.card_brand) == ("card", "visa")
    assert payment.paid_at == datetime.fromtimestamp(1793710804, UTC)
    (seen,) = vendor.seen
    assert dict(seen.query) == {
        "limit": "100",
        "invoice": INVOICE_ID,
        "expand[0]": "data.payment.payment_intent.latest_charge",
        "expand[1]": "data.invoice",
    }
    assert gate.asked == [("stripe", "stripe.invoice_payments.collection")]


@pytest.mark.parametrize("rows", [[], [PAYMENT]], ids=["no payments", "invoice not expanded"])
def test_otherwise_a_second_read_gets_the_invoice(
    stripe_client: StripeAccountClient, vendor: LocalVendor, rows: list[Any]
) -> None:
    vendor.answers_json(listed(*rows))
    vendor.answers_json(INVOICE)
    invoice, payments = stripe_client.collection(INVOICE_ID)
    assert (invoice.id, len(payments)) == (INVOICE_ID, len(rows))
    assert [seen.path for seen in vendor.seen] == [
        "/v1/invoice_payments",
        f"/v1/invoices/{INVOICE_ID}",
    ]


def test_all_pages_are_read(stripe_client: StripeAccountClient, vendor: LocalVendor) -> None:
    vendor.answers_json(listed(expanded(), has_more=True))
    vendor.answers_json(listed(expanded(id="inpay_2")))
    _, payments = stripe_client.collection(INVOICE_ID)
    assert [payment.id for payment in payments] == [PAYMENT["id"], "inpay_2"]
    assert dict(vendor.seen[1].query)["starting_after"] == PAYMENT["id"]


def test_an_endless_list_is_left(
    stripe_client: StripeAccountClient, vendor: LocalVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_calls, "MAX_COLLECTION_PAGES", 2)
    for _ in range(2):
        vendor.answers_json(listed(expanded(), has_more=True))
    with pytest.raises(VendorContractBroken, match="more than 2 pages"):
        stripe_client.collection(INVOICE_ID)
    assert len(vendor.seen) == 2


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (expanded(invoice="in_other"), "only rows of"),
        (expanded(currency="zzz"), "currency"),
        (expanded(amount_paid="much"), "amount_paid"),
        (expanded(payment=None), "payment"),
    ],
)
def test_a_sum_is_never_made_of_what_cannot_be_trusted(
    stripe_client: StripeAccountClient, vendor: LocalVendor, row: Any, told: str
) -> None:
    vendor.answers_json(listed(expanded(), row))
    with pytest.raises(VendorContractBroken, match=told):
        stripe_client.collection(INVOICE_ID)


@pytest.mark.parametrize(
    ("payment", "expected"),
    [
        ({"type": "payment_intent", "payment_intent": "pi_1"}, ("pi_1", "", "", "", "")),
        (
            {"type": "payment_intent", "payment_intent": {**INTENT, "latest_charge": "ch_1"}},
            (INTENT["id"], "ch_1", "", "", ""),
        ),
        (
            {"type": "payment_intent", "payment_intent": {**INTENT, "latest_charge": None}},
            (INTENT["id"], "", "", "", ""),
        ),
        ({"type": "charge", "charge": "ch_1"}, ("", "ch_1", "", "", "")),
        ({"type": "charge", "charge": CHARGE}, ("", CHARGE["id"], "", "card", "visa")),
        (
            {"type": "charge", "charge": {**CHARGE, "payment_method_details": {"type": "ach_x"}}},
            ("", CHARGE["id"], "", "ach_x", ""),
        ),
        ({"type": "payment_record", "payment_record": "pr_1"}, ("", "", "pr_1", "", "")),
        ({"type": "brand_new"}, ("", "", "", "", "")),
    ],
)
def test_every_kind_of_payment_is_read(
    stripe_client: StripeAccountClient,
    vendor: LocalVendor,
    payment: dict[str, Any],
    expected: tuple[str, ...],
) -> None:
    unpaid = {"amount_paid": None, "status_transitions": {"paid_at": None}}
    vendor.answers_json(listed(expanded(payment=payment, **unpaid)))
    _, (found,) = stripe_client.collection(INVOICE_ID)
    assert (
        found.payment_intent_id,
        found.charge_id,
        found.payment_record_id,
        found.method_type,
        found.card_brand,
    ) == expected
    assert (found.amount_paid, found.paid_at) == (None, None)
