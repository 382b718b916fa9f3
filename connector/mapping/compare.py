"""Compare what both vendors say about one invoice. Pure: figures in, differences out."""

from __future__ import annotations

from enum import StrEnum

from connector.mapping import credit_differences, differences, going_back
from connector.mapping.difference import (
    Difference,
    DiscrepancyKind,
    Dispute,
    Figures,
    Severity,
)
from connector.money import Money
from connector.vendors.freshbooks.records import DELETED, FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice

__all__ = [
    "CollectionStatus",
    "Difference",
    "DiscrepancyKind",
    "Dispute",
    "Severity",
    "collection_status",
    "compare_invoice",
]

_GONE_IN_STRIPE = frozenset({"void", "deleted"})


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


def collection_status(  # noqa: PLR0913 - the figures are the status
    *,
    total: Money,
    paid: Money,
    has_pending: bool,
    paid_outside: Money,
    refunded: Money | None = None,
    disputed: bool = False,
    collecting: bool = True,
) -> CollectionStatus:
    """What has become of the money of one invoice.

    Units: `paid` is all that Stripe took, `refunded` the part of it that went back, `paid_outside`
        what reached the tenant otherwise. `collecting` is false once Stripe no longer asks for the
        money (draft, void, uncollectible).
    """
    zero = Money.zero(total.currency)
    kept = paid - (refunded or zero)
    settled = kept + paid_outside
    if disputed:
        return CollectionStatus.DISPUTED
    if total < settled:
        return CollectionStatus.OVERPAID
    if settled == total:
        outside_only = zero < paid_outside and kept.is_zero
        return CollectionStatus.PAID_OUTSIDE if outside_only else CollectionStatus.PAID
    if has_pending:
        return CollectionStatus.PENDING
    if zero < settled:
        return CollectionStatus.PARTLY_PAID
    return _nothing_kept(went_back=zero < paid, collecting=collecting)


def _nothing_kept(*, went_back: bool, collecting: bool) -> CollectionStatus:
    if went_back:
        return CollectionStatus.REFUNDED
    return CollectionStatus.UNPAID if collecting else CollectionStatus.NOT_COLLECTED


def compare_invoice(  # noqa: PLR0913 - both sides and what we know about the money between them
    freshbooks: FreshBooksInvoice | None,
    stripe: StripeInvoice | None,
    *,
    collected: Money,
    recorded: Money,
    reported: Money,
    certain: Money | None = None,
    refunded: Money | None = None,
    disputed: Dispute | None = None,
    unclear: bool = False,
    unknown: Money | None = None,
    taken_back: Money | None = None,
    own_collector: str = "",
    records_payments: bool = False,
    not_representable: str = "",
) -> tuple[Difference, ...]:
    """Every disagreement between both sides about one invoice; empty when they agree.

    Units: `recorded` with what a person said to be Stripe's; Stripe's invoice may count `taken_back`
        beyond `reported`; `certain` is none of Stripe's, and Stripe was not told of it.
    """
    if stripe is not None and stripe.status in _GONE_IN_STRIPE:
        stripe = None
    if freshbooks is None or freshbooks.vis_state == DELETED:
        return differences.without_freshbooks(freshbooks, stripe, collected)
    if stripe is None:
        return differences.without_stripe(freshbooks, not_representable)
    if freshbooks.currency_code != stripe.currency:
        return (differences.currency(freshbooks, stripe),)
    figures = Figures.of(
        freshbooks,
        stripe,
        collected=collected,
        refunded=refunded,
        recorded=recorded,
        reported=reported,
        certain=certain,
        taken_back=taken_back,
    )
    return _both_sides(
        freshbooks,
        stripe,
        figures,
        disputed=disputed,
        unclear=unclear,
        unknown=unknown,
        own_collector=own_collector,
        records_payments=records_payments,
    )


def _both_sides(  # noqa: PLR0913 - what each rule looks at
    freshbooks: FreshBooksInvoice,
    stripe: StripeInvoice,
    figures: Figures,
    *,
    disputed: Dispute | None,
    unclear: bool,
    unknown: Money | None,
    own_collector: str,
    records_payments: bool,
) -> tuple[Difference, ...]:
    found = (
        differences.total(freshbooks, stripe, figures),
        differences.unknown_outcome(figures.recorded, unknown),
        going_back.disputed(freshbooks, disputed),
        going_back.unclear(figures, unclear=unclear),
        going_back.went_back(freshbooks, stripe, figures),
        differences.overpaid(freshbooks, stripe, figures),
        differences.unrecorded(freshbooks, figures, records_payments=records_payments),
        differences.unreported(figures),
        differences.stripe_remainder(freshbooks, stripe, figures),
        *credit_differences.found(freshbooks, stripe, figures, own_collector),
    )
    return tuple(difference for difference in found if difference is not None)
