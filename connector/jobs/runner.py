"""Running claimed jobs: batches that are short in time, each job committed by itself."""

from __future__ import annotations

import logging
import math
import os
import socket
import statistics
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise

from django.conf import settings
from django.db import DatabaseError, connection, connections

from connector.errors import ConnectorError
from connector.jobs import claims, endings, kinds, sharing
from connector.jobs.context import Handler, JobRun, running
from connector.jobs.heartbeat import Heartbeat
from connector.models import SyncJob

log = logging.getLogger(__name__)

# A batch is claimed to last about this long: longer, and urgent work waits behind it; shorter, and
# claiming costs more than the jobs.
BATCH_S = 0.25
FIRST_GUESS_S = 0.02  # for one job, before any was measured
DRAIN_S = 3.0  # then the worker hears other queues' rings first

_seconds_per_job: dict[str, float] = {}


class InternalFailure(ConnectorError):
    """An exception that nobody expected: our bug."""


def worker_name() -> str:
    """Name the running thread as its jobs do: host, process, thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident() % 100_000}"


def drain(
    queue: str, handlers: Mapping[str, Handler], *, seconds: float = DRAIN_S, threads: int = 1
) -> int:
    """Claim and run batches of one queue until it is empty or the time is up; answer how many ran.

    While there is more than one thread can claim at once, another one helps, up to `threads`: jobs
    wait for vendors most of their time.
    """
    return _Drain(queue, handlers, until=time.monotonic() + seconds, threads=threads).run()


class _Drain:
    """The threads that work on one queue in this process for a few seconds."""

    def __init__(
        self, queue: str, handlers: Mapping[str, Handler], *, until: float, threads: int
    ) -> None:
        self._queue, self._handlers, self._until = queue, handlers, until
        self._known = kinds.versions(handlers)
        self._shared = sharing.shared_kinds(handlers)
        self._places = threading.Semaphore(threads - 1)
        self._helpers: list[threading.Thread] = []
        self._ran: list[int] = []  # appended to by every thread

    def run(self) -> int:
        try:
            self._work()
        finally:
            while self._helpers:
                self._helpers.pop().join()
        return sum(self._ran)

    def _work(self) -> None:
        worker = worker_name()
        while time.monotonic() < self._until:
            batch = batch_size(self._queue)
            jobs = claims.claim(
                self._queue, worker=worker, batch=batch, known=self._known, shared=self._shared
            )
            if not jobs:
                return
            if len(jobs) == batch and self._places.acquire(blocking=False):
                self._ask_for_help()
            self._run_batch(jobs)

    def _ask_for_help(self) -> None:
        helper = threading.Thread(target=self._help, name=f"drain-{self._queue}", daemon=True)
        helper.start()
        self._helpers.append(helper)  # who joins it must find it started

    def _help(self) -> None:
        try:
            self._work()
        except DatabaseError:
            log.warning("a helper lost its database connection; its jobs come back by themselves")
        finally:
            connections.close_all()
            self._places.release()

    def _run_batch(self, jobs: list[SyncJob]) -> None:
        """One after the other; what is not begun when the time is over is given back."""
        started = time.monotonic()
        over = min(self._until, started + 4 * BATCH_S)
        ran = 0
        alone: list[float] = []  # what shares a commit is short, and the more of it the better
        with Heartbeat(jobs) as heartbeat:
            groups = sharing.groups_of(jobs, self._handlers)
            for group, following in pairwise([*groups, []]):
                if ran and time.monotonic() >= over:
                    break
                began = time.monotonic()
                run_group(group, self._handlers, then=following[:1], over=over)
                if not sharing.may_share(group[0], self._handlers):
                    alone.append(time.monotonic() - began)
                heartbeat.finished(group)
                ran += len(group)
            left = heartbeat.held()
        self._ran.append(ran)
        _learn(self._queue, statistics.fmean(alone) if alone else 0.0)
        claims.give_back(left)


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
