"""Compare what both vendors say about one invoice. Pure: figures in, differences out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice


class CollectionStatus(StrEnum):
    """What has become of the money of one invoice, as we see it."""

    UNPAID = "unpaid"
    PENDING = "pending"
    PARTLY_PAID = "partly_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    PAID_OUTSIDE = "paid_outside"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    NOT_COLLECTED = "not_collected"


class DiscrepancyKind(StrEnum):
    """What kind of disagreement it is."""

    TOTAL_DIFFERS = "total_differs"
    PAID_DIFFERS = "paid_differs"
    MISSING_IN_STRIPE = "missing_in_stripe"
    MISSING_IN_FRESHBOOKS = "missing_in_freshbooks"
    NOT_REPRESENTABLE = "not_representable"
    PAYMENT_NOT_RECORDED = "payment_not_recorded"
    PAYMENT_UNKNOWN_OUTCOME = "payment_unknown_outcome"
    OUTSIDE_PAYMENT_NOT_REPORTED = "outside_payment_not_reported"
    CURRENCY_DIFFERS = "currency_differs"
    DELETED_IN_FRESHBOOKS = "deleted_in_freshbooks"
    CHANGED_AFTER_PAYMENT = "changed_after_payment"
    OVERPAID = "overpaid"
    STRIPE_INVOICE_CHANGED = "stripe_invoice_changed"


class Severity(StrEnum):
    """How bad: explained and expected, to be looked at, or wrong."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One disagreement about one invoice, with both figures and what to do about it."""

    kind: DiscrepancyKind
    severity: Severity
    freshbooks: Money | None
    stripe: Money | None
    explanation: str
    suggested_step: str


def collection_status(
    *,
    total: Money,
    paid: Money,
    has_pending: bool,
    paid_outside: Money,
    refunded: Money | None = None,
    disputed: bool = False,
    collecting: bool = True,
) -> CollectionStatus:
    """What has become of the money of one invoice."""
    raise NotImplementedError


def compare_invoice(
    freshbooks: FreshBooksInvoice | None,
    stripe: StripeInvoice | None,
    *,
    collected: Money,
    recorded: Money,
    reported: Money,
    refunded: Money | None = None,
    unknown: Money | None = None,
    sent_total: Money | None = None,
    records_payments: bool = False,
    not_representable: str = "",
) -> tuple[Difference, ...]:
    """Every disagreement between both sides about one invoice; empty when they agree."""
    raise NotImplementedError
