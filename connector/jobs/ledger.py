"""Adding, releasing and re-queuing work. Every function runs inside the caller's scope."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from audit.recording import Cause
from connector.errors import FailureMode
from connector.jobs.kinds import Kind
from connector.models import SyncJob

# One statement: a waiting job for the same subject takes the new hint in, becomes due no later
# than asked, and a held one becomes ready again because something changed. The more urgent of both
# says who asked and why.
_INSERT = """
INSERT INTO connector_syncjob AS job (
    tenant_id, kind, version, subject, lane, queue, priority, state, due_at, attempts, deaths, fence, begun_fence,
    worker,
    failure_mode, failure_code, failure_message, next_step, request_id, outcome,
    actor, reason, correlation_id, hints, created_at
) SELECT
    %(tenant)s, %(kind)s, %(version)s, {subject}, {lane}, %(queue)s, %(priority)s, 'queued', %(due)s, 0, 0, 0, 0, '',
    '', '', '', '', '', '', %(actor)s, %(reason)s, %(correlation)s, 1, %(now)s
{source}
ON CONFLICT (tenant_id, kind, subject) WHERE state IN ('queued', 'held') DO UPDATE SET
    hints = job.hints + 1,
    actor = CASE WHEN EXCLUDED.priority < job.priority THEN EXCLUDED.actor ELSE job.actor END,
    reason = CASE WHEN EXCLUDED.priority < job.priority THEN EXCLUDED.reason ELSE job.reason END,
    correlation_id = CASE WHEN EXCLUDED.priority < job.priority
                          THEN EXCLUDED.correlation_id ELSE job.correlation_id END,
    priority = LEAST(job.priority, EXCLUDED.priority),
    due_at = CASE WHEN job.failure_mode = 'transient' AND job.state = 'queued'
                  THEN job.due_at ELSE LEAST(job.due_at, EXCLUDED.due_at) END,
    attempts = CASE WHEN job.state = 'held' THEN 0 ELSE job.attempts END,
    version = GREATEST(job.version, EXCLUDED.version),
    state = CASE WHEN job.failure_code = %(kept)s THEN job.state ELSE 'queued' END
RETURNING id, subject
"""
_ENQUEUE = _INSERT.format(subject="%(subject)s", lane="%(lane)s", source="")
_ENQUEUE_ALL = _INSERT.format(
    subject="subject",
    lane="lane",
    source="FROM unnest(%(subjects)s::text[], %(lanes)s::text[]) AS asked(subject, lane)",
)

HELD_BY_PERSON = "held_by_person"  # no hint sets such a job going, only a person does
WAITING = (SyncJob.State.QUEUED, SyncJob.State.HELD)
FAILURE = ("failure_mode", "failure_code", "failure_message", "next_step", "request_id")


def enqueue(
    *,
    tenant_id: int,
    kind: Kind,
    subject: str = "",
    cause: Cause,
    priority: int | None = None,
    delay_s: float | None = None,
) -> int:
    """Make sure that this work is waiting; answer the id of the waiting row. `delay_s`: else its kind's.

    A backed-off job (it failed a moment ago) keeps its later due time: hints do not defeat backoff.
    """
    values = values_of(tenant_id, kind, cause, priority=priority, delay_s=delay_s)
    names = {"subject": subject, "lane": kind.lane_of(subject)}
    with connection.cursor() as cursor:
        cursor.execute(_ENQUEUE, {**values, **names})
        job_id, _ = cursor.fetchone()
    return int(job_id)


def enqueue_all(
    *,
    tenant_id: int,
    kind: Kind,
    subjects: Iterable[str],
    cause: Cause,
    priority: int | None = None,
) -> dict[str, int]:
    """The same for many subjects, in one statement: the id of each one's waiting row."""
    once = list(dict.fromkeys(subjects))
    if not once:
        return {}
    values = values_of(tenant_id, kind, cause, priority=priority)
    names = {"subjects": once, "lanes": [kind.lane_of(subject) for subject in once]}
    with connection.cursor() as cursor:
        cursor.execute(_ENQUEUE_ALL, {**values, **names})
        return {subject: int(job_id) for job_id, subject in cursor.fetchall()}


