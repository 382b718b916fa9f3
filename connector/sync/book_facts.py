"""FreshBooks' payments on an invoice, as facts of the journal: made, changed, deleted, restored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, time

from django.utils import timezone

from connector import journal
from connector.idempotency import find_marker
from connector.journal import Fact
from connector.models import CollectedPayment, InvoiceLink, MoneyFact
from connector.money import Money
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.records import FreshBooksPayment
from tenants.scope import tenant_scope

Kind = MoneyFact.Kind


def keep_book_facts(run: SyncRun, link: InvoiceLink, payments: Iterable[FreshBooksPayment]) -> None:
    """Keep what changed about the live payments since the journal last heard of them.

    Several changes between two looks are one fact: FreshBooks keeps no history.
    """
    live = {str(payment.id): payment for payment in payments}
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        known = _known(link)
        markers = set(
            CollectedPayment.objects.filter(invoice=link)
            .exclude(marker="")
            .values_list("marker", flat=True)
        )
        facts = [
            fact
            for payment in live.values()
            if not run.has_forgotten(find_marker(payment.note), markers)
            and (fact := _told(run, link, payment, known.get(str(payment.id), []), markers))
        ]
        facts += [
            _deleted(link, rows)
            for source, rows in known.items()
            if source not in live and _sum(rows) != 0
        ]
        journal.keep(run.tenant_id, facts, correlation_id=run.job.cause.correlation_id)


def _known(link: InvoiceLink) -> dict[str, list[MoneyFact]]:
    found: dict[str, list[MoneyFact]] = defaultdict(list)
    for row in MoneyFact.objects.filter(
        invoice=link, side=MoneyFact.Side.FRESHBOOKS, kind__in=journal.RECORDING
    ).order_by("pk"):
        found[row.source_id].append(row)
    return found


def _sum(rows: list[MoneyFact]) -> int:
    return sum(row.amount_minor for row in rows)


def _told(
    run: SyncRun,
    link: InvoiceLink,
    payment: FreshBooksPayment,
    rows: list[MoneyFact],
    markers: set[str],
) -> Fact | None:
    delta = payment.amount.amount_minor - _sum(rows)
    if rows and delta == 0:
        return None
    kind, at = Kind.PAYMENT_CHANGED, payment.updated_at
    if not rows:
        kind = Kind.PAYMENT
        at = datetime.combine(payment.paid_on, time(12), run.book_time_zone)
    elif rows[-1].kind == Kind.PAYMENT_DELETED:
        kind = Kind.PAYMENT_RESTORED
    return Fact(
        side=MoneyFact.Side.FRESHBOOKS,
        kind=kind,
        key=f"freshbooks:{payment.id}:{len(rows)}",
        source_id=str(payment.id),
        payment_id=str(payment.id),
        money=Money(delta, payment.amount.currency),
        about=payment.amount,
        happened_at=at,
        invoice=link,
        ours=find_marker(payment.note) in markers,
        note=payment.type,
    )


def _deleted(link: InvoiceLink, rows: list[MoneyFact]) -> Fact:
    last = rows[-1]
    return Fact(
        side=MoneyFact.Side.FRESHBOOKS,
        kind=Kind.PAYMENT_DELETED,
        key=f"freshbooks:{last.source_id}:{len(rows)}",
        source_id=last.source_id,
        payment_id=last.source_id,
        money=Money(-_sum(rows), last.currency),
        happened_at=timezone.now(),
        invoice=link,
        ours=last.ours,
    )
