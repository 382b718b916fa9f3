"""What a disagreement about one invoice is, and the figures that it is found in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

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
    DISPUTED = "disputed"
    REFUNDED = "refunded"
    REFUND_UNCLEAR = "refund_unclear"
    CREDIT_NOTE_IN_STRIPE = "credit_note_in_stripe"
    CUSTOMER_BALANCE_USED = "customer_balance_used"
    PAYMENT_TAKEN_BACK = "payment_taken_back"
    OWN_PAY_BUTTON = "own_pay_button"
    UNCOLLECTIBLE = "uncollectible"
    REST_TOO_SMALL = "rest_too_small"


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
    certain: Money  # of `outside` money, what Stripe does not know and is none of its own for sure

    @classmethod
    def of(  # noqa: PLR0913 - what is known of the money between both sides
        cls,
        freshbooks: FreshBooksInvoice,
        stripe: StripeInvoice,
        *,
        collected: Money,
        refunded: Money | None,
        recorded: Money,
        reported: Money,
        certain: Money | None,
        taken_back: Money | None,
    ) -> Self:
        """What follows from both invoices and from the sums that are known here."""
        credited = stripe.pre_payment_credits + stripe.balance_applied
        return cls(
            collected=collected,
            kept=collected - (refunded or Money.zero(collected.currency)),
            recorded=recorded,
            reported=reported,
            outside=freshbooks.paid - recorded,
            stripe_open=stripe.total - collected - reported - credited,
            credited=credited,
            taken_back=taken_back or Money.zero(stripe.currency),
            certain=certain or Money.zero(freshbooks.currency_code),
        )

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
        payments by hand. Money of which somebody said that it is other money counts not.
        """
        doubtful = self.not_reported - self.certain
        return not self.not_recorded.is_zero and self.not_recorded == doubtful
