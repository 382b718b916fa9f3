"""The single rules of `compare`: each finds one kind of disagreement, or nothing."""

from __future__ import annotations

from connector.mapping.difference import Difference, DiscrepancyKind, Figures, Severity
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice


def without_freshbooks(
    freshbooks: FreshBooksInvoice | None, stripe: StripeInvoice | None, collected: Money
) -> tuple[Difference, ...]:
    """The FreshBooks invoice is deleted, or was never there."""
    if stripe is None:
        return ()
    if freshbooks is None:
        return (
            Difference(
                kind=DiscrepancyKind.MISSING_IN_FRESHBOOKS,
                severity=Severity.ERROR,
                freshbooks=None,
                stripe=stripe.total,
                explanation="Stripe has this invoice as one of ours, FreshBooks does not have it.",
                suggested_step="Find out where it went in FreshBooks; void it in Stripe if it is wrong.",
            ),
        )
    paid = not collected.is_zero
    step = "Void it in Stripe." if stripe.finalized_at else "Delete the draft in Stripe."
    return (
        Difference(
            kind=DiscrepancyKind.DELETED_IN_FRESHBOOKS,
            severity=Severity.ERROR if paid else Severity.WARNING,
            freshbooks=None,
            stripe=stripe.total,
            explanation=f"Deleted in FreshBooks; Stripe still has it and collected {collected}.",
            suggested_step="Restore it in FreshBooks, or refund in Stripe." if paid else step,
        ),
    )


def without_stripe(freshbooks: FreshBooksInvoice, not_representable: str) -> tuple[Difference, ...]:
    """Stripe does not have the invoice, or no longer: void and deleted ones ask for no money."""
    if freshbooks.outstanding.amount_minor <= 0:
        return ()
    if not_representable:
        kind, severity = DiscrepancyKind.NOT_REPRESENTABLE, Severity.WARNING
        explanation, step = not_representable, "Follow the reason, then synchronize this invoice."
    else:
        kind = DiscrepancyKind.MISSING_IN_STRIPE
        severity = Severity.WARNING if freshbooks.is_draft else Severity.ERROR
        explanation = (
            f"FreshBooks has {freshbooks.outstanding} outstanding, Stripe asks for nothing."
        )
        step = "Synchronize this invoice."
    return (
        Difference(
            kind=kind,
            severity=severity,
            freshbooks=freshbooks.outstanding,
            stripe=None,
            explanation=explanation,
            suggested_step=step,
        ),
    )


def currency(freshbooks: FreshBooksInvoice, stripe: StripeInvoice) -> Difference:
    """Both sides have the invoice, in different currencies: no figure can be compared."""
    return Difference(
        kind=DiscrepancyKind.CURRENCY_DIFFERS,
        severity=Severity.ERROR,
        freshbooks=freshbooks.amount,
        stripe=stripe.total,
        explanation=f"FreshBooks has {freshbooks.currency_code}, Stripe {stripe.currency}.",
        suggested_step="Void the Stripe invoice and send it anew; refund first if it was paid.",
    )


