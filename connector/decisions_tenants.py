"""What people decide about a whole tenant: pausing, resuming, rescheduling, erasing.

As in `connector.decisions`: inside the caller's scope, recorded, and the work is queued.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from audit.recording import Cause
from connector import schedule
from connector.decisions import queue_for, record_tenant
from connector.jobs import kinds, ledger
from connector.models import PollFeed
from connector.runs import NOT_LIVE
from tenants.models import Tenant


def pause(tenants: Sequence[Tenant], *, cause: Cause) -> int:
    """Stop the work of live tenants. What comes in is kept, and waits."""
    return _move(tenants, Tenant.State.LIVE, Tenant.State.PAUSED, "tenant.paused", cause)


def resume(tenants: Sequence[Tenant], *, cause: Cause) -> int:
    """Let paused tenants go on, with all the work that waited."""
    return _move(tenants, Tenant.State.PAUSED, Tenant.State.LIVE, "tenant.resumed", cause)


def erase(tenants: Sequence[Tenant], *, typed: str, cause: Cause) -> int:
    """Have a tenant erased for good, if its short name was typed."""
    meant = [tenant for tenant in tenants if tenant.slug == typed.strip()]
    return queue_for(meant, [kinds.ERASE_TENANT], cause)


def reschedule(tenant: Tenant) -> None:
    """After a new interval or crontab: the next polls follow it at once, not after the old wait."""
    now = timezone.now()
    feeds = PollFeed.objects.select_related("tenant").filter(tenant_id=tenant.pk)
    for feed in feeds.exclude(feed=PollFeed.Feed.RECONCILE):
        feed.next_due_at = schedule.next_due(feed, now)
        feed.save(update_fields=["next_due_at"])


def _move(
    tenants: Sequence[Tenant], before: str, after: Tenant.State, action: str, cause: Cause
) -> int:
    ids = [tenant.pk for tenant in tenants]
    rows = Tenant.objects.select_for_update().filter(pk__in=ids, state=before).order_by("pk")
    moved = list(rows)
    for tenant in moved:
        tenant.state = after
        tenant.epoch += after == Tenant.State.PAUSED
        tenant.save(update_fields=["state", "epoch"])
        released = 0
        if tenant.is_live:
            released = ledger.release_held(tenant.pk, code=NOT_LIVE)
            schedule.resume_feeds(tenant.pk)
        record_tenant(tenant, action, cause, {"released_jobs": released})
    return len(moved)
