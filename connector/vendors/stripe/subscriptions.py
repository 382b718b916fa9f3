"""Which Stripe events the product subscribes to and catches up on. Who handles them: `routing`.

Only events that lead to work: each one is a delivery that is stored. A test holds this list against
`connector.routing`. Source: docs.stripe.com/api/events/types at 2026-10-28.endive.
"""

from __future__ import annotations

MAX_TYPES_PER_CALL = 20  # of GET /v1/events

ENABLED_EVENTS: tuple[str, ...] = (
    "invoice_payment.paid",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_action_required",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.updated",
    "invoice.overpaid",
)
