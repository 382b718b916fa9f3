"""Calls as the gate sees them: who asks, what came of it, and time that passes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from connector.errors import VendorRateLimited
from connector.jobs import kinds, ledger
from connector.jobs.context import JobRun, running
from connector.limits.gate import VendorGate
from connector.models import RateBucket, SyncJob, VendorIncident
from connector.vendors.gate import CallReport
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.shop import cause

FIELDS = ("updated_at", "blocked_until", "lowered_at", "slow_until", "turn_at", "later_turn_at")
OF_INCIDENTS = ("opened_at", "probe_at", "closed_at")


def job_of(tenant: Tenant, kind: kinds.Kind = kinds.SYNC_INVOICE) -> JobRun:
    """The job that this thread runs, as if it were of this kind."""
    subject = str(threading.get_ident())
    with tenant_scope(tenant.pk):
        mine = SyncJob.objects.filter(subject=subject)
        if not mine.exists():
            ledger.enqueue(tenant_id=tenant.pk, kind=kind, subject=subject, cause=cause())
            mine.update(state=SyncJob.State.RUNNING, attempts=1, fence=1)
        return replace(JobRun.of(mine.get()), kind=kind.name, priority=kind.priority)


def account(tenant: Tenant, vendor: str = "freshbooks", endpoint: str = "", **values: Any) -> None:
    """A bucket that does not refill within a test, unless told otherwise."""
    defaults = {
        "rate_per_s": 0.001,
        "capacity": 3,
        "tokens": 3,
        "updated_at": timezone.now(),
    } | values
    with tenant_scope(tenant.pk):
        RateBucket.objects.update_or_create(
            tenant=tenant, vendor=vendor, endpoint=endpoint, defaults=defaults
        )


def row_of(tenant: Tenant, vendor: str = "freshbooks", endpoint: str = "") -> RateBucket:
    with tenant_scope(tenant.pk):
        row: RateBucket = RateBucket.objects.get(vendor=vendor, endpoint=endpoint)
        return row


def gate_of(tenant: Tenant, **more: Any) -> VendorGate:
    """At a second at which background work waits, unless told otherwise."""
    return VendorGate(tenant.pk, livemode=False, **({"clock": lambda: 5.0} | more))


def refusal(
    gate: VendorGate,
    tenant: Tenant,
    vendor: str = "freshbooks",
    *,
    kind: kinds.Kind = kinds.SYNC_INVOICE,
    operation: str = "invoices.get",
) -> VendorRateLimited | None:
    """Why a job's next call may not be made now; a refusal names when to come back."""
    with running(job_of(tenant, kind)):
        try:
            gate.before(vendor, f"{vendor}.{operation}")
        except VendorRateLimited as error:
            refused = error
        else:
            return None
    assert refused.retry_after_s, "a refusal without a time to come back is none"
    return refused


def passes(gate: VendorGate, tenant: Tenant, vendor: str = "freshbooks", **more: Any) -> bool:
    return refusal(gate, tenant, vendor, **more) is None


def why_not(gate: VendorGate, tenant: Tenant, vendor: str = "freshbooks", **more: Any) -> str:
    error = refusal(gate, tenant, vendor, **more)
    return error.code if error else ""


def report(outcome: str, vendor: str = "freshbooks", **values: Any) -> CallReport:
    facts: dict[str, Any] = {
        "operation": f"{vendor}.invoices.get",
        "method": "GET",
        "status": None,
        "request_id": "",
        "duration_ms": 12,
        "retry_after_s": None,
        "rate_limited_reason": "",
    }
    return CallReport(vendor=vendor, outcome=outcome, **(facts | values))


def pass_time(seconds: float) -> None:
    """As if so much time had passed, for every account and vendor."""
    gone = timedelta(seconds=seconds)
    with every_tenant():
        for name in FIELDS:
            RateBucket.objects.update(**{name: F(name) - gone})
    for name in OF_INCIDENTS:
        VendorIncident.objects.update(**{name: F(name) - gone})


@contextmanager
def no_incident() -> Iterator[None]:
    """Nobody's vendor is down, and nobody called lately."""
    VendorIncident.objects.all().delete()
    with every_tenant():
        RateBucket.objects.all().delete()
    yield
    VendorIncident.objects.all().delete()
