"""Which Stripe events the product subscribes to and catches up on. Who handles them: `routing`.

Source: docs.stripe.com/api/events/types at 2026-10-28.endive.
"""

from __future__ import annotations

MAX_TYPES_PER_CALL = 20  # of GET /v1/events

INVOICE_PAYMENT_EVENTS = ("invoice_payment.paid",)
INVOICE_EVENTS = (
    "invoice.paid",
    "invoice.payment_succeeded",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.updated",
    "invoice.sent",
    "invoice.finalization_failed",
    "invoice.overdue",
    "invoice.overpaid",
)
PAYMENT_EVENTS = (
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "payment_intent.canceled",
    "payment_intent.partially_funded",
    "charge.succeeded",
    "charge.updated",
)
REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed", "charge.refunded")
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
CREDIT_NOTE_EVENTS = ("credit_note.created", "credit_note.updated", "credit_note.voided")
CUSTOMER_EVENTS = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.tax_id.created",
    "customer.tax_id.updated",
    "customer.tax_id.deleted",
)
CHECKOUT_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
)
BANK_TRANSFER_EVENTS = ("customer_cash_balance_transaction.created",)

ENABLED_EVENTS: tuple[str, ...] = (
    *INVOICE_PAYMENT_EVENTS,
    *INVOICE_EVENTS,
    *PAYMENT_EVENTS,
    *REFUND_EVENTS,
    *DISPUTE_EVENTS,
    *CREDIT_NOTE_EVENTS,
    *CUSTOMER_EVENTS,
    *CHECKOUT_EVENTS,
    *BANK_TRANSFER_EVENTS,
)


def catch_up_types() -> tuple[tuple[str, ...], ...]:
    """ENABLED_EVENTS in pieces that one list call takes."""
    return tuple(
        ENABLED_EVENTS[start : start + MAX_TYPES_PER_CALL]
        for start in range(0, len(ENABLED_EVENTS), MAX_TYPES_PER_CALL)
    )
