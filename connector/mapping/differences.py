"""The single rules of `compare`: each finds one kind of disagreement, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice


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
    DISPUTED = "disputed"
    REFUNDED = "refunded"
    REFUND_UNCLEAR = "refund_unclear"
    CREDIT_NOTE_IN_STRIPE = "credit_note_in_stripe"
    CUSTOMER_BALANCE_USED = "customer_balance_used"
    PAYMENT_TAKEN_BACK = "payment_taken_back"
    OWN_PAY_BUTTON = "own_pay_button"
    UNCOLLECTIBLE = "uncollectible"


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


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """An open dispute on a payment of the invoice."""

    amount: Money
    status: str  # Stripe's word
    due_by: datetime | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is known about the money of one invoice that exists on both sides, in one currency."""

    collected: Money  # what Stripe took
    kept: Money  # of it, what was not paid back
    recorded: Money  # live FreshBooks payments that stand for it
    reported: Money  # payment records and out-of-band payments that we put into Stripe
    outside: Money  # FreshBooks payments that do not stand for Stripe money
    stripe_open: Money  # what remains in Stripe by what is known
    credited: Money  # credit notes and the customer's balance in Stripe; negative if it added debt
    taken_back: Money  # of `reported` money, what Stripe's invoice may count although it is gone

    @property
    def not_recorded(self) -> Money:
        """Stripe's money that FreshBooks does not show as such; negative if it shows too much."""
        return self.kept - self.recorded

    @property
    def not_reported(self) -> Money:
        """Money from elsewhere that Stripe was not told of; negative if it was told too much."""
        return self.outside - self.reported

    @property
    def matched_credit(self) -> Money:
        """What of Stripe's credits FreshBooks gave as well."""
        zero = Money.zero(self.credited.currency)
        ours = max(self.not_reported, zero, key=lambda money: money.amount_minor)
        return min(ours, max(self.credited, zero), key=lambda money: money.amount_minor)

    @property
    def entered_by_hand(self) -> bool:
        """Whether FreshBooks has just as much from elsewhere as it lacks of Stripe's money.

        Then both sides agree on what is outstanding, and most likely the owner entered Stripe's
        payments by hand.
        """
        return not self.not_recorded.is_zero and self.not_recorded == self.not_reported


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
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures, sent: Money | None
) -> Difference | None:
    """What the invoice comes to."""
    if freshbooks.amount == stripe.total:
        return None
    severity = Severity.ERROR
    if sent == freshbooks.amount:
        kind = DiscrepancyKind.STRIPE_INVOICE_CHANGED
        explanation = "The invoice was changed in Stripe after we sent it."
        step = "Undo the change in Stripe, or void it and send the invoice anew."
    elif not (figures.collected.is_zero and figures.reported.is_zero):
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
        step = "Confirm that it is the same money; if not, record the Stripe payment too."
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
    missing = figures.not_reported
    if missing.is_negative:
        kind, severity = DiscrepancyKind.PAID_DIFFERS, Severity.ERROR
        explanation = f"Stripe was told of {-missing} that FreshBooks no longer shows as paid."
        step = "Report the refund of that payment in Stripe, or restore it in FreshBooks."
    elif missing == figures.matched_credit or figures.entered_by_hand:
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
