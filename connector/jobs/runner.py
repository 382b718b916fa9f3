"""Running claimed jobs: batches that are short in time, each job committed by itself."""

from __future__ import annotations

import logging
import math
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.conf import settings
from django.db import DatabaseError, connection

from connector.errors import ConnectorError
from connector.jobs import claims, endings, kinds, sharing
from connector.jobs.context import Handler, JobRun, running
from connector.jobs.heartbeat import Heartbeat
from connector.models import SyncJob

log = logging.getLogger(__name__)

# A batch is claimed to last about this long: longer, and urgent work waits behind it; shorter, and
# claiming costs more than the jobs.
BATCH_S = 0.1
FIRST_GUESS_S = 0.02  # for one job, before any was measured
DRAIN_S = 3.0

_seconds_per_job: dict[str, float] = {}


class InternalFailure(ConnectorError):
    """An exception that nobody expected: our bug."""


def worker_name() -> str:
    """Name the running thread as its jobs do: host, process, thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Claimed jobs of one queue. `is_full`: as many as were asked for, so there may be more."""

    queue: str
    jobs: list[SyncJob]
    is_full: bool


def drain(queue: str, handlers: Mapping[str, Handler], *, seconds: float = DRAIN_S) -> int:
    """Claim and run batches in this thread until the queue is empty or the time is up; how many ran."""
    until, ran = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        batch = claim_batch(queue, handlers)
        if not batch.jobs:
            break
        ran += run_batch(batch, handlers, stop=lambda: time.monotonic() >= until)
    return ran


def claim_batch(queue: str, handlers: Mapping[str, Handler]) -> Batch:
    """Claim what this thread runs next."""
    size = batch_size(queue)
    jobs = claims.claim(
        queue,
        worker=worker_name(),
        batch=size,
        known=kinds.versions(handlers),
        shared=sharing.shared_kinds(handlers),
    )
    return Batch(queue=queue, jobs=jobs, is_full=len(jobs) == size)


def run_batch(batch: Batch, handlers: Mapping[str, Handler], *, stop: Callable[[], bool]) -> int:
    """Run one after the other, the first in any case; give back what was not begun when it took too
    long or `stop` said so. Answers how many ran.
    """
    if not batch.jobs:
        return 0
    over = time.monotonic() + 4 * BATCH_S
    ran = 0
    alone: list[float] = []  # what shares a commit is short, and the more of it the better
    with Heartbeat(batch.jobs) as heartbeat:
        groups = sharing.groups_of(batch.jobs, handlers)
        for group, following in pairwise([*groups, []]):
            if ran and (stop() or time.monotonic() >= over):
                break
            began = time.monotonic()
            run_group(group, handlers, then=following[:1], over=over)
            if not sharing.may_share(group[0], handlers):
                alone.append(time.monotonic() - began)
            heartbeat.finished(group)
            ran += len(group)
        left = heartbeat.held()
    _learn(batch.queue, statistics.fmean(alone) if alone else 0.0)
    claims.give_back(left)
    return ran


def batch_size(queue: str) -> int:
    """How many jobs of this queue fill a batch, by how long they took lately."""
    usual = _seconds_per_job.get(queue, FIRST_GUESS_S)
    fitting = int(BATCH_S / max(usual, 1e-6))
    return max(1, min(int(settings.JOB_BATCH), fitting))


def _learn(queue: str, seconds_per_job: float) -> None:
    usual = _seconds_per_job.get(queue, FIRST_GUESS_S)
    _seconds_per_job[queue] = 0.7 * usual + 0.3 * seconds_per_job


def run_group(
    group: Sequence[SyncJob],
    handlers: Mapping[str, Handler],
    *,
    then: Sequence[SyncJob] = (),
    over: float = math.inf,
) -> None:
    """Run jobs that may share a commit, or one that may not; `then` is what comes after them."""
    if sharing.may_share(group[0], handlers) and sharing.run_shared(group, handlers):
        return
    following = next((job for job in then if not claims.is_begun(job)), None)
    for job in group:
        if not claims.is_begun(job):
            claims.begin(job)
        run(job, handlers, then=following if job is group[-1] else None, over=over)


def run(
    job: SyncJob,
    handlers: Mapping[str, Handler],
    *,
    then: SyncJob | None = None,
    over: float = math.inf,
) -> None:
    """Run one begun job and write down how it ended. Never raises.

    Begins `then` in the same commit, unless it went wrong or it is past `over` on the monotonic clock.
    """
    job_run = JobRun.of(job)
    try:
        outcome = _call(job_run, handlers)
        endings.finish(job_run, outcome, then=then if time.monotonic() < over else None)
    except ConnectorError as error:
        endings.fail(job_run, error)


def _call(job_run: JobRun, handlers: Mapping[str, Handler]) -> str:
    """The one broad handler: whatever a job raises becomes a ConnectorError."""
    try:
        with running(job_run):
            return handlers[job_run.kind](job_run) or ""
    except ConnectorError:
        raise
    except DatabaseError as error:
        connection.close_if_unusable_or_obsolete()
        raise endings.DatabaseTrouble(f"Database: {type(error).__name__}: {error}") from error
    except Exception as error:
        log.exception("job failed unexpectedly", extra={"job_id": job_run.job_id})
        raise InternalFailure(
            f"{type(error).__name__}: {error}",
            code="unexpected",
            next_step="This is a defect of the connector: report it with the job's number.",
        ) from error
