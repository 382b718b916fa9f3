"""What a job handler is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from audit.recording import Cause
from connector.errors import FenceLost
from connector.models import SyncJob


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """One run of one job. Ids only: a handler reads what it needs, fresh."""

    job_id: int
    tenant_id: int
    kind: str
    subject: str
    fence: int
    attempt: int
    cause: Cause
    version: int = 1

    def hold_fence(self) -> None:
        """Call inside a tenant scope before saving: nobody else may have taken over this job.

        Raises FenceLost when the lease ran out and another worker claimed it; the transaction then
        rolls back and nothing of a zombie's work is saved.
        """
        alive = (
            SyncJob.objects.select_for_update()
            .filter(pk=self.job_id, fence=self.fence, state=SyncJob.State.RUNNING)
            .exists()
        )
        if not alive:
            raise FenceLost(f"job {self.job_id} was taken over by another worker")


# A handler does the work and may answer one line about what it did.
Handler = Callable[[JobRun], str | None]

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
