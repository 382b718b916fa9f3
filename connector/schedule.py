"""When each tenant's feeds are due: a handful of Beat entries, whatever the number of tenants."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from audit.recording import Cause, record
from connector import cadence
from connector.jobs import ledger
from connector.jobs.kinds import (
    POLL_FRESHBOOKS,
    POLL_MONEY,
    POLL_STRIPE,
    RECONCILE_ALL,
    REGISTER_WEBHOOKS,
    Kind,
)
from connector.models import PollFeed
from connector.models.polling import SILENT_AFTER
from tenants.models import Tenant
from tenants.scope import every_tenant

BATCH = 500
QUIET_LOOKS = 12  # at five minutes each: an hour in which nothing happened
QUIET_LOOKS_AT_MONEY = 1  # at an hour each
IDLE_LONGEST_S = 3 * 3600
IDLE_LONGEST_MONEY_S = 6 * 3600
NOT_LIVE_REST = timedelta(days=1)
KIND_OF_FEED: dict[str, Kind] = {
    PollFeed.Feed.FRESHBOOKS: POLL_FRESHBOOKS,
    PollFeed.Feed.STRIPE: POLL_STRIPE,
    PollFeed.Feed.MONEY: POLL_MONEY,
    PollFeed.Feed.RECONCILE: RECONCILE_ALL,
}


def queue_due_feeds(now: datetime | None = None) -> int:
    """Queue a job for each due feed of a live tenant and set its next time; answer how many.

    Two clocks ticking at once queue nothing twice: the rows are locked, and waiting jobs coalesce.
    What is due is found by the index on `next_due_at` alone. Feeds of tenants that are not live are
    put off for a day, so that they never stand before those that are; resuming makes them due.
    """
    now = now or timezone.now()
    with every_tenant():
        feeds = list(
            PollFeed.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("tenant")
            .filter(next_due_at__lte=now)
            .order_by("next_due_at")[:BATCH]
        )
        live = [feed for feed in feeds if feed.tenant.is_live]
        for feed in feeds:
            feed.next_due_at = next_due(feed, now) if feed in live else now + NOT_LIVE_REST
        for feed in live:
            _queue_with_what_belongs_to_it(feed, now)
        PollFeed.objects.bulk_update(feeds, ["next_due_at"])
    return len(live)


def _queue_with_what_belongs_to_it(feed: PollFeed, now: datetime) -> None:
    cause = Cause(actor="schedule", reason="due", correlation_id=uuid.uuid4())
    queue_feed(feed, cause)
    if feed.feed == PollFeed.Feed.RECONCILE:  # webhooks that a vendor dropped come back
        ledger.enqueue(tenant_id=feed.tenant_id, kind=REGISTER_WEBHOOKS, cause=cause)
    if feed.feed == PollFeed.Feed.STRIPE:
        _ensure_money_feed(feed.tenant, now)


def _ensure_money_feed(tenant: Tenant, now: datetime) -> None:
    """Tenants that went live before this feed existed get it with their next look at events."""
    PollFeed.objects.get_or_create(
        tenant_id=tenant.pk, feed=PollFeed.Feed.MONEY, defaults={"next_due_at": now}
    )


def queue_feed(feed: PollFeed, cause: Cause, *, priority: int | None = None) -> int:
    """Queue one feed's job now. Inside a scope."""
    kind = KIND_OF_FEED[feed.feed]
    return ledger.enqueue(tenant_id=feed.tenant_id, kind=kind, cause=cause, priority=priority)


def start_feeds(tenant: Tenant) -> None:
    """Make every feed of a tenant due at once; called when it goes live. Inside a scope."""
    now = timezone.now()
    for feed in PollFeed.Feed.values:
        first = now + timedelta(seconds=settings.RECONCILE_INTERVAL_S)
        due = first if feed == PollFeed.Feed.RECONCILE else now
        PollFeed.objects.update_or_create(
            tenant_id=tenant.pk, feed=feed, defaults={"next_due_at": due}
        )


def resume_feeds(tenant_id: int) -> None:
    """Make every feed of a tenant due that was put off while it was paused. Inside a scope."""
    PollFeed.objects.filter(tenant_id=tenant_id).update(next_due_at=timezone.now())


def next_due(feed: PollFeed, now: datetime) -> datetime:
    """By the tenant's crontab, in its books' time zone, if it has one, else by its interval.

    Each feed of each tenant has a place of its own within interval or minute.
    """
    name = f"{feed.tenant_id} {feed.feed}"
    if feed.feed in {PollFeed.Feed.FRESHBOOKS, PollFeed.Feed.STRIPE} and feed.tenant.poll_crontab:
        crontab = cadence.parse_crontab(feed.tenant.poll_crontab)
        zone = ZoneInfo(feed.tenant.time_zone)
        return cadence.next_by_crontab(crontab, now, zone=zone, name=name)
    return cadence.next_slot(now, every_s=interval_s(feed), name=name)


def interval_s(feed: PollFeed) -> int:
    """Seconds between two looks at this feed, longer while nothing happens at its tenant."""
    if feed.feed == PollFeed.Feed.RECONCILE:
        every_s: int = settings.RECONCILE_INTERVAL_S
        return every_s
    if feed.feed == PollFeed.Feed.MONEY:
        usual, patience, longest = (
            settings.MONEY_POLL_INTERVAL_S,
            QUIET_LOOKS_AT_MONEY,
            IDLE_LONGEST_MONEY_S,
        )
    else:
        usual, patience, longest = feed.tenant.poll_interval_s, QUIET_LOOKS, IDLE_LONGEST_S
    doublings = min(max(0, feed.quiet - patience + 1), 16)
    times = min(1 << doublings, settings.POLL_IDLE_FACTOR)
    stretched: int = max(usual, min(usual * times, longest))
    return stretched


def take_note(feed: PollFeed, *, found: int, told: bool, cause: Cause) -> None:
    """What a look found tells how soon to look again, and whether webhooks still come.

    After several looks that found what no webhook told, the webhooks are registered again.
    """
    if found:
        wake(feed.tenant_id)
        feed.silent = 0 if told else feed.silent + 1
    feed.quiet = 0 if found else feed.quiet + 1
    feed.save(update_fields=["quiet", "silent"])
    if found and feed.silent == SILENT_AFTER:
        ledger.enqueue(tenant_id=feed.tenant_id, kind=REGISTER_WEBHOOKS, cause=cause)
        record(
            tenant_id=feed.tenant_id,
            action="webhooks.silent",
            entity=f"tenant:{feed.tenant_id}",
            cause=cause,
            details={"feed": feed.feed, "looks": feed.silent},
        )


def wake(tenant_id: int) -> None:
    """A sign of life: a tenant that was looked at seldom is looked at as usual again. In a scope."""
    now = timezone.now()
    slow = Q(quiet__gte=QUIET_LOOKS) | Q(feed=PollFeed.Feed.MONEY, quiet__gte=QUIET_LOOKS_AT_MONEY)
    for feed in PollFeed.objects.select_related("tenant").filter(slow, tenant_id=tenant_id):
        feed.quiet = 0
        feed.next_due_at = min(feed.next_due_at, next_due(feed, now))
        feed.save(update_fields=["quiet", "next_due_at"])
