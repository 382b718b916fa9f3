"""When a collected payment may be recorded by itself, and how ours are told from others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from django.conf import settings

from connector import idempotency
from connector.models import CollectedPayment, OutsidePayment
from connector.money import Money
from connector.vendors.freshbooks.records import DELETED, FreshBooksInvoice, FreshBooksPayment

RECORDED = CollectedPayment.Recording.RECORDED
TWIN_WINDOW = timedelta(days=3)


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
) -> str:
    """The reason why a person must look first; "" when the payment may be recorded.

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
    if any(_is_twin(row, payment, amount) for payment in others):
        return (
            f"FreshBooks already has a payment of {amount} within three days that is not ours: it "
            "may be the same money."
        )
    return ""


def _doubt(row: CollectedPayment, invoice: FreshBooksInvoice) -> str:
    """What is not right about the payment itself, or about its invoice."""
    if row.currency != invoice.currency_code:
        return f"Paid in {row.currency}, but the invoice is in {invoice.currency_code}."
    if row.refunds_unclear:
        return (
            "Its payment paid several invoices and went back in part: Stripe does not say for which "
            "of them."
        )
    if invoice.vis_state == DELETED:
        return "The invoice was deleted in FreshBooks."
    return ""


def _is_twin(row: CollectedPayment, payment: FreshBooksPayment, amount: Money) -> bool:
    if payment.amount != amount or row.paid_at is None:
        return False
    return abs(payment.paid_on - row.paid_at.date()) <= TWIN_WINDOW


def possible_mirrors(
    outside: Iterable[OutsidePayment], collected: Iterable[CollectedPayment]
) -> set[int]:
    """Keys of payments in FreshBooks that may be Stripe's own money, entered by hand.

    Each payment that Stripe collected and we did not record excuses one of the same amount within
    three days. Telling Stripe of such a one would ask the client for too little.
    """
    left = [row for row in collected if not (row.undone or row.recording == RECORDED)]
    found = set()
    for payment in outside:
        mirrored = next((row for row in left if _may_mirror(payment, row)), None)
        if mirrored is not None:
            left.remove(mirrored)
            found.add(payment.pk)
    return found


def _may_mirror(payment: OutsidePayment, row: CollectedPayment) -> bool:
    if (payment.amount_minor, payment.currency) != (row.amount_minor, row.currency):
        return False
    return row.paid_at is None or abs(payment.paid_on - row.paid_at.date()) <= TWIN_WINDOW