def enqueue_rows_of(source: str, kind: Kind) -> str:
    """The statement of `enqueue` for the rows of a CTE, each its own subject by its id.

    For whoever stores something and its job in one statement; `values_of` are its other values.
    """
    lane = kind.lane_of("")
    return _INSERT.format(subject="id::text", lane=f"'{lane}' || id", source=f"FROM {source}")


def values_of(
    tenant_id: int,
    kind: Kind,
    cause: Cause,
    *,
    priority: int | None = None,
    delay_s: float | None = None,
) -> dict[str, str | int | datetime | UUID]:
    """What `enqueue` saves besides the subject and its lane."""
    now = timezone.now()
    return {
        "tenant": tenant_id,
        "kind": kind.name,
        "version": kind.version,
        "kept": HELD_BY_PERSON,
        "queue": kind.queue,
        "priority": kind.priority if priority is None else priority,
        "due": now + timedelta(seconds=kind.waits_s if delay_s is None else delay_s),
        "actor": cause.actor[:150],
        "reason": cause.reason[:300],
        "correlation": cause.correlation_id,
        "now": now,
    }


def requeue(job_ids: Iterable[int], *, cause: Cause) -> list[SyncJob]:
    """Put failed, held or backed-off jobs back at the front; answer those that were.

    A job for which other work is already waiting is marked superseded instead: that work does it.
    """
    done = []
    for job in SyncJob.objects.select_for_update().filter(pk__in=list(job_ids)).order_by("pk"):
        if job.state not in {SyncJob.State.DEAD, SyncJob.State.HELD, SyncJob.State.QUEUED}:
            continue
        _requeue_one(job, cause=cause, now=timezone.now())
        done.append(job)
    return done


def hold(job_ids: Iterable[int], *, cause: Cause) -> list[SyncJob]:
    """Let waiting jobs wait until a person re-queues them; answer those that now do."""
    waiting = SyncJob.objects.select_for_update().filter(pk__in=list(job_ids), state__in=WAITING)
    done = []
    for job in waiting.order_by("pk"):
        job.state = SyncJob.State.HELD
        job.failure_mode, job.failure_code = FailureMode.NEEDS_PERSON, HELD_BY_PERSON
        job.failure_message = f"Held by {cause.actor}."
        job.next_step = "Re-queue it when it may go on; what happens meanwhile is not lost."
        job.save()
        done.append(job)
    return done


def _requeue_one(job: SyncJob, *, cause: Cause, now: datetime) -> None:
    target = job
    other = waiting_twins(job).select_for_update().first()
    if other is not None:
        job.state = SyncJob.State.SUPERSEDED
        job.finished_at = now
        job.save(update_fields=["state", "finished_at"])
        target = other
    target.state = SyncJob.State.QUEUED
    target.due_at = now
    target.attempts = target.deaths = 0
    for name in FAILURE:
        setattr(target, name, "")
    target.actor, target.reason = cause.actor[:150], cause.reason[:300]
    target.correlation_id = cause.correlation_id
    target.save()


def waiting_twins(job: SyncJob) -> QuerySet[SyncJob]:
    """The other row for the same work that waits, if any."""
    twins: QuerySet[SyncJob] = SyncJob.objects.filter(
        tenant_id=job.tenant_id, kind=job.kind, subject=job.subject, state__in=WAITING
    ).exclude(pk=job.pk)
    return twins


def release_held(tenant_id: int, *, code: str) -> int:
    """Let jobs go on that were held for one reason, e.g. "grant_lost" after a reconnect."""
    return SyncJob.objects.filter(
        tenant_id=tenant_id, state=SyncJob.State.HELD, failure_code=code
    ).update(
        state=SyncJob.State.QUEUED, due_at=timezone.now(), attempts=0, **dict.fromkeys(FAILURE, "")
    )
