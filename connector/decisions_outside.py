"""What people decide about payments in FreshBooks that may be Stripe's own money, entered by hand.

As in `connector.decisions`: inside the caller's scope and transaction, with an audit entry for each
row, and the work that follows queued. `sync.by_hand` and `sync.reporting` follow the decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from django.utils import timezone

from audit.recording import Cause, record
from connector.decisions import URGENT
from connector.jobs import kinds, ledger
from connector.models import CollectedPayment, InvoiceLink, OutsidePayment
from connector.money import Money
from connector.sync.recording_guards import BY_HAND_BEFORE, is_twin

Reporting = OutsidePayment.Reporting
Twins = list[tuple[OutsidePayment, CollectedPayment]]


def candidates(row: OutsidePayment) -> list[CollectedPayment]:
    """The Stripe payments for which it may stand: those of the same amount and days first."""
    found = [other for other in _free([row.invoice_id]) if other.currency == row.currency]
    return sorted(found, key=lambda other: (not is_twin(other, row), other.pk))


def twins_of(invoice_ids: Iterable[int]) -> Twins:
    """Undecided payments of these invoices with each Stripe payment that may be the same money."""
    ids = list(invoice_ids)
    rows = OutsidePayment.objects.filter(
        invoice_id__in=ids, same_money_as__isnull=True, other_money=False, deleted=False
    ).order_by("tenant_id", "pk")
    free = _free(ids)
    return [
        (row, other)
        for row in rows
        for other in free
        if other.invoice_id == row.invoice_id and is_twin(other, row)
    ]


def say_same_as(row_id: int, collected_id: int, *, because: str, cause: Cause) -> int:
    """Say that a payment is that Stripe payment, entered by hand; 0 if that cannot be."""
    return sum(
        _same(row, other, because, cause)
        for row in _locked([row_id])
        for other in candidates(row)
        if other.pk == collected_id and because.strip()
    )


def say_same(
    invoice_ids: Iterable[int], *, because: str, cause: Cause, only: Collection[int] | None = None
) -> int:
    """Each payment of these invoices that may be exactly one Stripe payment, is it.

    `only` are the payments that are meant; None for all of these invoices.
    """
    pairs = twins_of(invoice_ids)
    rivals = Counter(row.pk for row, _ in pairs), Counter(other.pk for _, other in pairs)
    alone = [
        (row.pk, other.pk)
        for row, other in pairs
        if rivals[0][row.pk] == rivals[1][other.pk] == 1 and (only is None or row.pk in only)
    ]
    return sum(say_same_as(row, other, because=because, cause=cause) for row, other in alone)


def say_other(row_ids: Iterable[int], *, because: str, cause: Cause) -> int:
    """These payments are none of Stripe's: Stripe is told of them, and they stop no recording."""
    rows = [row for row in _locked(row_ids) if not (row.is_decided or row.deleted)]
    for row in rows if because.strip() else []:
        row.other_money = True
        _decide(row, because, "outside_payment.said_other_money", cause)
    return len(rows) if because.strip() else 0


def take_back(row_ids: Iterable[int], *, because: str, cause: Cause) -> int:
    """What was decided about these payments holds no longer."""
    rows = [row for row in _locked(row_ids) if row.is_decided]
    for row in rows if because.strip() else []:
        row.same_money_as, row.other_money = None, False
        _decide(row, because, "outside_payment.decision_taken_back", cause)
    return len(rows) if because.strip() else 0


def _free(invoice_ids: Sequence[int]) -> list[CollectedPayment]:
    """Stripe payments that nothing in FreshBooks stands for."""
    rows = CollectedPayment.objects.filter(
        invoice_id__in=invoice_ids, recording__in=BY_HAND_BEFORE, undone=False
    )
    return list(rows.exclude(entered_by_hand__deleted=False).order_by("pk"))


def _same(row: OutsidePayment, other: CollectedPayment, because: str, cause: Cause) -> int:
    locked = CollectedPayment.objects.select_for_update().filter(
        pk=other.pk, recording__in=BY_HAND_BEFORE
    )
    if row.is_decided or row.deleted or not locked.exists():
        return 0
    # A payment that is gone from FreshBooks stands for nothing any more.
    OutsidePayment.objects.filter(same_money_as=other).update(same_money_as=None)
    row.same_money_as = other
    locked.update(
        recording=CollectedPayment.Recording.BY_HAND,
        freshbooks_amount_minor=row.amount_minor,
        reason=row.by_hand_reason,
    )
    _decide(row, because, "outside_payment.said_same_money", cause)
    return 1


def _locked(row_ids: Iterable[int]) -> list[OutsidePayment]:
    rows = OutsidePayment.objects.select_for_update(of=("self",)).select_related("invoice")
    return list(rows.filter(pk__in=list(row_ids)).order_by("tenant_id", "pk"))


def _decide(row: OutsidePayment, because: str, action: str, cause: Cause) -> None:
    done = row.stands_for_stripe and row.told_minor == 0
    row.reporting, row.reason = Reporting.SAME_MONEY if done else Reporting.SEEN, ""
    row.decided_by, row.decided_at = cause.actor, timezone.now()
    row.decided_because = because.strip()[:300]
    row.save()
    link: InvoiceLink = row.invoice
    ledger.enqueue(
        tenant_id=row.tenant_id,
        kind=kinds.SYNC_INVOICE,
        subject=str(link.freshbooks_invoice_id),
        cause=cause,
        priority=URGENT,
    )
    record(
        tenant_id=row.tenant_id,
        action=action,
        entity=link.entity,
        cause=cause,
        details={
            "freshbooks_payment": row.freshbooks_payment_id,
            "amount": str(Money(row.amount_minor, row.currency)),
            "same_money_as": (
                row.same_money_as.stripe_invoice_payment_id if row.same_money_as else ""
            ),
            "because": row.decided_because,
        },
    )
