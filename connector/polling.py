"""What changed since last time? The entrance that needs no webhook (ADR 2).

FreshBooks filters by whole days in US/Eastern, ignores unknown filters silently and hides deleted
rows; so we ask with a day of overlap, compare every row with what we know, and ask for deleted rows
separately. Stripe's events are asked for with a few minutes of overlap and go through the inbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from connector import gaps, inbox, schedule
from connector.errors import VendorContractBroken
from connector.jobs import ledger
from connector.jobs.kinds import FOUND_BY_POLL, SYNC_CLIENT, SYNC_INVOICE, Kind
from connector.models import ClientLink, Delivery, InvoiceLink, PollFeed
from connector.sync.context import SyncRun
from connector.sync.listed import forget_old_listed, keep_listed
from connector.vendors.freshbooks.pages import whole_list
from connector.vendors.freshbooks.records import (
    DELETED,
    FreshBooksClient,
    FreshBooksInvoice,
    Page,
)
from connector.vendors.stripe.subscriptions import POLLED_EVENTS
from tenants.scope import tenant_scope

OVERLAP_DAYS = 1
EVENT_OVERLAP = timedelta(minutes=5)
CLOCKS_APART = timedelta(minutes=15)  # ours and Stripe's: only the first mark is by our clock
MAX_PAGES = 1000

queue_due_feeds = schedule.queue_due_feeds


def poll_freshbooks(run: SyncRun) -> str:
    """Queue work for every client and invoice that changed, deleted ones included."""
    run, feed = _start(run, PollFeed.Feed.FRESHBOOKS)
    marks = dict(feed.watermarks)
    found = 0
    ignored: set[str] = set()
    for name, walk in (("clients", _clients), ("invoices", _invoices)):
        newest = str(marks.get(name, ""))
        for vis_state in (None, DELETED):
            walked = walk(run, _since(newest), vis_state)
            found += walked.queued
            ignored |= walked.ignored
            marks[name] = max(str(marks.get(name, "")), walked.newest)
    _require_deleted_rows(ignored)
    result = f"{found} changed"
    if ignored:
        result += "; FreshBooks ignored the day asked for, so all rows were read"
    return _finish(run, feed, marks, result, found=found)


def _require_deleted_rows(ignored: set[str]) -> None:
    """Everything else is queued by now; but what was deleted would stay unnoticed."""
    if "vis_state" in ignored:
        raise VendorContractBroken(
            "FreshBooks ignored the filter vis_state: what was deleted there cannot be found.",
            next_step="Until that is mended, only webhooks and the daily comparison tell of deleted "
            "clients and invoices. Report it to the operator.",
            vendor="freshbooks",
        )


def poll_stripe(run: SyncRun) -> str:
    """Take every event that no webhook brought; the inbox tells new from known."""
    run, feed = _start(run, PollFeed.Feed.STRIPE)
    of_gap = run.job.cause.correlation_id if gaps.is_catching_up(run) else None
    since = _event_start(feed)
    newest, new, cursor = since, 0, ""
    for _ in range(MAX_PAGES):
        page = run.stripe.list_events(types=POLLED_EVENTS, created_gte=since, cursor=cursor)
        new += inbox.store_new_events(
            run.tenant_id, page.rows, via=Delivery.Via.POLL, correlation_id=of_gap
        )
        newest = max([newest, *(event.created_at for event in page.rows)])
        for unreadable in page.unreadable:
            inbox.quarantine_event(
                run.tenant_id, event_id=unreadable.object_id, reason=unreadable.reason
            )
        cursor = page.next_cursor
        if not cursor:
            break
    else:
        raise VendorContractBroken(f"Stripe lists more than {MAX_PAGES} pages of events.")
    marks = {"events": newest.isoformat()}
    return _finish(run, feed, marks, f"{new} events no webhook brought", found=new)


def _clients(run: SyncRun, since: date | None, vis_state: int | None) -> _Walked:
    def fetch(page: int) -> Page[FreshBooksClient]:
        return run.freshbooks.list_clients(page=page, updated_min=since, vis_state=vis_state)

    def known(ids: list[int]) -> dict[int, str]:
        rows = ClientLink.objects.filter(freshbooks_client_id__in=ids)
        return {row.freshbooks_client_id: row.freshbooks_updated for row in rows}

    return _walk(run, whole_list(fetch), known, SYNC_CLIENT)


def _invoices(run: SyncRun, since: date | None, vis_state: int | None) -> _Walked:
    def fetch(page: int) -> Page[FreshBooksInvoice]:
        return run.freshbooks.list_invoices(page=page, updated_min=since, vis_state=vis_state)

    def known(ids: list[int]) -> dict[int, str]:
        rows = InvoiceLink.objects.filter(freshbooks_invoice_id__in=ids)
        return {row.freshbooks_invoice_id: row.freshbooks_updated for row in rows}

    return _walk(run, whole_list(fetch), known, SYNC_INVOICE)


def _walk(
    run: SyncRun,
    pages: Iterator[Page[FreshBooksClient]] | Iterator[Page[FreshBooksInvoice]],
    known: Callable[[list[int]], dict[int, str]],
    kind: Kind,
) -> _Walked:
    """All pages of one list: queue what differs from what we know.

    A row that could not be read is queued too: its job says what is wrong with it.
    """
    walked = _Walked()
    for page in pages:
        versions = {row.id: _version(row) for row in page.rows}
        walked.newest = max([walked.newest, *(row.updated for row in page.rows)])
        walked.ignored.update(page.ignored_filters)
        odd = [row.object_id for row in page.unreadable if row.object_id]
        with tenant_scope(run.tenant_id):
            before = known(list(versions))
            changed = [str(key) for key, version in versions.items() if before.get(key) != version]
            new = [key for key in dict.fromkeys([*changed, *odd]) if key not in walked.asked]
            jobs = _queue(run, kind, new)
            unknown = [key for key in new if key in page.bodies and int(key) not in before]
            if unknown:
                keep_listed(run.tenant_id, {jobs[key]: page.bodies[key] for key in unknown})
            walked.queued += len(jobs)
        walked.asked.update(new)
    return walked


@dataclass
class _Walked:
    """What one walk over a list found: how many were queued, the newest change, and the filters that
    some row does not satisfy.
    """

    queued: int = 0
    newest: str = ""
    ignored: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)


def _version(row: FreshBooksClient | FreshBooksInvoice) -> str:
    return getattr(row, "version", "") or row.updated


def _queue(run: SyncRun, kind: Kind, ids: Iterable[str]) -> dict[str, int]:
    """The waiting job of each."""
    return ledger.enqueue_all(
        tenant_id=run.tenant_id,
        kind=kind,
        subjects=ids,
        cause=run.job.cause,
        priority=kind.priority + FOUND_BY_POLL,
    )


def _since(newest: str) -> date | None:
    """The day to ask from: a day before the newest change seen, as FreshBooks wrote it."""
    return date.fromisoformat(newest[:10]) - timedelta(days=OVERLAP_DAYS) if newest else None


def _event_start(feed: PollFeed) -> datetime:
    """Where to begin: with overlap after the last event, or when this tenant's feed began."""
    horizon = timezone.now() - gaps.EVENT_HORIZON
    last = feed.watermarks.get("events")
    if last:
        return max(horizon, datetime.fromisoformat(last).astimezone(UTC) - EVENT_OVERLAP)
    began = feed.tenant.live_at or timezone.now()
    return max(horizon, began.astimezone(UTC) - CLOCKS_APART)


