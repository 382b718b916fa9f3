"""Claiming a batch of ready jobs, keeping the lease alive, and taking back what a dead worker held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection
from django.db.models.functions import Greatest
from django.utils import timezone

from connector.jobs.kinds import FRESHBOOKS, RECONCILE, STRIPE
from connector.jobs.ledger import waiting_twins
from connector.jobs.retry import MAX_DEATHS
from connector.models import SyncJob
from tenants.scope import every_tenant

DEATH_PAUSE = timedelta(seconds=5)

# Without which of its vendors a tenant's work in a queue is pointless.
VENDORS_OF = {
    FRESHBOOKS: ("freshbooks",),
    STRIPE: ("freshbooks", "stripe"),
    RECONCILE: ("freshbooks", "stripe"),
}

# Where this process goes on in each queue's ring of tenants.
_served_last: dict[str, int] = {}

# Tenants take turns: a claim walks the ring of tenants that have work in this queue, on from the one
# that this worker served last, and stops once it has found as many as the batch has room for. Each
# gives `weight` jobs a round, its most urgent first, until the batch is full. (Whether it has any is
# asked with a limit: an EXISTS may be planned as one look at the work of all.) A tenant for which
# enough other workers work already is passed over, and so is one whose vendor is to be left in peace
# for now (in an incident of the vendor somebody must go on trying). Every step is a look into an
# index, so a tenant with ten thousand jobs costs no more than one with ten, even if all became due
# in one moment. Rows that another worker claims at this moment are skipped, and so are lanes in which
# something runs, and work of newer versions. Work that may share a commit is begun with the claim,
# once: what a dead worker had begun runs alone from then on.
_CLAIM = """
WITH RECURSIVE onward AS (
    (SELECT tenant_id FROM connector_syncjob
     WHERE state = 'queued' AND queue = %(queue)s AND tenant_id > %(after)s
     ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT tenant_id FROM connector_syncjob
            WHERE state = 'queued' AND queue = %(queue)s AND tenant_id > %(after)s
              AND tenant_id > onward.tenant_id
            ORDER BY tenant_id LIMIT 1)
    FROM onward WHERE tenant_id IS NOT NULL
),
around AS (
    (SELECT tenant_id FROM connector_syncjob
     WHERE state = 'queued' AND queue = %(queue)s AND tenant_id <= %(after)s
     ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT tenant_id FROM connector_syncjob
            WHERE state = 'queued' AND queue = %(queue)s AND tenant_id <= %(after)s
              AND tenant_id > around.tenant_id
            ORDER BY tenant_id LIMIT 1)
    FROM around WHERE tenant_id IS NOT NULL
),
visited AS MATERIALIZED (
    SELECT tenant_id, row_number() OVER () AS place FROM (
        SELECT tenant_id FROM (
            SELECT tenant_id FROM onward UNION ALL SELECT tenant_id FROM around) ring
        WHERE (
            SELECT true FROM connector_syncjob due
            WHERE due.tenant_id = ring.tenant_id AND due.state = 'queued'
              AND due.queue = %(queue)s AND due.due_at <= %(now)s LIMIT 1)
          AND ((
            SELECT count(DISTINCT busy.worker) FROM connector_syncjob busy
            WHERE busy.tenant_id = ring.tenant_id AND busy.state = 'running'
              AND busy.worker <> %(worker)s) < %(workers)s
            OR NOT EXISTS (
                SELECT 1 FROM tenants_tenant other
                WHERE other.id <> ring.tenant_id AND other.state = 'live'))
          AND NOT EXISTS (
            SELECT 1 FROM connector_ratebucket shut
            WHERE shut.tenant_id = ring.tenant_id AND shut.vendor = ANY(%(vendors)s)
              AND shut.endpoint = '' AND shut.blocked_until > %(now)s
              AND NOT EXISTS (
                SELECT 1 FROM connector_vendorincident open
                WHERE open.vendor = shut.vendor AND open.opened_at IS NOT NULL))
        LIMIT %(batch)s) served
), ready AS (
    SELECT job.id, place,
           row_number() OVER (PARTITION BY visited.tenant_id, job.lane
                              ORDER BY job.priority, job.due_at, job.id) AS in_lane,
           (row_number() OVER (PARTITION BY visited.tenant_id
                               ORDER BY job.priority, job.due_at, job.id) - 1) / weight AS round
    FROM visited
    CROSS JOIN LATERAL (
        SELECT job_weight AS weight,
               GREATEST(job_weight, (%(batch)s + total - 1) / total) AS most
        FROM tenants_tenant, (SELECT count(*) AS total FROM visited) counted
        WHERE tenants_tenant.id = visited.tenant_id) share
    CROSS JOIN LATERAL (
        SELECT id, lane, priority, due_at FROM connector_syncjob job
        WHERE state = 'queued' AND queue = %(queue)s AND job.tenant_id = visited.tenant_id
          AND due_at <= %(now)s
          AND EXISTS (
              SELECT 1 FROM unnest(%(kinds)s::text[], %(versions)s::int[]) AS known(kind, version)
              WHERE known.kind = job.kind AND job.version <= known.version)
          AND NOT EXISTS (
              SELECT 1 FROM connector_syncjob busy
              WHERE busy.tenant_id = job.tenant_id AND busy.lane = job.lane
                AND busy.state = 'running')
        ORDER BY priority, due_at, id LIMIT share.most FOR UPDATE SKIP LOCKED) job
), picked AS (
    SELECT id, place FROM ready WHERE in_lane = 1 ORDER BY round, place, id LIMIT %(batch)s
)
UPDATE connector_syncjob job SET
    state = 'running', attempts = attempts + 1, fence = fence + 1, worker = %(worker)s,
    started_at = %(now)s, lease_expires_at = %(lease)s,
    begun_fence = CASE WHEN kind = ANY(%(shared)s) AND attempts = 0 AND deaths = 0
                       THEN fence + 1 ELSE begun_fence END
