"""Which Stripe events the product subscribes to and catches up on. Who handles them: `routing`.

Only events that lead to work: each one is a delivery that is stored. A test holds this list against
`connector.routing`. Source: docs.stripe.com/api/events/types at 2026-10-28.endive.
"""

from __future__ import annotations

MAX_TYPES_PER_CALL = 20  # of GET /v1/events

POLLED_EVENTS: tuple[str, ...] = (
    "invoice_payment.paid",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.updated",
    "invoice.overpaid",
    "payment_intent.succeeded",
    "payment_intent.processing",
    "payment_intent.payment_failed",
    "charge.succeeded",
    "refund.created",
    "refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "credit_note.created",
    "customer_cash_balance_transaction.created",
)
"""As many as one call takes. What is missing here comes together with one of these, or is found by
reading the movements of the balance."""

ENABLED_EVENTS: tuple[str, ...] = (
    *POLLED_EVENTS,
    "invoice.payment_action_required",
    "refund.failed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "credit_note.voided",
    "payout.paid",
    "payout.failed",
)
