"""Running claimed jobs: one after the other, each committed by itself."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from audit.recording import Cause, record
from config.logging import mask_secrets
from connector.errors import ConnectorError, FailureMode, FenceLost
from connector.jobs import claims, ledger, retry
from connector.jobs.context import Handler, JobRun
from connector.models import SyncJob
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)
WORKER = f"{socket.gethostname()}:{os.getpid()}"


class InternalFailure(ConnectorError):
    """An exception that nobody expected: our bug."""


class DatabaseTrouble(ConnectorError):
    """Postgres went away or refused for a moment."""

    failure_mode = FailureMode.TRANSIENT


def drain(queue: str, handlers: Mapping[str, Handler], *, seconds: float = 20.0) -> int:
    """Claim and run batches of one queue until it is empty or the time is up; answer how many ran."""
    deadline = time.monotonic() + seconds
    ran = 0
    while time.monotonic() < deadline:
        jobs = claims.claim(queue, worker=f"{WORKER}:{os.getpid()}", batch=settings.JOB_BATCH)
        if not jobs:
            break
        with Heartbeat(jobs) as heartbeat:
            for job in jobs:
                if time.monotonic() >= deadline + settings.JOB_LEASE_S:
                    break
                run(job, handlers)
                heartbeat.finished(job)
                ran += 1
            left = heartbeat.held()
        claims.give_back(left)
    return ran


class Heartbeat:
    """Keeps the leases of a batch alive from a thread with a database connection of its own."""

    def __init__(self, jobs: list[SyncJob]) -> None:
        self._fences = {job.pk: job.fence for job in jobs}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def finished(self, job: SyncJob) -> None:
        """Let go of this job's lease."""
        with self._lock:
            self._fences.pop(job.pk, None)

    def held(self) -> dict[int, int]:
        """What is still under lease."""
        with self._lock:
            return dict(self._fences)

    def _beat(self) -> None:
        while not self._stop.wait(settings.JOB_LEASE_S / 3):
            try:
                claims.extend_leases(self.held())
            except DatabaseError:
                log.warning("lease heartbeat could not reach the database; trying again")
            finally:
                connections.close_all()


def run(job: SyncJob, handlers: Mapping[str, Handler]) -> None:
    """Run one job and write down how it ended. Never raises."""
    job_run = JobRun(
        job_id=job.pk,
        tenant_id=job.tenant_id,
        kind=job.kind,
        subject=job.subject,
        fence=job.fence,
        attempt=job.attempts,
        cause=Cause(actor=job.actor, reason=job.reason, correlation_id=job.correlation_id),
    )
    try:
        outcome = _call(job_run, handlers)
        _finish(job_run, outcome)
    except ConnectorError as error:
        _fail(job_run, error)


def _call(job_run: JobRun, handlers: Mapping[str, Handler]) -> str:
    """The one broad handler: whatever a job raises becomes a ConnectorError."""
    handler = handlers.get(job_run.kind)
    if handler is None:
        raise InternalFailure(
            f"No handler for jobs of kind {job_run.kind!r} in this version.",
            next_step="Deploy a version that knows this kind, then re-queue the job.",
            code="unknown_kind",
        )
    try:
        claims.begin(job_run.job_id, job_run.fence)
        return handler(job_run) or ""
    except ConnectorError:
        raise
    except DatabaseError as error:
        connection.close_if_unusable_or_obsolete()
        raise DatabaseTrouble(f"Database: {type(error).__name__}: {error}") from error
    except Exception as error:
        log.exception("job failed unexpectedly", extra={"job_id": job_run.job_id})
        raise InternalFailure(
            f"{type(error).__name__}: {error}",
            code="unexpected",
            next_step="This is a defect of the connector: report it with the job's number.",
        ) from error


def _finish(job_run: JobRun, outcome: str) -> None:
    try:
        with tenant_scope(job_run.tenant_id):
            job_run.hold_fence()
            SyncJob.objects.filter(pk=job_run.job_id).update(
                state=SyncJob.State.DONE,
                finished_at=timezone.now(),
                lease_expires_at=None,
                outcome=outcome[:300],
                failure_mode="",
                failure_code="",
                failure_message="",
                next_step="",
            )
            ledger.settle_dead(
                tenant_id=job_run.tenant_id, kind=job_run.kind, subject=job_run.subject
            )
    except DatabaseError as error:
        # The work is done and its own commits stand; the lease runs out and the job runs again,
        # which finds nothing left to do.
        raise DatabaseTrouble(f"could not save the job's end: {error}") from error


def _fail(job_run: JobRun, error: ConnectorError) -> None:
    """Write down the failure and what follows from it; a lost fence means it is not ours to say."""
    if isinstance(error, FenceLost):
        log.warning("job was taken over", extra={"job_id": job_run.job_id})
        return
    try:
        with tenant_scope(job_run.tenant_id):
            job_run.hold_fence()
            _save_failure(job_run, error)
    except (DatabaseError, FenceLost) as problem:
        log.warning("failure of job %s not saved: %s", job_run.job_id, problem)


def _save_failure(job_run: JobRun, error: ConnectorError) -> None:
    verdict = retry.decide(error, attempts=job_run.attempt)
    now = timezone.now()
    job = SyncJob.objects.get(pk=job_run.job_id)
    job.state = verdict.state
    job.failure_mode = error.failure_mode
    job.failure_code = error.code[:80]
    job.failure_message = mask_secrets(error.message)
    job.next_step = error.next_step
    job.request_id = error.request_id[:120]
    job.lease_expires_at = None
    if verdict.state == SyncJob.State.QUEUED:
        job.due_at = now + timedelta(seconds=verdict.retry_after_s)
        if not verdict.counts:
            job.attempts = max(0, job.attempts - 1)
    else:
        job.finished_at = now
        record(
            tenant_id=job_run.tenant_id,
            action=f"job.{verdict.state}",
            entity=f"job:{job_run.job_id}",
            cause=job_run.cause,
            details={
                "kind": job_run.kind,
                "subject": job_run.subject,
                "failure": error.failure_mode,
                "message": error.message,
            },
        )
    if verdict.state in ledger.WAITING and ledger.is_waiting(job):
        job.state = SyncJob.State.SUPERSEDED  # a hint during the run queued one more: it goes on
    job.save()
