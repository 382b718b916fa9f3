from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from audit.models import AuditEntry
from connector import retention
from connector.models import CallCount, Delivery, RefusedDelivery, SyncJob
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.factories import make_tenant
from tests.jobs.working import DEAD, DONE, HELD, QUEUED, RUNNING, SUPERSEDED, add, change, rows

NOW = timezone.now()


@pytest.fixture
def tenant(no_jobs: None) -> Tenant:
    return make_tenant(state="live")


def job(tenant: Tenant, subject: str, state: str, days: float) -> int:
    job_id = add(tenant, subject=subject)
    change(job_id, state=state, created_at=NOW - timedelta(days=days))
    return job_id


def delivery(tenant: Tenant, number: int, state: str, days: float) -> int:
    with every_tenant():
        row: Delivery = Delivery.objects.create(
            tenant=tenant,
            source="stripe",
            via="webhook",
            event_id=f"evt_{number}",
            event_type="invoice.paid",
            object_id="in_1",
            state=state,
            received_at=NOW - timedelta(days=days),
        )
        return row.pk


def left(model: Any, tenant: Tenant) -> set[int]:
    with every_tenant():
        return set(model.objects.filter(tenant=tenant).values_list("pk", flat=True))


def test_only_jobs_that_are_done_with_go_and_only_old_ones(tenant: Tenant) -> None:
    old_done, old_superseded = job(tenant, "1", DONE, 31), job(tenant, "2", SUPERSEDED, 400)
    stay = {
        job(tenant, "3", DONE, 29),
        job(tenant, "4", DEAD, 400),
        job(tenant, "5", HELD, 400),
        job(tenant, "6", QUEUED, 400),
        job(tenant, "7", RUNNING, 400),
    }
    retention.prune()
    assert left(SyncJob, tenant) == stay
    assert not {old_done, old_superseded} & stay


def test_only_deliveries_that_were_dealt_with_go_and_only_old_ones(tenant: Tenant) -> None:
    delivery(tenant, 1, "routed", 91), delivery(tenant, 2, "ignored", 91)
    stay = {
        delivery(tenant, 3, "routed", 89),
        delivery(tenant, 4, "received", 400),
        delivery(tenant, 5, "quarantined", 400),
    }
    retention.prune()
    assert left(Delivery, tenant) == stay


def test_counters_go_after_their_time(tenant: Tenant) -> None:
    today = NOW.date()
    with every_tenant():
        for days in (401, 399):
            CallCount.objects.create(
                tenant=tenant,
                day=today - timedelta(days=days),
                vendor="stripe",
                operation="stripe.invoices.list",
                outcome="ok",
            )
            RefusedDelivery.objects.create(
                day=today - timedelta(days=days), source="stripe", reason="test", last_at=NOW
            )
        retention.prune()
        kept = CallCount.objects.get(tenant=tenant)
    assert kept.day == today - timedelta(days=399)
    refused = RefusedDelivery.objects.filter(reason="test")
    assert [row.day for row in refused] == [today - timedelta(days=399)]
    refused.delete()


def test_it_goes_on_over_many_batches_and_past_what_stays(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    stays = {job(tenant, f"dead {number}", DEAD, 50) for number in range(4)}
    for number in range(10):
        job(tenant, f"done {number}", DONE, 50)
    stays.add(job(tenant, "young", DONE, 1))
    assert retention.prune()["connector_syncjob"] == 10
    assert left(SyncJob, tenant) == stays


def test_it_stops_when_its_time_is_over(tenant: Tenant) -> None:
    job(tenant, "1", DONE, 50)
    assert set(retention.prune(budget_s=0).values()) == {0}
    assert len(rows(tenant=tenant)) == 1


def test_zero_days_keep_everything(tenant: Tenant, settings: Any) -> None:
    settings.JOBS_KEPT_DAYS = 0
    job(tenant, "1", DONE, 5000)
    assert retention.prune()["connector_syncjob"] == 0
    assert len(rows(tenant=tenant)) == 1


def test_neither_trail_nor_journal_nor_writes_are_ever_named() -> None:
    tables = {kept.table for kept in retention.KEPT}
    forbidden = {"audit_auditentry", "audit_auditchain", "connector_moneyfact"}
    assert not tables & (forbidden | {"connector_vendorwrite"})
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
    assert tables <= existing
    assert forbidden <= existing | {AuditEntry._meta.db_table}
