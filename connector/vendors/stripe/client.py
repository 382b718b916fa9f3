"""Every call that the product makes to one Stripe account.

Built per tenant with the tenant's key; nothing is configured process-wide. Nothing is retried here:
what to do about a failure is the caller's decision, by the error's class.
"""

from __future__ import annotations

from connector.vendors.stripe.account_calls import AccountCalls
from connector.vendors.stripe.customer_calls import CustomerCalls
from connector.vendors.stripe.event_calls import EventCalls
from connector.vendors.stripe.invoice_calls import InvoiceCalls
from connector.vendors.stripe.money_calls import MoneyCalls
from connector.vendors.stripe.payment_calls import PaymentCalls


class StripeAccountClient(
    AccountCalls, CustomerCalls, InvoiceCalls, PaymentCalls, MoneyCalls, EventCalls
):
    """One account of one key, built per tenant."""

    def __repr__(self) -> str:
        return "StripeAccountClient()"
