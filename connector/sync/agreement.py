"""After each sync: both sides' figures on the link, and one row for each difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from audit.recording import gathered, record
from config.riding import save_along
from connector.collection import is_disputed, status_from
from connector.errors import NotRepresentable
from connector.mapping.compare import Difference, Dispute, compare_invoice
from connector.models import CollectedPayment, Discrepancy, InvoiceLink, OutsidePayment
from connector.money import Money
from connector.sync.alignment import StripeSight
from connector.sync.books import Books
from connector.sync.collected import has_pending_payment, returned, total
from connector.sync.context import SyncRun
from connector.sync.counting import still_counted
from connector.sync.money_known import KnownMoney, money_of
from connector.vendors.freshbooks.records import DELETED
from tenants.models import Tenant
from tenants.scope import tenant_scope

Recording = CollectedPayment.Recording
FIGURES = (
    "state",
    "reason",
    "freshbooks_paid_minor",
    "freshbooks_outstanding_minor",
    "stripe_status",
    "stripe_paid_minor",
    "stripe_remaining_minor",
    "returned_minor",
    "collection_status",
)
_SAVED = (
    *FIGURES,
    "freshbooks_total_minor",
    "stripe_invoice_id",
    "stripe_total_minor",
    "hosted_invoice_url",
    "content_hash",
    "dispute_due_at",
    "synced_at",
)


def save_agreement(
    run: SyncRun,
    link: InvoiceLink,
    books: Books,
    sight: StripeSight,
    blocked: NotRepresentable | None,
    *,
    has_money: bool = True,
) -> int:
    """Save what both sides say now; answer the number of open discrepancies.

    `has_money`: whether any money of this invoice may be known.
    """
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        money = money_of(link) if has_money else KnownMoney()
        differences = _differences(run, link, books, sight, money, blocked)
        before = {name: getattr(link, name) for name in FIGURES}
        was_compared = link.synced_at is not None
        _set_figures(link, books, sight, money)
        link.state, link.reason = _state(books, sight, blocked)
        save_along(link, *_SAVED)
        after = {name: getattr(link, name) for name in FIGURES}
        with gathered():
            if after != before:
                _audit(run, link, "invoice.synced", after)
            _keep_all(run, link, differences)
            if was_compared:
                _close_others(run, link, differences)
        return len(differences)


def save_missing(run: SyncRun, link: InvoiceLink, sight: StripeSight) -> None:
    """FreshBooks does not have the invoice any more: nothing is changed in Stripe by itself."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        money = money_of(link)
        collected = total(money.collected, link.currency)
        nothing = Money.zero(link.currency)
        differences = compare_invoice(
            None, sight.invoice, collected=collected, recorded=nothing, reported=nothing
        )
        link.state = InvoiceLink.State.BLOCKED if differences else InvoiceLink.State.REMOVED
        link.reason = "FreshBooks no longer has this invoice."
        _set_stripe(link, sight)
        _set_money(link, sight, money)
        link.save()
        _keep_all(run, link, differences)
        _close_others(run, link, differences)


def _keep_all(run: SyncRun, link: InvoiceLink, differences: Sequence[Difference]) -> None:
    """Open, refresh or reopen a row for each difference."""
    now = timezone.now()
    for difference in differences:
        _keep(run, link, difference, now)


def _close_others(run: SyncRun, link: InvoiceLink, differences: Sequence[Difference]) -> None:
    """Close the row of each difference that is no longer there."""
    seen = [difference.kind for difference in differences]
    rows = Discrepancy.objects.filter(invoice=link, state=Discrepancy.State.OPEN)
    for row in rows.exclude(kind__in=seen):
        row.state = Discrepancy.State.CLOSED
        row.closed_at = timezone.now()
        row.save(update_fields=["state", "closed_at"])
        _audit(run, link, "discrepancy.closed", {"kind": row.kind})


def _keep(run: SyncRun, link: InvoiceLink, difference: Difference, now: datetime) -> None:
    row, created = Discrepancy.objects.get_or_create(
        tenant_id=run.tenant_id,
        kind=difference.kind,
        subject=link.entity,
        defaults={"invoice": link, "opened_at": now, "last_seen_at": now},
    )
    if not created and row.state == Discrepancy.State.CLOSED:
        row.reopened += 1
        row.opened_at = now
    if created or row.state == Discrepancy.State.CLOSED:
        _audit(run, link, "discrepancy.opened", {"kind": row.kind, "why": difference.explanation})
    money = difference.freshbooks or difference.stripe
    row.state = Discrepancy.State.OPEN
    row.closed_at = None
    row.severity = difference.severity
    row.currency = money.currency if money else link.currency
    row.freshbooks_minor = difference.freshbooks.amount_minor if difference.freshbooks else None
    row.stripe_minor = difference.stripe.amount_minor if difference.stripe else None
    row.explanation = difference.explanation
    row.suggested_step = difference.suggested_step
    row.last_seen_at = now
    row.save()


