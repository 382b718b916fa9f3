"""When each tenant's feeds are due: a handful of Beat entries, whatever the number of tenants."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from celery.schedules import ParseException, crontab
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.recording import Cause, record
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
QUIET_LOOKS = 10
KIND_OF_FEED: dict[str, Kind] = {
    PollFeed.Feed.FRESHBOOKS: POLL_FRESHBOOKS,
    PollFeed.Feed.STRIPE: POLL_STRIPE,
    PollFeed.Feed.MONEY: POLL_MONEY,
    PollFeed.Feed.RECONCILE: RECONCILE_ALL,
}


def queue_due_feeds() -> int:
    """Queue a job for each due feed of a live tenant and set its next time; answer how many.

    Two clocks ticking at once queue nothing twice: the rows are locked, and waiting jobs coalesce.
    """
    now = timezone.now()
    with every_tenant():
        feeds = list(
            PollFeed.objects.select_for_update(of=("self",), skip_locked=True)
            .select_related("tenant")
            .filter(next_due_at__lte=now, tenant__state=Tenant.State.LIVE)
            .order_by("next_due_at")[:BATCH]
        )
        for feed in feeds:
            cause = Cause(actor="schedule", reason="due", correlation_id=uuid.uuid4())
            queue_feed(feed, cause)
            if feed.feed == PollFeed.Feed.RECONCILE:  # webhooks that a vendor dropped come back
                ledger.enqueue(tenant_id=feed.tenant_id, kind=REGISTER_WEBHOOKS, cause=cause)
            if feed.feed == PollFeed.Feed.STRIPE:
                _ensure_money_feed(feed.tenant, now)
            feed.next_due_at = next_due(feed, now)
            feed.save(update_fields=["next_due_at"])
    return len(feeds)


def _ensure_money_feed(tenant: Tenant, now: datetime) -> None:
    """Tenants that went live before this feed existed get it with their next look at events."""
    PollFeed.objects.get_or_create(
        tenant_id=tenant.pk, feed=PollFeed.Feed.MONEY, defaults={"next_due_at": now}
    )


def queue_feed(feed: PollFeed, cause: Cause) -> int:
    """Queue one feed's job now. Inside a scope."""
    return ledger.enqueue(tenant_id=feed.tenant_id, kind=KIND_OF_FEED[feed.feed], cause=cause)


def start_feeds(tenant: Tenant) -> None:
    """Make every feed of a tenant due at once; called when it goes live. Inside a scope."""
    now = timezone.now()
    for feed in PollFeed.Feed.values:
        first = now + timedelta(seconds=settings.RECONCILE_INTERVAL_S)
        due = first if feed == PollFeed.Feed.RECONCILE else now
        PollFeed.objects.update_or_create(
            tenant_id=tenant.pk, feed=feed, defaults={"next_due_at": due}
        )


def next_due(feed: PollFeed, now: datetime) -> datetime:
    """The tenant's crontab if it has one, else its interval; two feeds have intervals of their own."""
    if feed.feed == PollFeed.Feed.RECONCILE:
        return now + timedelta(seconds=settings.RECONCILE_INTERVAL_S)
    if feed.feed == PollFeed.Feed.MONEY:
        return now + timedelta(seconds=settings.MONEY_POLL_INTERVAL_S)
    if feed.tenant.poll_crontab:
        remaining: timedelta = parse_crontab(feed.tenant.poll_crontab).remaining_estimate(now)
        # Celery measures from its own "now", a moment later: without rounding the feed would be
        # due just before the full minute, and then once more at it.
        return (now + remaining + timedelta(seconds=30)).replace(second=0, microsecond=0)
    return now + timedelta(seconds=feed.tenant.poll_interval_s * slower_by(feed))


def slower_by(feed: PollFeed) -> int:
    """How many times the interval a quiet tenant waits: doubled after every ten looks for nothing."""
    doubled = 1 << min(feed.quiet // QUIET_LOOKS, 16)
    most: int = settings.POLL_IDLE_FACTOR
    return max(1, min(doubled, most))


def take_note(feed: PollFeed, *, found: int, told: bool, cause: Cause) -> None:
    """What a look found tells how soon to look again, and whether webhooks still come.

    After several looks that found what no webhook told, the webhooks are registered again.
    """
    feed.quiet = 0 if found else feed.quiet + 1
    if found:
        feed.silent = 0 if told else feed.silent + 1
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
    asleep = PollFeed.objects.select_related("tenant").filter(
        tenant_id=tenant_id, quiet__gte=QUIET_LOOKS
    )
    for feed in asleep:
        feed.quiet = 0
        feed.next_due_at = min(feed.next_due_at, next_due(feed, now))
        feed.save(update_fields=["quiet", "next_due_at"])


def parse_crontab(text: str) -> crontab:
    """Five fields as in cron, in UTC. Raises ValidationError that says what is wrong."""
    fields = text.split()
    if len(fields) != 5:
        raise ValidationError(
            f'A schedule has five fields, "minute hour day-of-month month day-of-week"; '
            f"{text!r} has {len(fields)}."
        )
    minute, hour, day_of_month, month, day_of_week = fields
    try:
        return crontab(
            minute=minute,
            hour=hour,
            day_of_month=day_of_month,
            month_of_year=month,
            day_of_week=day_of_week,
        )
    except (ParseException, ValueError) as error:
        raise ValidationError(f"{text!r} is no schedule: {error}") from error
