"""What people decide about money without an invoice: match, split, leave alone, take back.

As in `connector.decisions`: inside the caller's scope and transaction, with an audit entry for each
row, and the work that follows queued. What cannot be done raises `MatchRefused` with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.recording import Cause, record
from connector import allocating, suggesting
from connector.allocating import MatchRefused
from connector.jobs import kinds, ledger
from connector.models import Allocation, InvoiceLink, StrayPayment

URGENT = 5


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One line of what somebody asks for: an invoice by number or FreshBooks id, and an amount."""

    invoice: str
    amount_minor: int


def accept(stray_id: int, parts: Sequence[tuple[int, int]], *, cause: Cause) -> int:
    """Match a payment as one of its suggestions says; `parts` are (our invoice id, amount).

    Raises: MatchRefused if the suggestion is not there any more, or cannot be done.
    """
    stray = _locked(stray_id)
    for suggestion in stray.suggestions:
        kept = [(part["invoice"], part["amount_minor"]) for part in suggestion["parts"]]
        if suggestion["fits"] and sorted(kept) == sorted(parts):
            return _apply(stray, suggestion, cause)
    raise MatchRefused("This suggestion has changed since you looked: look at the payment again.")


def accept_unique(rows: Iterable[StrayPayment], *, cause: Cause) -> int:
    """Match each payment whose suggestion is unique; answer how many were matched."""
    done = 0
    for stray in allocating.locked([row.pk for row in rows]):
        unique = next((row for row in stray.suggestions if row["unique"]), None)
        if unique is None or not stray.is_open:
            continue
        try:
            with transaction.atomic():
                done += bool(_apply(stray, unique, cause))
        except MatchRefused:
            suggesting.refresh(stray, cause=cause)  # the books changed: the next look shows how
    return done


def match(stray_id: int, wishes: Sequence[Wish], *, cause: Cause) -> int:
    """Match a payment to one invoice, or split it over several; answer how many.

    Raises: MatchRefused if an invoice is not known, or any line cannot be done: then none is.
    """
    stray = _locked(stray_id)
    parts = [(_find(stray, wish.invoice), wish.amount_minor) for wish in wishes]
    return _allocate(stray, parts, ["Chosen by a person."], cause)


def ignore(rows: Iterable[StrayPayment], *, reason: str, cause: Cause) -> int:
    """Leave payments alone, or what is left of them, with the reason; matches stay as they are."""
    done = 0
    for stray in allocating.locked([row.pk for row in rows]):
        if not stray.is_open or not reason.strip():
            continue
        stray.reason = reason.strip()
        done += _decide(stray, "money.left_alone", cause)
    return done


def stop_ignoring(rows: Iterable[StrayPayment], *, cause: Cause) -> int:
    """Put payments that were left alone back on the list."""
    done = 0
    for stray in allocating.locked([row.pk for row in rows]):
        if not stray.reason:
            continue
        stray.reason = ""
        done += _decide(stray, "money.taken_up_again", cause)
        suggesting.refresh(stray, cause=cause)
    return done


def undo(allocation_id: int, *, because: str, cause: Cause) -> int:
    """Take one match back: FreshBooks follows in the tenant's mode, Stripe cannot.

    Raises: MatchRefused without a reason.
    """
    if not because.strip():
        raise MatchRefused("Say why the match is taken back.")
    stray_id = Allocation.objects.values_list("stray_id", flat=True).get(pk=allocation_id)
    stray = _locked(stray_id)
    row = Allocation.objects.select_related("invoice", "stray").get(pk=allocation_id)
    row.stray = stray
    if not allocating.undo(row, because=because.strip(), cause=cause):
        return 0
    suggesting.refresh(stray, cause=cause)
    return _decided(stray, cause, 1)


def look_again(rows: Sequence[StrayPayment], *, cause: Cause) -> int:
    """Read payments from Stripe again, and look anew which invoices they may be for."""
    for stray in sorted(rows, key=lambda row: (row.tenant_id, row.pk)):
        held = stray.via == StrayPayment.Via.CASH_BALANCE
        kind = kinds.LOOK_UP_CASH_BALANCE if held else kinds.LOOK_UP_STRIPE_PAYMENT
        subject = stray.customer_id if held else stray.payment_id
        ledger.enqueue(
            tenant_id=stray.tenant_id,
            kind=kind,
            subject=subject,
            cause=cause,
            priority=URGENT,
            delay_s=0,
        )
        _record(stray, "money.look_asked", cause)
    return len(rows)


def _apply(stray: StrayPayment, suggestion: dict[str, Any], cause: Cause) -> int:
    return _allocate(stray, suggesting.parts_of(stray, suggestion), suggestion["evidence"], cause)


def _allocate(
    stray: StrayPayment, parts: Sequence[allocating.Part], evidence: Sequence[str], cause: Cause
) -> int:
    made = allocating.allocate(stray, parts, cause=cause, evidence=evidence)
    decided = _decided(stray, cause, len(made))
    suggesting.refresh(stray, cause=cause)  # for what is left of it
    return decided


def _locked(stray_id: int) -> StrayPayment:
    (stray,) = allocating.locked([stray_id])
    return stray


def _find(stray: StrayPayment, named: str) -> InvoiceLink:
    """An invoice of the payment's tenant, by number or, if no number fits, by FreshBooks id."""
    name = named.strip()
    links = InvoiceLink.objects.filter(tenant_id=stray.tenant_id)
    found: list[InvoiceLink] = list(links.filter(number__iexact=name)[:2])
    if not found and name.isdecimal() and len(name) < 19:
        found = list(links.filter(freshbooks_invoice_id=int(name)))
    if not found:
        raise MatchRefused(f"There is no invoice {name!r} here.")
    if len(found) > 1:
        raise MatchRefused(f"Two invoices have the number {name}: name it by its FreshBooks id.")
    (link,) = found
    return link


def _decide(stray: StrayPayment, action: str, cause: Cause) -> int:
    allocating.restate(stray)
    _record(stray, action, cause)
    return _decided(stray, cause, 1)


def _decided(stray: StrayPayment, cause: Cause, count: int) -> int:
    stray.decided_by, stray.decided_at = cause.actor, timezone.now()
    stray.save(update_fields=["decided_by", "decided_at"])
    return count


def _record(stray: StrayPayment, action: str, cause: Cause) -> None:
    record(
        tenant_id=stray.tenant_id,
        action=action,
        entity=f"payment:{stray.payment_id}",
        cause=cause,
        details={"state": stray.state, "reason": stray.reason},
    )
