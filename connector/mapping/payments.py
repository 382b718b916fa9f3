"""Payments in both directions: Stripe to FreshBooks, and FreshBooks to Stripe payment records."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from connector.errors import AmountNotRepresentable, NotRepresentable, UnsupportedCurrency
from connector.mapping.text import clean
from connector.money import Money
from connector.vendors.freshbooks.records import (
    FreshBooksInvoice,
    FreshBooksPayment,
    FreshBooksPaymentDraft,
)
from connector.vendors.stripe.records import StripeInvoicePayment

# Members of FreshBooks' closed list of payment types; "Stripe" is not one of them.
_TYPE_BY_CARD_BRAND = {
    "visa": "VISA",
    "mastercard": "MASTERCARD",
    "discover": "DISCOVER",
    "amex": "AMEX",
    "diners": "DINERS",
    "jcb": "JCB",
}
_TYPE_BY_METHOD = {
    "us_bank_account": "ACH",
    "sepa_debit": "Bank Transfer",
    "bacs_debit": "Bank Transfer",
    "au_becs_debit": "Bank Transfer",
    "acss_debit": "Bank Transfer",
    "nz_bank_account": "Bank Transfer",
    "customer_balance": "Bank Transfer",
    "paypal": "PayPal",
}
_CARD_METHODS = frozenset({"card", "card_present"})
_STRIPE_MONEY = frozenset({"payment_intent", "charge"})
# How FreshBooks' types are shown on the Stripe invoice where its own word says too little.
_SHOWN_TYPE = {
    "Check": "Cheque",
    "Credit": "Client credit",
    "Other": "Other payment",
    "": "Payment",
}


def to_freshbooks_payment(
    payment: StripeInvoicePayment,
    *,
    invoice: FreshBooksInvoice,
    marker: str,
    book_time_zone: ZoneInfo,
) -> FreshBooksPaymentDraft:
    """Build the FreshBooks payment that mirrors one paid Stripe invoice payment.

    Shapes: the amount is the invoice payment's `amount_paid`, never the charge's amount, because one
        charge may pay several invoices. The date is the day of payment where the books are kept.
    Raises: NotRepresentable if it is not paid, or is a payment record (money that FreshBooks told
        Stripe about, which must not come back); UnsupportedCurrency if it is not the invoice's.
    """
    if payment.payment_type not in _STRIPE_MONEY:
        raise NotRepresentable(
            f"Stripe payment {payment.id} is a {payment.payment_type or 'payment of unknown kind'}, "
            "not money that Stripe collected, so it is not recorded in FreshBooks.",
            vendor="stripe",
        )
    amount = payment.amount_paid
    if payment.status != "paid" or amount is None:
        raise NotRepresentable(f"Stripe payment {payment.id} is not paid.", vendor="stripe")
    if amount.currency != invoice.currency_code:
        raise UnsupportedCurrency(
            f"Stripe payment {payment.id} is in {amount.currency}, the FreshBooks invoice in "
            f"{invoice.currency_code}.",
            next_step="Record this payment in FreshBooks by hand, in the invoice's currency.",
        )
    if amount.amount_minor <= 0:
        raise AmountNotRepresentable(f"Stripe payment {payment.id} has the amount {amount}.")
    paid_at = payment.paid_at or payment.created_at
    source = payment.payment_intent_id or payment.charge_id
    return FreshBooksPaymentDraft(
        invoice_id=invoice.id,
        amount=amount,
        paid_on=paid_at.astimezone(book_time_zone).date(),
        type=freshbooks_type(payment),
        note=" ".join(part for part in ("Stripe", source, payment.id, marker) if part),
    )


def freshbooks_type(payment: StripeInvoicePayment) -> str:
    """The FreshBooks payment type of a Stripe payment method; "Other" when none fits."""
    if payment.method_type in _CARD_METHODS:
        return _TYPE_BY_CARD_BRAND.get(payment.card_brand.lower(), "Credit Card")
    return _TYPE_BY_METHOD.get(payment.method_type, "Other")


def to_payment_record(
    payment: FreshBooksPayment,
    *,
    stripe_customer_id: str,
    freshbooks_account_id: str,
    part: int = 1,
) -> dict[str, Any]:
    """Body of Stripe "report payment" for money that was received outside Stripe.

    Shapes: a payment that was raised after it was reported has several records; `part` counts them,
        because whether Stripe takes the same reference twice is not known.
    Units: times are Unix seconds, noon UTC of the payment's date; Stripe wants a past time, so never
        later than FreshBooks last changed the payment. The body does not depend on the present.
    Raises: AmountNotRepresentable if the payment is not above zero or Stripe cannot carry it.
    """
    if payment.amount.amount_minor <= 0:
        raise AmountNotRepresentable(
            f"FreshBooks payment {payment.id} has the amount {payment.amount}; "
            "only payments above zero are reported to Stripe."
        )
    noon = datetime.combine(payment.paid_on, time(12), UTC)
    received_at = max(0, int(min(noon, payment.updated_at).timestamp()))
    return {
        "amount_requested": {
            "currency": payment.amount.currency.lower(),
            "value": payment.amount.to_stripe(),
        },
        "initiated_at": received_at,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": received_at},
        "payment_method_details": {
            "type": "custom",
            "custom": {"display_name": _shown_type(payment)},
        },
        "customer_details": {"customer": stripe_customer_id},
        "processor_details": {
            "type": "custom",
            "custom": {
                "payment_reference": f"fb-pay-{payment.id}" + (f"-{part}" if part > 1 else "")
            },
        },
        "description": f"{_shown_type(payment)} recorded in FreshBooks",
        "metadata": {"fb_account": freshbooks_account_id, "fb_payment_id": str(payment.id)},
    }


def to_match_record(
    amount: Money,
    *,
    payment_id: str,
    paid_at: datetime,
    reference: str,
    stripe_customer_id: str,
    freshbooks_account_id: str,
) -> dict[str, Any]:
    """Body of Stripe "report payment" for a part of a Stripe payment that was matched to an invoice.

    Stripe collected that money already, without the invoice: the record only makes the invoice count
    it. The metadata says so, and which payment it is.
    """
    received_at = int(paid_at.timestamp())
    return {
        "amount_requested": {"currency": amount.currency.lower(), "value": amount.to_stripe()},
        "initiated_at": received_at,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": received_at},
        "payment_method_details": {
            "type": "custom",
            "custom": {"display_name": "Earlier online payment"},
        },
        "customer_details": {"customer": stripe_customer_id},
        "processor_details": {"type": "custom", "custom": {"payment_reference": reference}},
        "description": f"Stripe payment {payment_id}, matched to this invoice",
        "metadata": {"fb_account": freshbooks_account_id, "mlc_payment": payment_id},
    }


def to_record_refund(amount: Money, *, reference: str, at: datetime) -> dict[str, Any]:
    """Body of Stripe "report refund" on a payment record of ours.

    Units: `at` must not be later than the call. `reference` is unique across all refunds.
    """
    moment = int(at.timestamp())
    return {
        "amount": {"currency": amount.currency.lower(), "value": amount.to_stripe()},
        "initiated_at": moment,
        "outcome": "refunded",
        "refunded": {"refunded_at": moment},
        "processor_details": {"type": "custom", "custom": {"refund_reference": reference}},
    }


def _shown_type(payment: FreshBooksPayment) -> str:
    kind = clean(payment.type)[:100]
    return _SHOWN_TYPE.get(kind, kind)
