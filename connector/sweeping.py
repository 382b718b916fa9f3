"""Rows that vanished in FreshBooks without a trace: in no list any more, and with no change to find.

Invoices are compared daily (`connector.reconcile`). Payments and clients are looked for once a week,
by lists: one call for a hundred rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.utils import timezone

from connector.jobs import ledger
from connector.jobs.kinds import FOUND_BY_COMPARISON, SYNC_CLIENT
from connector.models import ClientLink, CollectedPayment, OutsidePayment, PollFeed
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.pages import all_pages
from connector.vendors.freshbooks.records import DELETED
from tenants.scope import tenant_scope

EVERY = timedelta(days=7)
MARK = "swept"


def look_for_vanished(run: SyncRun, add: Callable[[int, str], None]) -> None:
    """Once a week: name invoices whose payment is gone to `add`, queue clients that are gone."""
    now = timezone.now()
    with tenant_scope(run.tenant_id):
        feed: PollFeed | None = PollFeed.objects.filter(feed=PollFeed.Feed.RECONCILE).first()
        last = feed.watermarks.get(MARK) if feed else None
    if feed is None:
        return
    if last and now - datetime.fromisoformat(last) >= EVERY:
        _look_for_payments(run, add)
        _look_for_clients(run)
    elif last:
        return
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        feed.watermarks = {**feed.watermarks, MARK: now.isoformat()}
        feed.save(update_fields=["watermarks"])


def _look_for_payments(run: SyncRun, add: Callable[[int, str], None]) -> None:
    with tenant_scope(run.tenant_id):
        known: dict[int, int] = {}
        for rows in (
            CollectedPayment.objects.filter(recording=CollectedPayment.Recording.RECORDED),
            OutsidePayment.objects.filter(deleted=False),
        ):
            known.update(
                rows.exclude(freshbooks_payment_id=None).values_list(
                    "freshbooks_payment_id", "invoice__freshbooks_invoice_id"
                )
            )
    if not known:
        return
    listed = {row.id for row in all_pages(lambda page: run.freshbooks.list_payments(page=page))}
    for payment_id, invoice_id in known.items():
        if payment_id not in listed:
            add(invoice_id, f"payment {payment_id} is no longer listed in FreshBooks")


def _look_for_clients(run: SyncRun) -> None:
    with tenant_scope(run.tenant_id):
        links = ClientLink.objects.filter(state=ClientLink.State.LINKED)
        known = set(links.values_list("freshbooks_client_id", flat=True))
    if not known:
        return
    known -= {row.id for row in all_pages(lambda page: run.freshbooks.list_clients(page=page))}
    known -= {
        row.id
        for row in all_pages(lambda page: run.freshbooks.list_clients(page=page, vis_state=DELETED))
    }
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        ledger.enqueue_all(
            tenant_id=run.tenant_id,
            kind=SYNC_CLIENT,
            subjects=map(str, known),
            cause=run.job.cause,
            priority=SYNC_CLIENT.priority + FOUND_BY_COMPARISON,
        )