def _differences(
    run: SyncRun,
    link: InvoiceLink,
    books: Books,
    sight: StripeSight,
    money: KnownMoney,
    blocked: NotRepresentable | None,
) -> tuple[Difference, ...]:
    currency = books.invoice.currency_code
    collected, outside = money.collected, money.outside
    unknown = [row for row in collected if row.recording in {Recording.UNKNOWN, Recording.SENDING}]
    return compare_invoice(
        books.invoice,
        sight.invoice,
        collected=total(collected, currency),
        recorded=_recorded(collected, currency),
        certain=_certain(outside, currency),
        reported=Money(money.totals.reported, currency),
        refunded=returned(collected, currency),
        disputed=_open_dispute(collected),
        unclear=any(row.refunds_unclear for row in collected),
        unknown=total(unknown, currency),
        taken_back=_taken_back(outside, collected, sight, currency),
        own_collector=link.own_collector,
        records_payments=run.payment_mode == Tenant.PaymentMode.RECORD,
        not_representable=_why(blocked),
    )


def _open_dispute(rows: Iterable[CollectedPayment]) -> Dispute | None:
    """All that is under dispute, with the words and the date of what must be answered first."""
    now = timezone.now()
    found = sorted(
        (row for row in rows if is_disputed(row)),
        key=lambda row: (row.dispute_due_at or now, row.stripe_invoice_payment_id),
    )
    if not found:
        return None
    first = found[0]
    minor = sum(row.at_stake_minor for row in found if row.currency == first.currency)
    status = first.open_dispute_status or first.dispute_status
    return Dispute(amount=Money(minor, first.currency), status=status, due_by=first.dispute_due_at)


def _why(blocked: NotRepresentable | None) -> str:
    return f"{blocked.message} {blocked.next_step}".strip() if blocked else ""


def _recorded(rows: Iterable[CollectedPayment], currency: str) -> Money:
    minor = sum(
        row.freshbooks_amount_minor or 0
        for row in rows
        if row.recording in {Recording.RECORDED, Recording.BY_HAND} and row.currency == currency
    )
    return Money(minor, currency)


def _certain(rows: Iterable[OutsidePayment], currency: str) -> Money:
    """What of the money from elsewhere Stripe does not know, and is none of Stripe's own for sure."""
    same = (row for row in rows if row.currency == currency)
    return Money(sum(max(0, row.untold_minor) for row in same if row.other_money), currency)


def _taken_back(
    outside: Iterable[OutsidePayment],
    collected: Iterable[CollectedPayment],
    sight: StripeSight,
    currency: str,
) -> Money:
    """What Stripe was told of and no longer counts: cheques that are gone, matches taken back."""
    same = (row.taken_back_minor for row in outside if row.currency == currency)
    undone = [row for row in collected if row.undone and row.currency == currency]
    matched = still_counted(undone, sight.invoice.id) if sight.invoice else 0
    return Money(sum(same) + matched, currency)


def _set_figures(
    link: InvoiceLink,
    books: Books,
    sight: StripeSight,
    money: KnownMoney,
) -> None:
    invoice = books.invoice
    link.freshbooks_total_minor = invoice.amount.amount_minor
    link.freshbooks_paid_minor = invoice.paid.amount_minor
    link.freshbooks_outstanding_minor = invoice.outstanding.amount_minor
    _set_stripe(link, sight)
    link.content_hash = sight.revision.content_hash if sight.revision else ""
    _set_money(link, sight, money)


def _set_stripe(link: InvoiceLink, sight: StripeSight) -> None:
    """What Stripe says of its invoice."""
    stripe = sight.invoice
    link.stripe_invoice_id = stripe.id if stripe else ""
    link.stripe_status = stripe.status if stripe else ""
    link.stripe_total_minor = stripe.total.amount_minor if stripe else None
    link.stripe_paid_minor = stripe.amount_paid.amount_minor if stripe else None
    link.stripe_remaining_minor = stripe.amount_remaining.amount_minor if stripe else None
    link.hosted_invoice_url = stripe.hosted_invoice_url if stripe else ""


def _set_money(link: InvoiceLink, sight: StripeSight, money: KnownMoney) -> None:
    """What became of the money, by the journal."""
    link.returned_minor = money.totals.returned
    dispute = _open_dispute(money.collected)
    link.dispute_due_at = dispute.due_by if dispute else None
    link.collection_status = status_from(
        link,
        money.totals,
        has_pending=has_pending_payment(sight.payments),
        disputed=dispute is not None,
        by_hand=money.by_hand,
    )
    link.synced_at = timezone.now()


def _state(
    books: Books, sight: StripeSight, blocked: NotRepresentable | None
) -> tuple[InvoiceLink.State, str]:
    if blocked is not None:
        return InvoiceLink.State.BLOCKED, _why(blocked)
    if books.invoice.vis_state == DELETED:
        return InvoiceLink.State.REMOVED, "Deleted in FreshBooks."
    if sight.invoice is None:
        return (
            InvoiceLink.State.SETTLED,
            "Nothing is outstanding, so Stripe has nothing to collect.",
        )
    if sight.invoice.status == "draft":
        return InvoiceLink.State.DRAFT, ""
    if sight.invoice.status == "paid":
        return InvoiceLink.State.SETTLED, ""
    return InvoiceLink.State.OPEN, ""


def _audit(run: SyncRun, link: InvoiceLink, action: str, details: dict[str, Any]) -> None:
    record(
        tenant_id=run.tenant_id,
        action=action,
        entity=link.entity,
        cause=run.job.cause,
        details=details,
    )
