"""Why the two sides of an invoice differ, payment by payment. Pure: figures in, reasons out.

A reason is found for each payment by itself, and what no reason covers stays unexplained. Nothing
is ever called rounding: amounts are whole minor units on both sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from connector.statement.records import Explanation

# Why, in words for finance people. The amount is what Stripe has beyond FreshBooks.
KINDS = {
    "observed": "Not recorded: this business only observes",
    "awaiting_approval": "Waits for approval",
    "being_recorded": "Being recorded in FreshBooks",
    "unknown_outcome": "Sent to FreshBooks, outcome not known yet",
    "refused": "FreshBooks refused it",
    "needs_you": "Waits for a person's decision",
    "deleted_by_person": "Recorded, then deleted in FreshBooks by a person",
    "recorded_later": "Recorded in FreshBooks after the month",
    "taken_back": "Taken back in FreshBooks, and the refund failed",
    "changed_by_person": "Amount changed in FreshBooks by a person",
    "refund_not_followed": "Refunded, FreshBooks not lowered",
    "dispute_not_followed": "Lost to a dispute, FreshBooks not lowered",
    "refund_unclear": "Refund of a payment for several invoices",
    "match_taken_back": "Match taken back, FreshBooks not lowered",
    "not_raised": "A refund failed, FreshBooks not raised",
    "kept_less": "FreshBooks kept less than was sent, the rest as a credit",
    "lowered_later": "Lowered in FreshBooks after the month",
    "by_hand_later": "Entered in FreshBooks by hand after the month",
    "by_hand_differs": "Entered in FreshBooks by hand, and the amounts differ",
    "outside_not_reported": "Paid elsewhere, Stripe not told",
    "reported_later": "Paid elsewhere, Stripe told after the month",
    "reported_gone": "Stripe was told of it, FreshBooks no longer has it",
    "reported_differs": "Stripe was told of another amount",
    "reported_own": "Stripe was told of it as paid elsewhere, and it is Stripe's own money",
}
_OF_RECORDING = {
    "observed": "observed",
    "awaiting_approval": "awaiting_approval",
    "approved": "being_recorded",
    "sending": "being_recorded",
    "unknown": "unknown_outcome",
    "recorded": "recorded_later",
    "rejected": "refused",
    "needs_you": "needs_you",
    "deleted_by_person": "deleted_by_person",
    "taken_back": "taken_back",
    "by_hand": "by_hand_later",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """What is known of one collected payment: how its recording stands now."""

    payment: str
    recording: str  # of `CollectedPayment.Recording`
    freshbooks_payment: str
    refunds_unclear: bool
    changed_by_person: bool
    dispute: str  # Stripe's word; "" without
    undone: bool  # its match was taken back
    asked: int | None = None  # what FreshBooks was last asked to show, and what it shows
    shown: int | None = None


@dataclass(kw_only=True, slots=True)
class Sides:
    """The sums of one invoice in one currency, by payment: until the month's end, and later.

    Of Stripe by its payment id, of FreshBooks by its payment number, of what Stripe was told by
    the number of the FreshBooks payment.
    """

    stripe: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    book: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    book_later: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    ours: set[str] = field(default_factory=set)
    reported: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    reported_later: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def explain(sides: Sides, payments: Sequence[Collected]) -> tuple[Explanation, ...]:
    """The reasons, each with its amount; together less than the difference if one is missing."""
    tied = {row.freshbooks_payment for row in payments if row.freshbooks_payment}
    return (*_of_payments(sides, payments), *_of_others(sides, tied))


def _of_payments(sides: Sides, payments: Sequence[Collected]) -> Iterator[Explanation]:
    seen: set[str] = set()
    known = {row.freshbooks_payment for row in payments}
    former = {number: sides.book.get(number, 0) for number in sides.ours - known}
    for row in sorted(payments, key=lambda row: row.undone):  # a living match tells more
        if row.payment in seen:  # two InvoicePayments of one payment: told with the first
            continue
        seen.add(row.payment)
        numbers = {
            other.freshbooks_payment
            for other in payments
            if other.payment == row.payment and other.freshbooks_payment
        }
        stripe = sides.stripe.get(row.payment, 0)
        book = sum(sides.book.get(number, 0) for number in numbers)
        later = sum(sides.book_later.get(number, 0) for number in numbers)
        before = _recorded_before(former, stripe - book)
        book += former.pop(before, 0)  # removed later, and recorded anew under another number
        kind = _kind(row, stripe, book, later) if stripe != book else ""
        if kind:
            yield Explanation(kind=kind, amount=stripe - book, payment=row.payment)


def _recorded_before(former: dict[str, int], gap: int) -> str:
    """The payment of ours of that amount that no row names any more; "" if none is missing."""
    return next((number for number, amount in former.items() if gap and amount == gap), "")


def _kind(row: Collected, stripe: int, book: int, later: int) -> str:
    """Why a payment's two figures differ; "" if nobody knows."""
    if row.recording == "by_hand" and book:
        return "by_hand_differs"
    if row.changed_by_person:
        return "changed_by_person"
    if row.refunds_unclear:
        return "refund_unclear"
    if book == 0:
        return _OF_RECORDING.get(row.recording, "")
    if later == stripe - book:
        return "recorded_later" if stripe > book else "lowered_later"
    return _not_raised(row, book) if stripe > book else _not_followed(row)


def _not_raised(row: Collected, book: int) -> str:
    """Why FreshBooks shows less than Stripe kept: it shows what it was asked to, or less."""
    if row.recording != "recorded" or row.asked is None or row.shown != book:
        return ""
    return "not_raised" if row.asked == book else "kept_less"


def _not_followed(row: Collected) -> str:
    """Why FreshBooks shows more than Stripe kept."""
    if row.undone:
        return "match_taken_back"
    return "dispute_not_followed" if row.dispute == "lost" else "refund_not_followed"


def _of_others(sides: Sides, tied: set[str]) -> Iterator[Explanation]:
    """Payments that people entered in FreshBooks, against what Stripe was told of them."""
    for number in {**sides.book, **sides.reported}:
        stripes = number in tied or number in sides.ours
        book, reported = 0 if stripes else sides.book.get(number, 0), sides.reported.get(number, 0)
        if book == reported:
            continue
        if sides.reported_later.get(number, 0) == book - reported:
            kind = "reported_later"
        elif stripes:
            kind = "reported_own"
        elif reported == 0:
            kind = "outside_not_reported"
        else:
            kind = "reported_gone" if book == 0 else "reported_differs"
        yield Explanation(kind=kind, amount=reported - book, payment=number)
