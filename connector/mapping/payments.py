"""Payments in both directions: Stripe to FreshBooks, and FreshBooks to Stripe payment records."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from connector.vendors.freshbooks.records import (
    FreshBooksInvoice,
    FreshBooksPayment,
    FreshBooksPaymentDraft,
)
from connector.vendors.stripe.records import StripeInvoicePayment


def to_freshbooks_payment(
    payment: StripeInvoicePayment,
    *,
    invoice: FreshBooksInvoice,
    marker: str,
    book_time_zone: ZoneInfo,
) -> FreshBooksPaymentDraft:
    """Build the FreshBooks payment that mirrors one paid Stripe invoice payment."""
    raise NotImplementedError


def to_payment_record(
    payment: FreshBooksPayment, *, stripe_customer_id: str, freshbooks_account_id: str
) -> dict[str, Any]:
    """Body of Stripe "report payment" for money that was received outside Stripe."""
    raise NotImplementedError
