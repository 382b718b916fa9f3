"""Rules of `compare` about money that goes back, or may: disputes and refunds."""

from __future__ import annotations

from connector.mapping.difference import Difference, DiscrepancyKind, Dispute, Figures, Severity
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice


def disputed(freshbooks: FreshBooksInvoice, dispute: Dispute | None) -> Difference | None:
    """The payer's bank asks for the money back."""
    if dispute is None:
        return None
    until = f" by {dispute.due_by:%Y-%m-%d %H:%M} UTC" if dispute.due_by else ""
    return Difference(
        kind=DiscrepancyKind.DISPUTED,
        severity=Severity.ERROR,
        freshbooks=freshbooks.paid,
        stripe=dispute.amount,
        explanation=f"The payer disputes {dispute.amount} (Stripe says {dispute.status}). The payment "
        "in FreshBooks stays until the dispute is lost.",
        suggested_step=f"Answer the dispute in Stripe{until}.",
    )


def unclear(figures: Figures, *, unclear: bool) -> Difference | None:
    """A payment of several invoices went back in part."""
    if not unclear:
        return None
    return Difference(
        kind=DiscrepancyKind.REFUND_UNCLEAR,
        severity=Severity.ERROR,
        freshbooks=figures.recorded,
        stripe=figures.collected,
        explanation="One Stripe payment paid several invoices, and a part of it went back: Stripe does "
        "not say for which of them.",
        suggested_step="Decide which invoice the refund is for, and lower its payment in FreshBooks.",
    )


def went_back(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """Money went back and FreshBooks asks for it again, but Stripe does not."""
    returned = figures.collected - figures.kept
    asked = freshbooks.outstanding
    if returned.is_zero or stripe.status != "paid" or asked.amount_minor <= 0:
        return None
    if figures.not_recorded.is_negative:
        return None  # FreshBooks still shows it as paid: that comes first
    return Difference(
        kind=DiscrepancyKind.REFUNDED,
        severity=Severity.INFO,
        freshbooks=asked,
        stripe=returned,
        explanation=f"{returned} of what Stripe collected went back. FreshBooks has {asked} "
        "outstanding; the Stripe invoice stays paid and asks for nothing.",
        suggested_step="Give a credit in FreshBooks if nothing more is owed; otherwise make a new "
        "invoice for it.",
    )
