"""The rules of `compare` about what Stripe asks less for, or asks beside another collector."""

from __future__ import annotations

from connector.currencies import MINIMUM_CHARGE_MINOR
from connector.mapping.difference import Difference, DiscrepancyKind, Figures, Severity
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.stripe.records import StripeInvoice

COLLECTORS = {"autobill": "charges it by autobill", "pay_button": "shows its own pay button on it"}


def found(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures, own_collector: str
) -> tuple[Difference | None, ...]:
    """All rules of this module; `own_collector` says how FreshBooks collects it online, "" if not."""
    return (
        credit_note(freshbooks, stripe, figures),
        balance_used(freshbooks, stripe, figures),
        taken_back(freshbooks, stripe, figures),
        uncollectible(freshbooks, stripe),
        rest_too_small(stripe),
        two_collectors(freshbooks, stripe, own_collector),
    )


def credit_note(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """A credit note was made in Stripe, and FreshBooks gave no such credit."""
    missing = stripe.pre_payment_credits - min(figures.matched_credit, stripe.pre_payment_credits)
    after_payment = stripe.post_payment_credits - (figures.collected - figures.kept)
    if Money.zero(stripe.currency) < missing:
        severity = Severity.WARNING
        explanation = (
            f"A credit note of {missing} was made in Stripe, so Stripe asks for "
            f"{stripe.amount_remaining}; FreshBooks has {freshbooks.outstanding} outstanding."
        )
    elif Money.zero(stripe.currency) < after_payment:
        severity = Severity.INFO
        explanation = (
            f"A credit note of {after_payment} was made in Stripe on money that was paid already; "
            "FreshBooks does not know of it."
        )
    else:
        return None
    return Difference(
        kind=DiscrepancyKind.CREDIT_NOTE_IN_STRIPE,
        severity=severity,
        freshbooks=freshbooks.outstanding,
        stripe=stripe.amount_remaining,
        explanation=explanation,
        suggested_step="Give the client the same credit in FreshBooks, or void the credit note in "
        "Stripe.",
    )


def balance_used(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """The customer's balance in Stripe paid a part of the invoice, or was added to it."""
    left = figures.matched_credit - min(figures.matched_credit, stripe.pre_payment_credits)
    applied = stripe.balance_applied
    if applied.is_negative:
        explanation = f"Stripe added {-applied} that the client owed there from before."
        step = "Set the customer's balance in Stripe to zero, and send the invoice anew."
    elif left < applied:
        explanation = f"{applied - left} was settled with the client's credit balance in Stripe."
        step = "Record the same credit in FreshBooks as a payment of type Credit."
    else:
        return None
    return Difference(
        kind=DiscrepancyKind.CUSTOMER_BALANCE_USED,
        severity=Severity.WARNING,
        freshbooks=freshbooks.outstanding,
        stripe=stripe.amount_remaining,
        explanation=f"{explanation} Stripe asks for {stripe.amount_remaining}, FreshBooks has "
        f"{freshbooks.outstanding} outstanding.",
        suggested_step=step,
    )


def taken_back(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, figures: Figures
) -> Difference | None:
    """A payment that we reported is gone from FreshBooks, and Stripe's invoice keeps counting it."""
    asked = stripe.amount_remaining if stripe.status == "open" else Money.zero(stripe.currency)
    if figures.taken_back.is_zero or not asked < figures.stripe_open:
        return None
    return Difference(
        kind=DiscrepancyKind.PAYMENT_TAKEN_BACK,
        severity=Severity.WARNING,
        freshbooks=freshbooks.outstanding,
        stripe=asked,
        explanation=f"Stripe was told of {figures.taken_back} that no longer counts: the payment is "
        "gone from FreshBooks, or its match was taken back. Stripe's invoice stays lower: it asks for "
        f"{asked}, FreshBooks has {freshbooks.outstanding} outstanding.",
        suggested_step="Restore the payment or make the match again; otherwise make a new invoice "
        "for what is owed.",
    )


def uncollectible(freshbooks: FreshBooksInvoice, stripe: StripeInvoice) -> Difference | None:
    """Somebody gave it up in Stripe, where it can still be paid."""
    if stripe.status != "uncollectible" or freshbooks.outstanding.amount_minor <= 0:
        return None
    return Difference(
        kind=DiscrepancyKind.UNCOLLECTIBLE,
        severity=Severity.INFO,
        freshbooks=freshbooks.outstanding,
        stripe=stripe.amount_remaining,
        explanation=f"Marked as uncollectible in Stripe; FreshBooks has {freshbooks.outstanding} "
        "outstanding. The client can still pay it on Stripe's page.",
        suggested_step="Write it off in FreshBooks as well, or void it in Stripe and send it again.",
    )


def rest_too_small(stripe: StripeInvoice) -> Difference | None:
    """What is left after part payments is below what Stripe can charge: nobody can pay it there."""
    least = Money(MINIMUM_CHARGE_MINOR.get(stripe.currency, 1), stripe.currency)
    rest = stripe.amount_remaining
    if stripe.status != "open" or rest.is_zero or not rest < least:
        return None
    return Difference(
        kind=DiscrepancyKind.REST_TOO_SMALL,
        severity=Severity.WARNING,
        freshbooks=None,
        stripe=rest,
        explanation=f"{rest} is left to pay, and Stripe charges {least} at least: the client cannot "
        "pay it there.",
        suggested_step="Collect the rest another way, or give a credit for it in FreshBooks.",
    )


def two_collectors(
    freshbooks: FreshBooksInvoice, stripe: StripeInvoice, own_collector: str
) -> Difference | None:
    """FreshBooks itself collects the invoice online as well."""
    asks = stripe.status in {"draft", "open", "uncollectible"}
    if not own_collector or not asks or freshbooks.outstanding.amount_minor <= 0:
        return None
    how = COLLECTORS.get(own_collector, own_collector)
    return Difference(
        kind=DiscrepancyKind.OWN_PAY_BUTTON,
        severity=Severity.WARNING,
        freshbooks=freshbooks.outstanding,
        stripe=stripe.amount_remaining,
        explanation=f"FreshBooks {how}, and Stripe asks for the same money: the client may pay twice.",
        suggested_step="Turn online payment off for this invoice in FreshBooks.",
    )
