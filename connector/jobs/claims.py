"""Claiming a batch of ready jobs, keeping the lease alive, and taking back what a dead worker held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection
from django.utils import timezone

from connector.jobs.ledger import is_waiting
from connector.jobs.retry import MAX_DEATHS
from connector.models import SyncJob
from tenants.scope import every_tenant

DEATH_PAUSE = timedelta(seconds=5)

# Fair across tenants: every tenant's first ready job comes before any tenant's second. One job per
# lane, none for a lane that is running. The outer select takes row locks and skips what another
# worker is claiming at this moment.
_CLAIM = """
WITH ready AS (
    SELECT id,
           row_number() OVER (PARTITION BY tenant_id, lane ORDER BY priority, due_at, id) AS in_lane,
           row_number() OVER (PARTITION BY tenant_id ORDER BY priority, due_at, id) AS turn,
           priority, due_at
    FROM connector_syncjob job
    WHERE state = 'queued' AND queue = %(queue)s AND due_at <= %(now)s
      AND NOT EXISTS (
          SELECT 1 FROM connector_syncjob busy
          WHERE busy.tenant_id = job.tenant_id AND busy.lane = job.lane AND busy.state = 'running')
), picked AS (
    SELECT id FROM ready WHERE in_lane = 1 ORDER BY turn, priority, due_at, id LIMIT %(batch)s
), locked AS (
    SELECT id FROM connector_syncjob
    WHERE id IN (SELECT id FROM picked) AND state = 'queued'
    ORDER BY id FOR UPDATE SKIP LOCKED
)
UPDATE connector_syncjob SET
    state = 'running', attempts = attempts + 1, fence = fence + 1, worker = %(worker)s,
    started_at = %(now)s, lease_expires_at = %(lease)s
WHERE id IN (SELECT id FROM locked)
RETURNING id
"""

_EXPIRED = """
SELECT id FROM connector_syncjob
WHERE state = 'running' AND lease_expires_at < %s
ORDER BY id LIMIT 500
"""


def begin(job_id: int, fence: int) -> None:
    """Note that a claimed job is now being run: if the worker dies, this job may be why."""
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE connector_syncjob SET begun_fence = fence WHERE id = %s AND fence = %s",
            [job_id, fence],
        )


def claim(queue: str, *, worker: str, batch: int) -> list[SyncJob]:
    """Up to `batch` ready jobs of a queue, now running under a lease of ours.

    Two workers may pick two jobs of one lane at the same instant; the unique index lets one of
    them win, and the other claims one by one, or nothing this time.
    """
    for size in (batch, 1):
        try:
            with every_tenant(), connection.cursor() as cursor:
                now = timezone.now()
                lease = now + timedelta(seconds=settings.JOB_LEASE_S)
                cursor.execute(
                    _CLAIM,
                    {"queue": queue, "now": now, "lease": lease, "worker": worker, "batch": size},
                )
                ids = [row[0] for row in cursor.fetchall()]
                jobs = SyncJob.objects.filter(pk__in=ids).select_related("tenant")
                return sorted(jobs, key=lambda job: (job.priority, job.due_at, job.pk))
        except IntegrityError:
            continue
    return []


def extend_leases(fences: dict[int, int]) -> None:
    """The heartbeat: push the leases of the jobs that this worker still holds."""
    lease = timezone.now() + timedelta(seconds=settings.JOB_LEASE_S)
    with every_tenant(), connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE connector_syncjob SET lease_expires_at = %s"
            " WHERE id = %s AND fence = %s AND state = 'running'",
            [(lease, job_id, fence) for job_id, fence in fences.items()],
        )


def give_back(fences: dict[int, int]) -> None:
    """Jobs that were claimed but not begun (shutdown): ready again, the attempt not counted."""
    for job_id, fence in fences.items():
        _let_go(job_id, _return_unbegun, fence=fence)


def take_back_expired() -> int:
    """Jobs whose worker died: ready again, or failed for good when they keep killing workers."""
    now = timezone.now()
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(_EXPIRED, [now])
        ids = [row[0] for row in cursor.fetchall()]
    return sum(_let_go(job_id, _take_back, lease_expires_at__lt=now) for job_id in ids)


def _let_go(job_id: int, how: Callable[[SyncJob], None], **still: Any) -> bool:
    """One running job in a commit of its own, if it is `still` so; whether it was let go.

    Newer work for the same subject may be queued at this very moment: then the job stays as it is,
    and the next sweep sees both.
    """
    try:
        with every_tenant():
            running = SyncJob.objects.filter(pk=job_id, state=SyncJob.State.RUNNING, **still)
            job = running.select_for_update(skip_locked=True).first()
            if job is not None:
                how(job)
            return job is not None
    except IntegrityError:
        return False


def _return_unbegun(job: SyncJob) -> None:
    job.attempts = max(0, job.attempts - 1)
    _return_to_queue(job)


def _take_back(job: SyncJob) -> None:
    """A job that the dead worker had begun may be what killed it: each time it comes back later."""
    if job.begun_fence == job.fence:
        job.deaths += 1
        job.due_at = timezone.now() + DEATH_PAUSE * (job.deaths - 1)
    if job.deaths >= MAX_DEATHS:
        _bury(job)
    else:
        _return_to_queue(job)


def _bury(job: SyncJob) -> None:
    job.state = SyncJob.State.DEAD
    job.failure_mode = "internal"
    job.failure_code = "worker_died"
    job.failure_message = f"The worker died {job.deaths} times while it ran this job."
    job.next_step = "Look at the worker's log around the start time, then re-queue it."
    job.finished_at = timezone.now()
    job.fence += 1
    job.save()


def _return_to_queue(job: SyncJob) -> None:
    """Back to the queue, unless newer work for the same subject already waits there."""
    superseded = is_waiting(job)
    job.state = SyncJob.State.SUPERSEDED if superseded else SyncJob.State.QUEUED
    job.fence += 1
    job.lease_expires_at = None
    job.worker = ""
    job.save()
