"""What a job handler is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar, NoReturn, Self

from audit.recording import Cause
from config.riding import Row, ride_along
from connector.errors import FenceLost
from connector.models import SyncJob

_HOLD = (
    "SELECT 1 FROM connector_syncjob"
    " WHERE id = {:d} AND tenant_id = {:d} AND fence = {:d} AND state = 'running' FOR UPDATE"
)


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """One run of one job. Ids only: a handler reads what it needs, fresh."""

    has_fence: ClassVar[bool] = True
    """Not where somebody else sees to it that nothing is saved once the job is lost."""

    job_id: int
    tenant_id: int
    kind: str
    subject: str
    fence: int
    attempt: int
    cause: Cause
    version: int = 1
    priority: int = 0

    @classmethod
    def of(cls, job: SyncJob) -> Self:
        """The run that a claimed job is about to have."""
        return cls(
            job_id=job.pk,
            tenant_id=job.tenant_id,
            kind=job.kind,
            subject=job.subject,
            version=job.version,
            fence=job.fence,
            attempt=job.attempts,
            priority=job.priority,
            cause=Cause(actor=job.actor, reason=job.reason, correlation_id=job.correlation_id),
        )

    def hold_fence(self, *, lost: Callable[[FenceLost], None] | None = None) -> None:
        """Call inside a tenant scope before saving: nobody else may have taken over this job.

        If the lease ran out and another worker claimed it, the next statement of the scope, or its end,
        raises FenceLost; the transaction then rolls back and nothing of a zombie's work is saved.
        `lost` is told instead, where something is to be kept all the same.
        """
        if not self.has_fence:
            return

        def check(alive: Row) -> None:
            if not alive:
                (lost or _give_up)(FenceLost(f"job {self.job_id} was taken over by another worker"))

        ride_along(_HOLD.format(self.job_id, self.tenant_id, self.fence), check)


def _give_up(error: FenceLost) -> NoReturn:
    raise error


# A handler does the work and may answer one line about what it did.
Handler = Callable[[JobRun], str | None]


@dataclass(frozen=True)
class DatabaseOnly:
    """A handler that works in our database only, in one scope of its tenant.

    Several such jobs of one tenant may share a commit (connector.jobs.sharing): it calls no vendor,
    opens no savepoint, and its job may run again by itself if it fails beside others.
    """

    act: Handler

    def __call__(self, run: JobRun) -> str | None:
        """Do the work."""
        return self.act(run)


_current: ContextVar[JobRun | None] = ContextVar("current_run", default=None)


@contextmanager
def running(run: JobRun) -> Iterator[None]:
    """While the body runs, `current_run` answers this run."""
    token = _current.set(run)
    try:
        yield
    finally:
        _current.reset(token)


def current_run() -> JobRun | None:
    """The job that this thread works on; None outside any, as when a person waits for a page."""
    return _current.get()