def _start(run: SyncRun, name: PollFeed.Feed) -> tuple[SyncRun, PollFeed]:
    with tenant_scope(run.tenant_id):
        feed: PollFeed
        feed, _ = PollFeed.objects.select_related("tenant").get_or_create(
            tenant_id=run.tenant_id, feed=name, defaults={"next_due_at": timezone.now()}
        )
        feed.last_started_at = timezone.now()
        feed.save(update_fields=["last_started_at"])
        return gaps.attach(run, feed), feed


def _finish(run: SyncRun, feed: PollFeed, marks: dict[str, str], result: str, *, found: int) -> str:
    """The marks move only here, after a complete walk whose rows are all queued."""
    with tenant_scope(run.tenant_id):
        run.job.hold_fence()
        schedule.take_note(feed, found=found, told=_was_told(feed), cause=run.job.cause)
        feed.watermarks = marks
        feed.last_finished_at = timezone.now()
        feed.last_result = result
        feed.save(update_fields=["watermarks", "last_finished_at", "last_result"])
        gaps.note(run, feed.feed, found=found, result=result)
        forget_old_listed()
    return result


def _was_told(feed: PollFeed) -> bool:
    """Whether any webhook of this vendor came since the last look, be it after we had found it."""
    since = feed.last_finished_at or feed.last_started_at or timezone.now()
    came = Q(via=Delivery.Via.WEBHOOK) | Q(duplicates__gt=0)
    return Delivery.objects.filter(came, source=feed.feed, received_at__gte=since).exists()