FROM picked WHERE job.id = picked.id
RETURNING job.*, picked.place
"""

_EXPIRED = """
SELECT id FROM connector_syncjob
WHERE state = 'running' AND lease_expires_at < %s
ORDER BY id LIMIT 500
"""


def begin(job: SyncJob) -> None:
    """Note that a claimed job is now being run: if the worker dies, this job may be why."""
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE connector_syncjob SET begun_fence = fence WHERE id = %s AND fence = %s",
            [job.pk, job.fence],
        )
    job.begun_fence = job.fence


def is_begun(job: SyncJob) -> bool:
    """Whether the run that this worker claimed was begun, by the claim or later."""
    return job.begun_fence == job.fence


def claim(
    queue: str,
    *,
    worker: str,
    batch: int,
    known: Mapping[str, int],
    shared: Collection[str] = (),
) -> list[SyncJob]:
    """Up to `batch` ready jobs of a queue, now running under a lease of ours; in the order in which to run them.

    `known` names the kinds of work that this worker has handlers for, each with its newest version;
    `shared` those whose jobs may share a commit.
    Two workers may pick two jobs of one lane at the same instant; the unique index lets one of
    them win, and the other claims one by one, or nothing this time.
    """
    for size in (batch, 1):
        try:
            return _claim(queue, worker, size, known, shared)
        except IntegrityError:
            continue
    return []


def _claim(
    queue: str, worker: str, batch: int, known: Mapping[str, int], shared: Collection[str]
) -> list[SyncJob]:
    now = timezone.now()
    values = {
        "queue": queue,
        "after": _served_last.get(queue, 0),
        "now": now,
        "lease": now + timedelta(seconds=settings.JOB_LEASE_S),
        "worker": worker,
        "workers": settings.JOB_WORKERS_PER_TENANT,
        "batch": batch,
        "vendors": list(VENDORS_OF.get(queue, ())),
        "kinds": list(known),
        "versions": list(known.values()),
        "shared": list(shared),
    }
    with every_tenant():
        jobs = list(SyncJob.objects.raw(_CLAIM, values))
    if jobs:
        _served_last[queue] = max(jobs, key=lambda job: job.place).tenant_id
    return _in_order(jobs)


def _in_order(jobs: list[Any]) -> list[SyncJob]:
    """Tenants with few jobs go first, one after the other: nobody waits for the many of another."""
    of_tenant = Counter(job.tenant_id for job in jobs)
    return sorted(
        jobs,
        key=lambda job: (
            of_tenant[job.tenant_id],
            job.place,
            job.priority,
            job.due_at,
            job.pk,
        ),
    )


def is_waiting_for(seconds: float) -> bool:
    """Whether any job has been ready for so long without being claimed."""
    before = timezone.now() - timedelta(seconds=seconds)
    with every_tenant():
        return bool(SyncJob.objects.filter(state=SyncJob.State.QUEUED, due_at__lt=before).exists())


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
    """A job that the dead worker had begun may be what killed it: each time it comes back later.

    So does newer work for the same subject that waits already; it has one try in any case.
    """
    if job.begun_fence == job.fence:
        job.deaths += 1
        job.due_at = timezone.now() + DEATH_PAUSE * (job.deaths - 1)
        waiting_twins(job).update(
            deaths=Greatest("deaths", min(job.deaths, MAX_DEATHS - 1)),
            due_at=Greatest("due_at", job.due_at),
        )
    if job.deaths >= MAX_DEATHS:
        _bury(job)
    else:
        _return_to_queue(job)


def _bury(job: SyncJob) -> None:
    job.state = SyncJob.State.DEAD
    job.failure_mode = "internal"
    job.failure_code = "worker_died"
    job.failure_message = f"The worker died or hung {job.deaths} times while it ran this job."
    job.next_step = "Look at the worker's log around the start time, then re-queue it."
    job.finished_at = timezone.now()
    job.fence += 1
    job.save()


def _return_to_queue(job: SyncJob) -> None:
    """Back to the queue, unless newer work for the same subject already waits there."""
    superseded = waiting_twins(job).exists()
    job.state = SyncJob.State.SUPERSEDED if superseded else SyncJob.State.QUEUED
    job.fence += 1
    job.lease_expires_at = None
    job.worker = ""
    job.save()
