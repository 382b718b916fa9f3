"""Rules of `compare` about money that goes back, or may: disputes and refunds."""

from __future__ import annotations

from connector.mapping.difference import Difference, DiscrepancyKind, Dispute, Figures, Severity
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice


def disputed(freshbooks: FreshBooksInvoice, dispute: Dispute | None) -> Difference | None:
    """The payer's bank asks for the money back."""
    if dispute is None:
        return None
    what = f"{dispute.amount}"
    if dispute.amount.is_zero:
        what = f"a payment in another currency than {dispute.amount.currency}"
    until = f" by {dispute.due_by:%Y-%m-%d %H:%M} UTC" if dispute.due_by else ""
    return Difference(
        kind=DiscrepancyKind.DISPUTED,
        severity=Severity.ERROR,
        freshbooks=freshbooks.paid,
        stripe=dispute.amount,
        explanation=f"The payer disputes {what} (Stripe says {dispute.status}). The payment "
        "in FreshBooks stays until the dispute is lost.",
        suggested_step=f"Answer the dispute in Stripe{until}.",
    )


def unclear(figures: Figures, *, unclear: bool) -> Difference | None:
    """Of a payment something went back, and how much of this invoice's money cannot be told."""
    if not unclear:
        return None
    return Difference(
        kind=DiscrepancyKind.REFUND_UNCLEAR,
        severity=Severity.ERROR,
        freshbooks=figures.recorded,
        stripe=figures.collected,
        explanation="A part of what Stripe collected went back, and how much of this invoice's money "
        "that is cannot be told: the payment paid several invoices, or the dispute is in another "
        "currency.",
        suggested_step="Decide how much of it was this invoice's, and lower its payment in FreshBooks.",
    )


def went_back(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """Money went back and FreshBooks asks for it again, but Stripe does not, paid in full or in part."""
    returned = figures.collected - figures.kept
    asked, remaining = freshbooks.outstanding, stripe.amount_remaining
    if returned.is_zero or stripe.status not in {"open", "paid"}:
        return None
    if figures.not_recorded.is_negative:
        return None  # FreshBooks still shows it as paid: that comes first
    not_recorded = figures.not_recorded if stripe.status == "open" else Money.zero(asked.currency)
    if (asked - remaining - not_recorded).amount_minor <= 0:
        return None
    asks = "stays paid and asks for nothing" if remaining.is_zero else f"asks for {remaining}"
    return Difference(
        kind=DiscrepancyKind.REFUNDED,
        severity=Severity.INFO,
        freshbooks=asked,
        stripe=returned,
        explanation=f"{returned} of what Stripe collected went back. FreshBooks has {asked} "
        f"outstanding; the Stripe invoice {asks}.",
        suggested_step="Give a credit in FreshBooks if nothing more is owed; otherwise make a new "
        "invoice for it.",
    )
