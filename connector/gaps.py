"""After an outage of ours: notice it, read everything that may have been missed, keep a receipt.

Vendors repeat webhooks for days at most, so what was missed is read: FreshBooks by the marks of its
feed, Stripe's events as far as Stripe keeps them, movements of money without limit, and a full
comparison of all invoices. Beyond the events every invoice that is not settled is looked at by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from audit.recording import Cause, record
from connector import schedule
from connector.models import CollectedPayment, Gap, InvoiceLink, PollFeed
from connector.sync.context import SyncRun

GAP_AFTER = timedelta(hours=6)  # beyond the moment at which the next look was due
EVENT_HORIZON = timedelta(days=29)  # Stripe keeps events for 30
ACTOR = "gap"
READ = (PollFeed.Feed.FRESHBOOKS, PollFeed.Feed.STRIPE)
URGENCY = 40  # before the usual polls, after what webhooks bring


def attach(run: SyncRun, feed: PollFeed) -> SyncRun:
    """The run, under the gap's correlation id if this feed still has to catch one up. Inside a scope.

    Called as a look begins: the first look after an outage notices it and has all others made.
    """
    gap = Gap.objects.filter(state=Gap.State.OPEN).first()
    if gap is None or feed.feed not in gap.missing:
        gap = _notice(run, feed, before=gap)
    if gap is None:
        return run
    return replace(run, job=replace(run.job, cause=_cause(gap)))


def is_catching_up(run: SyncRun) -> bool:
    """Whether this run reads what an outage left out."""
    return run.job.cause.actor == ACTOR


def note(run: SyncRun, feed: str, *, found: int, result: str) -> None:
    """What one feed found, for the receipt; the last one closes it. Inside a scope."""
    if not is_catching_up(run):
        return
    gap = (
        Gap.objects.select_for_update()
        .filter(state=Gap.State.OPEN, correlation_id=run.job.cause.correlation_id)
        .first()
    )
    if gap is None:
        return
    gap.findings[feed] = {"found": found, "result": result, "at": timezone.now().isoformat()}
    if gap.missing:
        gap.save(update_fields=["findings"])
    else:
        _close(gap)


def _close(gap: Gap) -> None:
    gap.state, gap.closed_at = Gap.State.CLOSED, timezone.now()
    gap.save(update_fields=["findings", "state", "closed_at"])
    details = {"found": gap.found, "findings": gap.findings, "never_read": gap.missing}
    _record(gap, "gap.caught_up", details)


def unsettled_after(gap_run: SyncRun) -> Iterable[int]:
    """FreshBooks ids of the invoices to look at one by one, because no event of the time is left.

    Lists show neither a debit that failed later nor a dispute that was decided. Inside a scope.
    """
    gap = Gap.objects.filter(state=Gap.State.OPEN, beyond_events=True).first()
    if gap is None or not is_catching_up(gap_run):
        return []
    open_money = CollectedPayment.objects.exclude(status="canceled").filter(
        Q(status="open") | Q(disputed_minor__gt=0) | Q(paid_at__gte=gap.began_at)
    )
    rows: QuerySet[InvoiceLink] = InvoiceLink.objects.filter(
        Q(state=InvoiceLink.State.OPEN) | Q(pk__in=open_money.values("invoice_id"))
    )
    return list(rows.order_by("pk").values_list("freshbooks_invoice_id", flat=True))


def _notice(run: SyncRun, feed: PollFeed, *, before: Gap | None) -> Gap | None:
    """The gap that ends with this look, if there is one; an earlier one ends as far as it was read."""
    now = timezone.now()
    if feed.last_finished_at is None or now < _was_due(feed) + GAP_AFTER:
        return None
    if before is not None:
        _close(before)
    read = {
        other.feed: other.last_finished_at
        for other in PollFeed.objects.exclude(last_finished_at=None)
    }
    began = min(at for name, at in read.items() if name in {feed.feed, *READ})
    gap: Gap = Gap.objects.create(
        tenant_id=run.tenant_id,
        began_at=began,
        ended_at=now,
        beyond_events=began < now - EVENT_HORIZON,
        correlation_id=uuid.uuid4(),
        feeds=sorted(read),
    )
    _record(gap, "gap.noticed", {"from": began.isoformat(), "by": feed.feed})
    for other in PollFeed.objects.filter(feed__in=gap.feeds).exclude(pk=feed.pk):
        schedule.queue_feed(other, _cause(gap), priority=URGENCY)
    return gap


def _was_due(feed: PollFeed) -> datetime:
    """When the look after the last one was due; the last one is known."""
    assert feed.last_finished_at is not None  # noqa: S101 - asked before; narrows the type
    return schedule.next_due(feed, feed.last_finished_at)


def _cause(gap: Gap) -> Cause:
    return Cause(ACTOR, f"nothing was read from {gap}", gap.correlation_id)


def _record(gap: Gap, action: str, details: dict[str, object]) -> None:
    record(
        tenant_id=gap.tenant_id,
        action=action,
        entity=f"gap:{gap.pk}",
        cause=_cause(gap),
        details=details,
    )
