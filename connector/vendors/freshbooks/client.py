"""Every call that the product makes to one FreshBooks account.

No method here can send an invoice status, or write an invoice at all: FreshBooks computes the
status from payments, and a payment is what may be written (docs/adr). Reads retry nothing; what to
do about a failure is the caller's decision, by the error's class.
"""

from __future__ import annotations

from connector.vendors.freshbooks.callback_calls import CallbackCalls
from connector.vendors.freshbooks.online_payment_calls import OnlinePaymentCalls
from connector.vendors.freshbooks.payment_calls import PaymentCalls
from connector.vendors.freshbooks.reading_calls import ReadingCalls


class FreshBooksAccountClient(ReadingCalls, PaymentCalls, CallbackCalls, OnlinePaymentCalls):
    """One account of one grant, built per tenant and per job; holds no global state."""
