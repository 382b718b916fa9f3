"""Matching money without an invoice to invoices: what both people and the system do with it.

Every function runs inside the caller's scope and transaction, on a locked row, and leaves an audit
entry. Nothing is told to a vendor here: `sync_invoice` of the invoice does that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from audit.recording import Cause, record
from connector.errors import ConnectorError, FailureMode
from connector.jobs import kinds, ledger
from connector.models import Allocation, CollectedPayment, InvoiceLink, StrayPayment
from connector.models.payments import of_payment
from connector.money import Money

State, Via = StrayPayment.State, StrayPayment.Via
OPEN = (State.UNMATCHED, State.PARTLY)
CLOSED_INVOICES = (InvoiceLink.State.REMOVED, InvoiceLink.State.SKIPPED)
Part = tuple[InvoiceLink, int]  # an invoice and an amount in minor units


class MatchRefused(ConnectorError):
    """A match that cannot be made. The message says why, in words for the person who asked."""

    failure_mode = FailureMode.PERMANENT


def locked(stray_ids: Iterable[int]) -> list[StrayPayment]:
    """The rows, locked in one order for everybody."""
    rows = StrayPayment.objects.select_for_update(of=("self",)).select_related("tenant", "client")
    return list(rows.filter(pk__in=list(stray_ids)).order_by("tenant_id", "pk"))


def matched_minor(stray: StrayPayment) -> int:
    """What is matched to invoices: here, and by Stripe itself."""
    living = Allocation.objects.filter(stray=stray, undone_at__isnull=True)
    return stray.applied_minor + int(living.aggregate(sum=Sum("amount_minor"))["sum"] or 0)


def left_minor(stray: StrayPayment) -> int:
    """What of it is neither matched nor went back; never below zero."""
    return max(0, stray.amount_minor - stray.returned_minor - matched_minor(stray))


def is_overmatched(stray: StrayPayment) -> bool:
    """Whether more of it is matched than was paid: Stripe applied it elsewhere meanwhile."""
    return matched_minor(stray) > stray.amount_minor


def restate(stray: StrayPayment) -> bool:
    """Set the state that follows from the amounts, and save it; answer whether it changed."""
    before = stray.state
    stray.applied_minor = _applied_minor(stray)
    stray.state = _state(stray)
    if not stray.is_open:
        stray.suggestions = []
    stray.save()
    return bool(stray.state != before)


def _applied_minor(stray: StrayPayment) -> int:
    """What Stripe itself counts of it towards invoices of ours, e.g. as somebody attached it there."""
    if stray.via == Via.CASH_BALANCE:
        return stray.applied_minor  # told by the movements of the balance
    rows = CollectedPayment.objects.filter(
        of_payment(stray.payment_id),
        tenant_id=stray.tenant_id,
        allocation__isnull=True,
    )
    return int(rows.aggregate(sum=Sum("amount_minor"))["sum"] or 0)


def _state(stray: StrayPayment) -> StrayPayment.State:
    matched = matched_minor(stray)
    if stray.returned_minor >= stray.amount_minor:
        return State.RETURNED
    if stray.reason:
        return State.IGNORED
    if matched == 0:
        return State.UNMATCHED
    complete = matched + stray.returned_minor >= stray.amount_minor
    return State.MATCHED if complete and matched <= stray.amount_minor else State.PARTLY


def allocate(
    stray: StrayPayment,
    parts: Sequence[Part],
    *,
    cause: Cause,
    evidence: Sequence[str] = (),
    made_by: str = "",
) -> list[Allocation]:
    """Let parts of a locked payment stand for invoices; queue what follows.

    Raises: MatchRefused if any part cannot be; then nothing is saved by the caller's transaction.
    """
    _check(stray, parts)
    made = []
    for link, amount_minor in parts:
        row = Allocation.objects.create(
            tenant_id=stray.tenant_id,
            stray=stray,
            invoice=link,
            amount_minor=amount_minor,
            made_by=made_by or cause.actor,
            evidence=list(evidence),
        )
        made.append(row)
        _record(stray, "money.matched", cause, _details(row))
        _queue_invoice(link, cause)
    restate(stray)
    return made


def undo(row: Allocation, *, because: str, cause: Cause) -> bool:
    """Take a match back; False if that was done already. Its payment must be locked."""
    if row.undone_at is not None:
        return False
    row.undone_at, row.undone_by, row.undone_because = timezone.now(), cause.actor, because
    row.save(update_fields=["undone_at", "undone_by", "undone_because"])
    _record(row.stray, "money.match_undone", cause, {**_details(row), "because": because})
    _queue_invoice(row.invoice, cause)
    restate(row.stray)
    return True


def open_amounts(links: Sequence[InvoiceLink]) -> dict[int, int]:
    """What is still to be matched of each invoice, in minor units, by our id.

    FreshBooks' outstanding amount, less what was collected or matched and is not recorded there
    yet: where the tenant observes, that stays so.
    """
    ids = [link.pk for link in links]
    left = {link.pk: link.freshbooks_outstanding_minor or 0 for link in links}
    for row in CollectedPayment.objects.filter(invoice_id__in=ids):
        if row.recording != CollectedPayment.Recording.RECORDED:
            left[row.invoice_id] -= row.kept_minor
    waiting = Allocation.objects.filter(
        invoice_id__in=ids, undone_at__isnull=True, collected__isnull=True
    )
    for allocation in waiting:
        left[allocation.invoice_id] -= allocation.amount_minor
    return {pk: max(0, amount) for pk, amount in left.items()}


def _check(stray: StrayPayment, parts: Sequence[Part]) -> None:
    if not parts:
        raise MatchRefused("Name at least one invoice.")
    if stray.via == Via.CASH_BALANCE:
        raise MatchRefused(
            "This money is still the customer's own: Stripe holds it and has not applied it.",
            next_step="Apply it to an invoice in Stripe, or send it back there.",
        )
    if stray.state == State.IGNORED:
        raise MatchRefused("It was left alone with a reason: take that back first.")
    links = [link for link, _ in parts]
    # Locked in one order: two people may match different payments to the same invoice at once.
    wanted = InvoiceLink.objects.select_for_update(of=("self",))
    amounts = open_amounts(list(wanted.filter(pk__in=[link.pk for link in links]).order_by("pk")))
    for link, amount_minor in parts:
        _check_part(stray, link, amount_minor, open_minor=amounts.get(link.pk, 0))
    if len({link.pk for link in links}) < len(links):
        raise MatchRefused("Each invoice can be named only once.")
    left = left_minor(stray)
    if sum(amount for _, amount in parts) > left:
        raise MatchRefused(f"Only {Money(left, stray.currency)} of it is left to match.")


def _check_part(
    stray: StrayPayment, link: InvoiceLink, amount_minor: int, *, open_minor: int
) -> None:
    if link.tenant_id != stray.tenant_id:
        raise MatchRefused("The invoice belongs to another tenant.")
    if amount_minor <= 0:
        raise MatchRefused(f"The amount for {link} must be above zero.")
    if link.state in CLOSED_INVOICES:
        raise MatchRefused(f"{link} is {link.get_state_display().lower()}.")
    if link.currency != stray.currency:
        raise MatchRefused(f"{link} is in {link.currency}, the payment in {stray.currency}.")
    if amount_minor > open_minor:
        raise MatchRefused(f"{link} has only {Money(open_minor, link.currency)} outstanding.")
    if Allocation.objects.filter(stray=stray, invoice=link, undone_at__isnull=True).exists():
        raise MatchRefused(f"A part of it is matched to {link} already: undo that first.")


def _queue_invoice(link: InvoiceLink, cause: Cause) -> None:
    ledger.enqueue(
        tenant_id=link.tenant_id,
        kind=kinds.SYNC_INVOICE,
        subject=str(link.freshbooks_invoice_id),
        cause=cause,
        priority=5,  # a person is waiting
    )


def _details(row: Allocation) -> dict[str, Any]:
    return {
        "invoice": row.invoice.freshbooks_invoice_id,
        "number": row.invoice.number,
        "amount": str(Money(row.amount_minor, row.stray.currency)),
        "evidence": row.evidence,
    }


def _record(stray: StrayPayment, action: str, cause: Cause, details: dict[str, Any]) -> None:
    record(
        tenant_id=stray.tenant_id,
        action=action,
        entity=f"payment:{stray.payment_id}",
        cause=cause,
        details=details,
    )
