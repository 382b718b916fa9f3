"""Payments of which the events of our invoices tell all there is: nobody need be asked about them."""

from __future__ import annotations

from connector.models import Delivery, InvoiceRevision, StrayPayment

PAID = "invoice_payment.paid"
SUCCESS = {PAID, "payment_intent.processing", "payment_intent.succeeded", "charge.succeeded"}


def is_told(payment_id: str) -> bool:
    """Whether events of our invoices say that this payment paid them, and no event says more of it.

    Each of those has its invoice looked at. Not so for money that came without an invoice, nor for
    what people matched to invoices. Inside a scope.
    """
    said = list(
        Delivery.objects.filter(source=Delivery.Source.STRIPE, payment_id=payment_id)
        .exclude(payment_id="")
        .values_list("event_type", "invoice_id", "state")
    )
    living = (Delivery.State.RECEIVED, Delivery.State.ROUTED)
    paid = [invoice for kind, invoice, state in said if kind == PAID and state in living]
    return bool(
        paid
        and {kind for kind, _, _ in said} <= SUCCESS
        and InvoiceRevision.objects.filter(stripe_invoice_id__in=paid).exists()
        and not StrayPayment.objects.filter(payment_id=payment_id).exists()
    )
