"""Payments in both directions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connector.errors import AmountNotRepresentable, NotRepresentable, UnsupportedCurrency
from connector.idempotency import find_marker, payment_marker
from connector.mapping.payments import freshbooks_type, to_freshbooks_payment, to_payment_record
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksPayment, FreshBooksPaymentDraft
from connector.vendors.stripe.records import StripeInvoicePayment
from tests.mapping.builders import freshbooks_payment, invoice, stripe_payment
from tests.mapping.contract import violations

MARKER = payment_marker(secret=b"s", intent="1")
TORONTO = ZoneInfo("America/Toronto")


def recorded(
    payment: StripeInvoicePayment, *, zone: ZoneInfo = TORONTO, currency: str = "USD"
) -> FreshBooksPaymentDraft:
    return to_freshbooks_payment(
        payment, invoice=invoice(currency=currency), marker=MARKER, book_time_zone=zone
    )


def reported(payment: FreshBooksPayment) -> dict[str, Any]:
    body = to_payment_record(payment, stripe_customer_id="cus_1", freshbooks_account_id="Kq3ZrP")
    assert violations("/v1/payment_records/report_payment", body) == []
    return body


def test_stripe_payment_becomes_a_freshbooks_payment() -> None:
    draft = recorded(stripe_payment())
    assert draft == FreshBooksPaymentDraft(
        invoice_id=2903314,
        amount=Money(1000, "USD"),
        paid_on=date(2026, 3, 9),  # 03:30 UTC is the evening before in Toronto
        type="VISA",
        note=f"Stripe pi_1 inpay_1 {MARKER}",
    )
    assert find_marker(draft.note) == MARKER


def test_day_is_that_of_the_books() -> None:
    assert recorded(stripe_payment(), zone=ZoneInfo("UTC")).paid_on == date(2026, 3, 10)
    unknown = stripe_payment(paid_at=None)
    assert recorded(unknown).paid_on == date(2026, 3, 9)


def test_amount_is_the_share_of_this_invoice() -> None:
    share = stripe_payment(amount_requested=Money(9900, "USD"), amount_paid=Money(250, "USD"))
    assert recorded(share).amount == Money(250, "USD")


@pytest.mark.parametrize(
    ("method", "brand", "expected"),
    [
        ("card", "visa", "VISA"),
        ("card", "mastercard", "MASTERCARD"),
        ("card", "discover", "DISCOVER"),
        ("card", "amex", "AMEX"),
        ("card", "diners", "DINERS"),
        ("card", "jcb", "JCB"),
        ("card", "unionpay", "Credit Card"),
        ("card", "", "Credit Card"),
        ("card_present", "visa", "VISA"),
        ("us_bank_account", "", "ACH"),
        ("sepa_debit", "", "Bank Transfer"),
        ("bacs_debit", "", "Bank Transfer"),
        ("au_becs_debit", "", "Bank Transfer"),
        ("customer_balance", "", "Bank Transfer"),
        ("paypal", "", "PayPal"),
        ("link", "", "Other"),
        ("never_heard_of", "", "Other"),
        ("", "", "Other"),
    ],
)
def test_type(method: str, brand: str, expected: str) -> None:
    assert freshbooks_type(stripe_payment(method_type=method, card_brand=brand)) == expected


def test_legacy_charge_is_named_in_the_note() -> None:
    payment = stripe_payment(payment_type="charge", payment_intent_id="", charge_id="ch_1")
    assert recorded(payment).note == f"Stripe ch_1 inpay_1 {MARKER}"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"payment_type": "payment_record"}, NotRepresentable),
        ({"payment_type": ""}, NotRepresentable),
        ({"payment_type": "never_heard_of"}, NotRepresentable),
        ({"status": "open"}, NotRepresentable),
        ({"status": "canceled"}, NotRepresentable),
        ({"amount_paid": None}, NotRepresentable),
        ({"amount_paid": Money(0, "USD")}, AmountNotRepresentable),
        ({"amount_paid": Money(-1, "USD")}, AmountNotRepresentable),
        ({"amount_paid": Money(1000, "CAD")}, UnsupportedCurrency),
    ],
)
def test_what_is_no_stripe_money_of_this_invoice_is_refused(
    changes: dict[str, Any], error: type[NotRepresentable]
) -> None:
    with pytest.raises(error):
        recorded(stripe_payment(**changes))


def test_freshbooks_payment_becomes_a_payment_record() -> None:
    noon = int(datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp())
    assert reported(freshbooks_payment()) == {
        "amount_requested": {"currency": "cad", "value": 50000},
        "initiated_at": noon,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": noon},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Cheque"}},
        "customer_details": {"customer": "cus_1"},
        "processor_details": {
            "type": "custom",
            "custom": {"payment_reference": "fb-pay-771405"},
        },
        "description": "Cheque recorded in FreshBooks",
        "metadata": {"fb_account": "Kq3ZrP", "fb_payment_id": "771405"},
    }


def test_reported_time_is_never_after_the_last_change_in_freshbooks() -> None:
    payment = freshbooks_payment(paid_on=date(2027, 1, 1))
    assert reported(payment)["initiated_at"] == int(payment.updated_at.timestamp())


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("Check", "Cheque"),
        ("Cash", "Cash"),
        ("Bank Transfer", "Bank Transfer"),
        ("Credit", "Client credit"),
        ("Other", "Other payment"),
        ("", "Payment"),
        ("x" * 10_000, "x" * 100),
    ],
)
def test_shown_type(kind: str, shown: str) -> None:
    body = reported(freshbooks_payment(type=kind))
    assert body["payment_method_details"]["custom"]["display_name"] == shown


@pytest.mark.parametrize("amount", [Money(0, "CAD"), Money(-5, "CAD"), Money(5124, "KWD")])
def test_impossible_amounts_are_not_reported(amount: Money) -> None:
    with pytest.raises(AmountNotRepresentable):
        reported(freshbooks_payment(amount=amount))
