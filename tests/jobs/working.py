"""Small work for tests of the ledger: kinds that no product code knows, and ways to run them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from connector.jobs import claims, ledger, runner
from connector.jobs.context import JobRun
from connector.jobs.kinds import Kind
from connector.models import SyncJob
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.shop import cause

PROBE = Kind("probe", "intake", 50, "probe")
SAME_LANE = Kind("same_lane", "intake", 50, "probe")
URGENT = Kind("urgent", "intake", 10, "urgent")
ELSEWHERE = Kind("elsewhere", "stripe", 50, "elsewhere")
KNOWN = {kind.name: 1 for kind in (PROBE, SAME_LANE, URGENT, ELSEWHERE)}
QUEUED, RUNNING, DONE = SyncJob.State.QUEUED, SyncJob.State.RUNNING, SyncJob.State.DONE
HELD, DEAD, SUPERSEDED = SyncJob.State.HELD, SyncJob.State.DEAD, SyncJob.State.SUPERSEDED


def add(tenant: Any, kind: Kind = PROBE, subject: object = "1", **more: Any) -> int:
    """Enqueue, in a scope of its own."""
    more = {"cause": cause()} | more
    with tenant_scope(tenant.pk):
        return ledger.enqueue(tenant_id=tenant.pk, kind=kind, subject=str(subject), **more)


def row(job_id: int) -> SyncJob:
    with every_tenant():
        job: SyncJob = SyncJob.objects.get(pk=job_id)
        return job


def rows(**only: Any) -> list[SyncJob]:
    with every_tenant():
        return list(SyncJob.objects.filter(**only).order_by("pk"))


def change(job_id: int, **values: Any) -> None:
    with every_tenant():
        SyncJob.objects.filter(pk=job_id).update(**values)


def due_now() -> None:
    with every_tenant():
        SyncJob.objects.filter(state=QUEUED).update(due_at=timezone.now())


def claim(
    batch: int = 10,
    queue: str = "intake",
    worker: str = "w",
    known: Mapping[str, int] = KNOWN,
) -> list[SyncJob]:
    return claims.claim(queue, worker=worker, batch=batch, known=known)


def claim_one() -> SyncJob:
    (job,) = claim(1)
    return job


def expire_leases() -> None:
    """As if every worker had died long ago."""
    with every_tenant():
        SyncJob.objects.filter(state=RUNNING).update(
            lease_expires_at=timezone.now() - timedelta(seconds=1)
        )


def handler_of(function: Callable[[JobRun], str | None]) -> Mapping[str, Callable[..., str | None]]:
    return {"probe": function}


def run_one(function: Callable[[JobRun], str | None]) -> SyncJob:
    """Claim the next job, run it with this function, answer its row."""
    job = claim_one()
    runner.run(job, handler_of(function))
    return row(job.pk)


def fail_with(error: BaseException) -> SyncJob:
    def fail(_: JobRun) -> str:
        raise error

    return run_one(fail)
