"""Jobs that call no vendor, for measuring everything around a job, and ways to queue many of them."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from django.db import connection
from django.db.models import Model

from audit.recording import Cause, record
from connector.jobs import ledger
from connector.jobs.context import DatabaseOnly, Handler, JobRun
from connector.jobs.kinds import STRIPE, Kind
from connector.models import SyncJob
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.factories import make_tenant

AUDITED = Kind("bench_audited", STRIPE, 50, "bench")
PLAIN = Kind("bench_plain", STRIPE, 50, "bench")
WAITING = Kind("bench_waiting", STRIPE, 50, "bench")
WAIT_S = 0.02
"""What a vendor call takes, at best."""

_UNFINISHED = (
    "SELECT EXISTS (SELECT 1 FROM connector_syncjob WHERE state = 'queued'"
    " AND due_at <= now()) OR EXISTS (SELECT 1 FROM connector_syncjob WHERE state = 'running')"
)


def audited(run: JobRun) -> str:
    """What every job does that changes something: fence, audit entry, one commit."""
    with tenant_scope(run.tenant_id):
        run.hold_fence()
        record(
            tenant_id=run.tenant_id,
            action="bench.done",
            entity=f"bench:{run.subject}",
            cause=run.cause,
            details={"subject": run.subject, "attempt": run.attempt},
        )
    return "done"


def plain(run: JobRun) -> str:
    """The same without the audit entry."""
    with tenant_scope(run.tenant_id):
        run.hold_fence()
    return "done"


def waiting(_: JobRun) -> str:
    """As long as a call takes, doing nothing."""
    time.sleep(WAIT_S)
    return "done"


HANDLERS: dict[str, Handler] = {
    AUDITED.name: DatabaseOnly(audited),
    PLAIN.name: DatabaseOnly(plain),
    WAITING.name: waiting,
}


def cause() -> Cause:
    """Who asked for all this."""
    return Cause(actor="bench", reason="bench", correlation_id=uuid.uuid4())


def live_tenants(count: int) -> list[Tenant]:
    """So many tenants, live, without connections."""
    return [make_tenant(state="live") for _ in range(count)]


def queue(tenant: Tenant, kind: Kind, count: int) -> None:
    """So many jobs of one tenant: the first through the ledger, the others copies of its row."""
    stamp = uuid.uuid4().hex[:8]
    with tenant_scope(tenant.pk):
        first = ledger.enqueue(tenant_id=tenant.pk, kind=kind, subject=stamp, cause=cause())
        fields = columns_of(SyncJob)
        copied = [f"{one} || ':' || n" if one in {"subject", "lane"} else one for one in fields]
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO connector_syncjob ({', '.join(fields)}) SELECT {', '.join(copied)}"
                " FROM connector_syncjob, generate_series(2, %s) n WHERE id = %s",
                [count, first],
            )


def columns_of(model: type[Model]) -> list[str]:
    """All columns but the key, for copying rows."""
    return [str(one.column) for one in model._meta.concrete_fields if not one.primary_key]


def unfinished() -> bool:
    """Whether any job is ready or runs."""
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(_UNFINISHED)
        return bool(cursor.fetchone()[0])


def forget_jobs() -> None:
    """An empty ledger."""
    with every_tenant():
        SyncJob.objects.all().delete()


def seconds_until(done: Callable[[], bool], *, most: float = 300) -> float:
    """How long it took; looked at often enough not to matter."""
    started = time.monotonic()
    while not done():
        if time.monotonic() > started + most:
            raise TimeoutError(f"it did not end within {most:.0f} s")
        time.sleep(0.005)
    return time.monotonic() - started
