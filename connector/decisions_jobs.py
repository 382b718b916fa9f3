"""What people decide about jobs; as `decisions`."""

from __future__ import annotations

from collections.abc import Iterable

from audit.recording import Cause, record
from connector.jobs import ledger
from connector.models import SyncJob


def requeue_jobs(job_ids: Iterable[int], *, cause: Cause) -> int:
    """Put failed, held or backed-off jobs back at the front."""
    jobs = ledger.requeue(job_ids, cause=cause)
    for job in sorted(jobs, key=lambda row: (row.tenant_id, row.pk)):
        _record(job, "job.requeued", cause)
    return len(jobs)


def hold_jobs(job_ids: Iterable[int], *, cause: Cause) -> int:
    """Let waiting jobs wait until somebody re-queues them; no webhook or poll sets them going."""
    jobs = ledger.hold(job_ids, cause=cause)
    for job in sorted(jobs, key=lambda row: (row.tenant_id, row.pk)):
        _record(job, "job.held", cause)
    return len(jobs)


def release_jobs(jobs: Iterable[SyncJob], *, cause: Cause) -> int:
    """Let all jobs of a tenant go on that are held for the same reason as one of these."""
    reasons = {(job.tenant_id, job.failure_code) for job in jobs if job.state == job.State.HELD}
    released = 0
    for tenant_id, code in sorted(reasons):
        count = ledger.release_held(tenant_id, code=code)
        released += count
        record(
            tenant_id=tenant_id,
            action="jobs.released",
            entity=f"tenant:{tenant_id}",
            cause=cause,
            details={"held_for": code, "jobs": count},
        )
    return released


def _record(job: SyncJob, action: str, cause: Cause) -> None:
    record(
        tenant_id=job.tenant_id,
        action=action,
        entity=f"job:{job.pk}",
        cause=cause,
        details={"job": str(job), "kind": job.kind},
    )