def total(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """What the invoice comes to."""
    if freshbooks.amount == stripe.total:
        return None
    severity = Severity.ERROR
    if not (figures.collected.is_zero and figures.reported.is_zero):
        kind = DiscrepancyKind.CHANGED_AFTER_PAYMENT
        explanation = "The invoice was changed in FreshBooks after it was paid, in full or in part."
        step = "Undo the change in FreshBooks, or refund and replace the Stripe invoice."
    else:
        kind = DiscrepancyKind.TOTAL_DIFFERS
        explanation = "The total differs, and nothing is paid yet."
        step = "Synchronize this invoice: the Stripe invoice is replaced."
        severity = Severity.WARNING if stripe.status == "draft" else Severity.ERROR
    return Difference(
        kind=kind,
        severity=severity,
        freshbooks=freshbooks.amount,
        stripe=stripe.total,
        explanation=explanation,
        suggested_step=step,
    )


def unknown_outcome(recorded: Money, unknown: Money | None) -> Difference | None:
    """A payment was sent to FreshBooks and its answer never came."""
    if unknown is None or unknown.is_zero:
        return None
    return Difference(
        kind=DiscrepancyKind.PAYMENT_UNKNOWN_OUTCOME,
        severity=Severity.WARNING,
        freshbooks=recorded,
        stripe=unknown,
        explanation=f"Whether FreshBooks has our payment of {unknown} is not known yet.",
        suggested_step="Wait: it is looked up in FreshBooks before anything is sent again.",
    )


def overpaid(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """More money arrived than the invoice comes to."""
    in_stripe = figures.kept + figures.reported
    everywhere = figures.kept + figures.outside
    doubted = freshbooks.amount < everywhere and not figures.entered_by_hand
    kept_excess = figures.collected - figures.kept < stripe.amount_overpaid
    if not (stripe.total < in_stripe or kept_excess or doubted):
        return None
    return Difference(
        kind=DiscrepancyKind.OVERPAID,
        severity=Severity.WARNING,
        freshbooks=freshbooks.amount,
        stripe=max(in_stripe, everywhere, key=lambda money: money.amount_minor),
        explanation=f"Stripe collected {figures.kept}, {figures.outside} came from elsewhere, and the "
        f"invoice comes to {freshbooks.amount}.",
        suggested_step="Refund the excess, or keep it as the client's credit.",
    )


def unrecorded(
    freshbooks: FreshBooksInvoice, figures: Figures, *, records_payments: bool
) -> Difference | None:
    """Stripe's money against the payments that stand for it in FreshBooks."""
    missing = figures.not_recorded
    if missing.is_zero:
        return None
    kind = DiscrepancyKind.PAYMENT_NOT_RECORDED
    severity = Severity.ERROR if records_payments else Severity.INFO
    if missing.is_negative:
        kind = DiscrepancyKind.PAID_DIFFERS
        severity = Severity.ERROR if records_payments else Severity.WARNING
        explanation = f"FreshBooks counts {-missing} that Stripe did not keep (refund or dispute)."
        step = "Lower or remove the payment in FreshBooks."
    elif figures.entered_by_hand:
        if freshbooks.amount < figures.kept + figures.outside and not records_payments:
            return None
        severity = Severity.WARNING if records_payments else Severity.INFO
        explanation = f"FreshBooks has {missing} that we did not record; likely the same money."
        step = "Say whether it is the same money or other money: on this page, or on the payment's."
    elif freshbooks.outstanding.amount_minor <= 0:
        return None  # FreshBooks is paid up: the excess is what `overpaid` tells.
    else:
        explanation = f"Stripe collected {missing} that FreshBooks does not show as paid yet."
        step = "Record the payment in FreshBooks." + (
            "" if records_payments else " This tenant does that by hand or after approval."
        )
    return Difference(
        kind=kind,
        severity=severity,
        freshbooks=figures.recorded,
        stripe=figures.kept,
        explanation=explanation,
        suggested_step=step,
    )


def unreported(figures: Figures) -> Difference | None:
    """FreshBooks' money from elsewhere against what Stripe was told of it."""
    nothing = Money.zero(figures.outside.currency)
    missing = figures.not_reported - (figures.not_recorded if figures.entered_by_hand else nothing)
    if missing.is_negative:
        kind, severity = DiscrepancyKind.PAID_DIFFERS, Severity.ERROR
        explanation = f"Stripe was told of {-missing} that FreshBooks no longer shows as paid."
        step = "Report the refund of that payment in Stripe, or restore it in FreshBooks."
    elif missing.is_zero or missing == figures.matched_credit:
        return None  # nothing is missing, or Stripe knows it otherwise
    elif figures.stripe_open.amount_minor <= 0:
        return None
    else:
        kind, severity = DiscrepancyKind.OUTSIDE_PAYMENT_NOT_REPORTED, Severity.WARNING
        explanation = f"{missing} was paid elsewhere, and Stripe still asks the client for it."
        step = "Report the payment to Stripe, so that the client is not asked twice."
    return Difference(
        kind=kind,
        severity=severity,
        freshbooks=figures.outside,
        stripe=figures.reported,
        explanation=explanation,
        suggested_step=step,
    )


def stripe_remainder(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """What Stripe says remains, against what we know was paid there."""
    known = max(figures.stripe_open, Money.zero(stripe.currency))
    asked = stripe.amount_remaining if stripe.status == "open" else Money.zero(stripe.currency)
    again = known + figures.collected - figures.kept  # Stripe may ask again for what went back
    explained = {known, again, known - figures.taken_back, again - figures.taken_back}
    if stripe.status not in {"open", "paid"} or asked in explained:
        return None
    explanation = f"Stripe asks for {asked}; by the payments known here {known} should remain."
    return Difference(
        kind=DiscrepancyKind.PAID_DIFFERS,
        severity=Severity.WARNING,
        freshbooks=freshbooks.paid,
        stripe=stripe.amount_paid,
        explanation=explanation,
        suggested_step="Look at the invoice in Stripe: a payment marked there by hand is missing in "
        "FreshBooks.",
    )
