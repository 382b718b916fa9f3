"""Working in the lane of an entity from within another job, such as one that goes through many.

The work gets a row of its own, running from the start: nobody else works on the entity meanwhile.
If the worker dies, the row comes back and does nothing: the job that held the lane resumes by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from connector.errors import ConnectorError, FailureMode
from connector.jobs.context import JobRun
from connector.jobs.heartbeat import Heartbeat
from connector.jobs.kinds import HOLD_LANE, Kind
from connector.jobs.runner import worker_name
from connector.models import SyncJob
from tenants.scope import tenant_scope


class LaneBusy(ConnectorError):
    """Somebody works on this entity at this moment: a little later it is free."""

    failure_mode = FailureMode.RATE_LIMITED


@contextmanager
def hold_lane(outer: JobRun, kind: Kind, subject: str) -> Iterator[JobRun]:
    """Hold the lane of one subject while the body runs; its own job run is given to the body.

    Raises LaneBusy. An error of the body ends the row: `outer` is what is tried again.
    """
    job = _begin(outer, kind, subject)
    inner = replace(outer, job_id=job.pk, subject=subject, fence=job.fence, attempt=1)
    try:
        with Heartbeat([job]):
            yield inner
    except Exception:
        _end(job, SyncJob.State.SUPERSEDED, f"left to job {outer.job_id}")
        raise
    _end(job, SyncJob.State.DONE, f"part of job {outer.job_id}")


def let_go(_: JobRun) -> str:
    """The handler of a row that came back after its worker died."""
    return "nothing to do: the job that held this lane resumes by itself"


def _begin(outer: JobRun, kind: Kind, subject: str) -> SyncJob:
    now = timezone.now()
    try:
        with tenant_scope(outer.tenant_id):
            outer.hold_fence()
            job: SyncJob = SyncJob.objects.create(
                tenant_id=outer.tenant_id,
                kind=HOLD_LANE.name,
                version=HOLD_LANE.version,
                subject=kind.lane_of(subject),
                lane=kind.lane_of(subject),
                queue=HOLD_LANE.queue,
                priority=HOLD_LANE.priority,
                state=SyncJob.State.RUNNING,
                due_at=now,
                attempts=1,
                fence=1,
                begun_fence=1,
                lease_expires_at=now + timedelta(seconds=settings.JOB_LEASE_S),
                worker=worker_name(),
                actor=outer.cause.actor[:150],
                reason=outer.cause.reason[:300],
                correlation_id=outer.cause.correlation_id,
                created_at=now,
                started_at=now,
            )
            return job
    except IntegrityError as error:
        raise LaneBusy(
            f"{kind.lane_of(subject)} is being worked on.", code="lane_busy", retry_after_s=1.0
        ) from error


def _end(job: SyncJob, state: SyncJob.State, outcome: str) -> None:
    """Whoever took the row over meanwhile ends it instead."""
    with tenant_scope(job.tenant_id):
        SyncJob.objects.filter(pk=job.pk, fence=job.fence, state=SyncJob.State.RUNNING).update(
            state=state, outcome=outcome, finished_at=timezone.now(), lease_expires_at=None
        )
