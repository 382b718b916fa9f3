"""When a collected payment may be recorded by itself, and how ours are told from others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta

from django.conf import settings

from connector import idempotency
from connector.models import CollectedPayment, OutsidePayment
from connector.money import Money
from connector.vendors.freshbooks.records import DELETED, FreshBooksInvoice, FreshBooksPayment

Recording = CollectedPayment.Recording
TWIN_WINDOW = timedelta(days=3)
MAY_BE_SAME = "within three days that is not ours: it may be the same money."
# What may turn out to stand in FreshBooks already: nothing of ours does, and nothing is being sent.
BY_HAND_BEFORE = (
    Recording.OBSERVED,
    Recording.AWAITING_APPROVAL,
    Recording.NEEDS_YOU,
    Recording.REJECTED,
    Recording.DELETED_BY_PERSON,
)


def marker_for(row: CollectedPayment) -> str:
    """The marker of this payment: nobody can make one for another, and it never changes."""
    return idempotency.payment_marker(
        secret=settings.SECRET_KEY.encode(),
        intent=f"{row.tenant_id}:{row.stripe_invoice_payment_id}",
    )


def find_by_marker(
    row: CollectedPayment, payments: Iterable[FreshBooksPayment]
) -> FreshBooksPayment | None:
    """The earliest payment of the invoice that carries this row's marker."""
    ours = [p for p in payments if idempotency.find_marker(p.note) == row.marker]
    return min(ours, key=lambda payment: payment.id, default=None)


def why_not(
    row: CollectedPayment,
    invoice: FreshBooksInvoice,
    payments: Iterable[FreshBooksPayment],
    *,
    ours: Collection[str],
    decided: Collection[int] = (),
) -> str:
    """The reason why a person must look first; "" when the payment may be recorded.

    `decided` are the FreshBooks payments of which somebody said what money they are: not this.
    `ours` are the markers that this invoice's payments were recorded with. A marker that is not
    among them was made by somebody else, such as an earlier installation: it may be the same money.
    """
    amount = Money(row.kept_minor, row.currency)
    doubt = _doubt(row, invoice)
    if doubt:
        return doubt
    others = [p for p in payments if idempotency.find_marker(p.note) not in ours]
    if any(payment.gateway for payment in others):
        return "FreshBooks' own payment processing also collects this invoice."
    if invoice.outstanding < amount:
        return (
            f"Stripe collected {amount}, but only {invoice.outstanding} is outstanding in "
            "FreshBooks: it was paid twice, or the invoice was lowered."
        )
    twins = (p for p in others if p.amount == amount and p.id not in decided)
    if any(_is_near(row, payment.paid_on) for payment in twins):
        return f"FreshBooks already has a payment of {amount} {MAY_BE_SAME}"
    return ""


def _doubt(row: CollectedPayment, invoice: FreshBooksInvoice) -> str:
    """What is not right about the payment itself, or about its invoice."""
    if row.currency != invoice.currency_code:
        return f"Paid in {row.currency}, but the invoice is in {invoice.currency_code}."
    if row.refunds_unclear:
        return (
            "How much of it went back cannot be told: its payment paid several invoices, or the "
            "dispute is in another currency."
        )
    if invoice.vis_state == DELETED:
        return "The invoice was deleted in FreshBooks."
    return ""


def stopped_by_twin(row: CollectedPayment) -> bool:
    """Whether a payment that was entered by hand is why it was not recorded."""
    return bool(row.reason.endswith(MAY_BE_SAME))


def is_twin(row: CollectedPayment, payment: OutsidePayment) -> bool:
    """Whether it may be the same money: amount, currency, and three days at most between them."""
    same = (payment.amount_minor, payment.currency) == (row.kept_minor, row.currency)
    return same and _is_near(row, payment.paid_on)


def _is_near(row: CollectedPayment, day: date) -> bool:
    return row.paid_at is not None and abs(day - row.paid_at.date()) <= TWIN_WINDOW


def possible_mirrors(
    outside: Iterable[OutsidePayment], collected: Iterable[CollectedPayment]
) -> set[int]:
    """Keys of payments in FreshBooks that may be Stripe's own money, entered by hand.

    Each payment that Stripe collected and we did not record excuses one of the same amount within
    three days. Telling Stripe of such a one would ask the client for too little.
    """
    payments = list(outside)
    entered = {row.same_money_as_id for row in payments if row.stands_for_stripe}
    left = [
        row
        for row in collected
        if not (row.undone or row.recording == Recording.RECORDED or row.pk in entered)
    ]
    found = set()
    for payment in payments:
        if payment.is_decided:
            continue
        mirrored = next((row for row in left if _may_mirror(payment, row)), None)
        if mirrored is not None:
            left.remove(mirrored)
            found.add(payment.pk)
    return found


def _may_mirror(payment: OutsidePayment, row: CollectedPayment) -> bool:
    if (payment.amount_minor, payment.currency) != (row.amount_minor, row.currency):
        return False
    return row.paid_at is None or _is_near(row, payment.paid_on)
