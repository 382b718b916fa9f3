"""Payments that stand in FreshBooks and were not made by us: a cheque, cash, a credit.

Kept as one row each, with what became of it: changed, deleted, restored. `reporting` tells Stripe.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from audit.recording import record
from connector.idempotency import find_marker
from connector.models import CollectedPayment, InvoiceLink, OutsidePayment
from connector.money import Money
from connector.sync.context import SyncRun
from connector.sync.report_facts import keep_report_fact
from connector.vendors.freshbooks.records import FreshBooksPayment
from tenants.scope import tenant_scope

Reporting = OutsidePayment.Reporting
# What people decide may be written at any moment: a running sync never writes over it.
_OF_PEOPLE = {"same_money_as", "other_money", "decided_by", "decided_at", "decided_because"}
_OURS = [
    field.name
    for field in OutsidePayment._meta.concrete_fields  # noqa: SLF001 - documented by Django
    if not field.primary_key and field.name not in _OF_PEOPLE
]


def take_outside_payments(
    run: SyncRun, link: InvoiceLink, payments: Iterable[FreshBooksPayment]
) -> list[OutsidePayment]:
    """Keep every live FreshBooks payment that is not ours; notice those that were deleted."""
    live = tuple(payments)
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        ours = _ours(link)
        for payment in live:
            marker = find_marker(payment.note)
            if payment.id in ours["ids"] or marker in ours["markers"]:
                continue
            if not run.has_forgotten(marker, ours["markers"]):
                _take(run, link, payment)
        gone = OutsidePayment.objects.filter(invoice=link, deleted=False).exclude(
            freshbooks_payment_id__in=[payment.id for payment in live]
        )
        for row in gone:
            row.deleted = True
            _changed(run, link, row, "outside_payment.deleted")
        return list(OutsidePayment.objects.filter(invoice=link).order_by("pk"))


def save_outside(
    run: SyncRun,
    link: InvoiceLink,
    row: OutsidePayment,
    action: str,
    *,
    told_at: datetime | None = None,
) -> None:
    """Save what became of it, with an audit entry; what Stripe was told is a fact of the journal."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        row.save(update_fields=_OURS)
        keep_report_fact(run, link, row, told_at or row.reported_at or timezone.now())
        _audit(run, link, row, action)


def _ours(link: InvoiceLink) -> dict[str, set[object]]:
    rows = CollectedPayment.objects.filter(invoice=link)
    return {
        "ids": {row.freshbooks_payment_id for row in rows if row.freshbooks_payment_id},
        "markers": {row.marker for row in rows if row.marker},
    }


def _take(run: SyncRun, link: InvoiceLink, payment: FreshBooksPayment) -> None:
    row, created = OutsidePayment.objects.get_or_create(
        tenant_id=run.tenant_id,
        freshbooks_payment_id=payment.id,
        defaults={
            "invoice": link,
            "amount_minor": payment.amount.amount_minor,
            "currency": payment.amount.currency,
            "paid_on": payment.paid_on,
            "type": payment.type[:40],
            "gateway": payment.gateway[:40],
        },
    )
    if created:
        _audit(run, link, row, "outside_payment.seen")
        return
    if row.deleted or row.amount_minor != payment.amount.amount_minor:
        restored = row.deleted
        row.deleted = False
        row.amount_minor = payment.amount.amount_minor
        action = "outside_payment.restored" if restored else "outside_payment.changed"
        _changed(run, link, row, action)


def _changed(run: SyncRun, link: InvoiceLink, row: OutsidePayment, action: str) -> None:
    """Whatever was decided about it was decided about another amount: it is looked at again."""
    row.reporting = Reporting.SEEN
    row.reason = ""
    row.save(update_fields=_OURS)
    _audit(run, link, row, action)


def _audit(run: SyncRun, link: InvoiceLink, row: OutsidePayment, action: str) -> None:
    record(
        tenant_id=run.tenant_id,
        action=action,
        entity=link.entity,
        cause=run.job.cause,
        details={
            "freshbooks_payment": row.freshbooks_payment_id,
            "amount": str(Money(row.amount_minor, row.currency)),
            "told_to_stripe": str(Money(row.told_minor, row.currency)),
            "type": row.type,
            "reporting": row.reporting,
            "reason": row.reason,
        },
    )
