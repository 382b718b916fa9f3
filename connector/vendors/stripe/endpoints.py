"""Which of Stripe's endpoints an operation calls: Stripe limits each of them by itself.

Source: docs.stripe.com/rate-limits.
"""

from __future__ import annotations

# Operations of ours that are one endpoint of theirs.
SHARED = {
    "stripe.customers.find": "stripe.customers.list",
    "stripe.invoice_payments.collection": "stripe.invoice_payments.list",
    "stripe.invoice_payments.of_payment": "stripe.invoice_payments.list",
}
# Asked when somebody connects or pings: several endpoints under one name, a call each.
PROBES = "stripe.probe."


def endpoint_of(operation: str) -> str:
    """The endpoint's name: that of the first operation that calls it; "" for a probe."""
    return "" if operation.startswith(PROBES) else SHARED.get(operation, operation)
