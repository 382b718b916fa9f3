"""How a job ends: done, tried again, held for a person, or failed for good."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.utils import timezone

from audit.recording import KeysErased, record
from config.logging import mask_secrets
from connector.errors import ConnectorError, FailureMode, FenceLost
from connector.jobs import ledger, retry
from connector.jobs.context import JobRun
from connector.models import SyncJob
from tenants.scope import every_tenant, tenant_scope

log = logging.getLogger(__name__)


class DatabaseTrouble(ConnectorError):
    """Postgres went away or refused for a moment."""

    failure_mode = FailureMode.TRANSIENT


# These are done, earlier failures of the same work are no longer open, and the next job of the batch
# begins. Whoever lost its fence ends nothing.
_FINISH = """
WITH ended AS (
    UPDATE connector_syncjob job SET
        state = 'done', finished_at = %(now)s, lease_expires_at = NULL, outcome = told.outcome,
        failure_mode = '', failure_code = '', failure_message = '', next_step = ''
    FROM unnest(%(ids)s::bigint[], %(fences)s::bigint[], %(outcomes)s::text[])
         AS told(id, fence, outcome)
    WHERE job.id = told.id AND job.fence = told.fence AND job.state = 'running'
    RETURNING job.tenant_id, job.kind, job.subject
), settled AS (
    UPDATE connector_syncjob job SET state = 'superseded' FROM ended
    WHERE job.tenant_id = ended.tenant_id AND job.kind = ended.kind
      AND job.subject = ended.subject AND job.state = 'dead'
), begun AS (
    UPDATE connector_syncjob SET begun_fence = fence
    WHERE id = %(next)s AND fence = %(next_fence)s AND EXISTS (SELECT 1 FROM ended)
)
SELECT count(*) FROM ended
"""


def finish(job_run: JobRun, outcome: str, *, then: SyncJob | None) -> None:
    """Save a good end and begin the next job of the batch in the same commit.

    Raises FenceLost if another worker took the job over; DatabaseTrouble if it could not be saved:
    the work is done and its own commits stand, the lease runs out and the job runs again, which
    finds nothing left to do.
    """
    try:
        with every_tenant():
            end_all([job_run], [outcome], then=then)
    except DatabaseError as error:
        raise DatabaseTrouble(f"could not save the job's end: {error}") from error
    if then is not None:
        then.begun_fence = then.fence


def end_all(
    runs: Sequence[JobRun], outcomes: Sequence[str], *, then: SyncJob | None = None
) -> None:
    """Write down good ends, inside a scope; all of them or, with FenceLost, none."""
    values: dict[str, Any] = {
        "ids": [run.job_id for run in runs],
        "fences": [run.fence for run in runs],
        "outcomes": [outcome[:300] for outcome in outcomes],
        "now": timezone.now(),
        "next": then.pk if then else None,
        "next_fence": then.fence if then else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, values)
        (ended,) = cursor.fetchone()
    if ended < len(runs):
        lost = f"job {runs[0].job_id}" if len(runs) == 1 else f"one of {len(runs)} jobs"
        raise FenceLost(f"{lost} was taken over by another worker")


def fail(job_run: JobRun, error: ConnectorError) -> None:
    """Write down the failure and what follows from it; a lost fence means it is not ours to say."""
    if isinstance(error, FenceLost):
        log.warning("job was taken over", extra={"job_id": job_run.job_id})
        return
    try:
        with tenant_scope(job_run.tenant_id):
            job_run.hold_fence()
            _save_failure(job_run, error)
    except (DatabaseError, FenceLost, KeysErased) as problem:
        log.warning("failure of job %s not saved: %s", job_run.job_id, problem)


def _save_failure(job_run: JobRun, error: ConnectorError) -> None:
    verdict = retry.decide(error, attempts=job_run.attempt)
    now = timezone.now()
    job = SyncJob.objects.get(pk=job_run.job_id)
    job.state = verdict.state
    job.failure_mode = error.failure_mode
    job.failure_code = error.code[:80]
    job.failure_message = mask_secrets(error.message)
    job.next_step = verdict.next_step
    job.request_id = error.request_id[:120]
    job.lease_expires_at = None
    if verdict.state == SyncJob.State.QUEUED:
        job.due_at = now + timedelta(seconds=verdict.retry_after_s)
        if not verdict.counts:
            job.attempts = max(0, job.attempts - 1)
    else:
        job.finished_at = now
        _record_end(job_run, error, verdict.state)
    if verdict.state in ledger.WAITING and ledger.waiting_twins(job).exists():
        job.state = SyncJob.State.SUPERSEDED  # a hint during the run queued one more: it goes on
    job.save()


def _record_end(job_run: JobRun, error: ConnectorError, state: SyncJob.State) -> None:
    record(
        tenant_id=job_run.tenant_id,
        action=f"job.{state}",
        entity=f"job:{job_run.job_id}",
        cause=job_run.cause,
        details={
            "kind": job_run.kind,
            "subject": job_run.subject,
            "failure": error.failure_mode,
            "message": error.message,
        },
    )
