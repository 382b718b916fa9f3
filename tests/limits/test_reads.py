"""Stripe's allowance of reads: background work waits when it runs short, payments never do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditEntry
from connector.jobs import kinds
from connector.limits import reads
from connector.models import BalanceMovement
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import unique
from tests.limits.calling import account, gate_of, passes, report, row_of, why_not


def used(tenant: Tenant, count: int, **values: Any) -> None:
    month = timezone.now().date().replace(day=1)
    plenty: Any = {"capacity": 1000, "tokens": 1000, "rate_per_s": 1000}
    account(tenant, "stripe", reads=count, reads_month=month, **plenty, **values)


def test_reads_are_counted_by_month_and_writes_are_not(fresh_tenant: Tenant) -> None:
    used(fresh_tenant, 7)
    gate = gate_of(fresh_tenant)
    gate.after(report("ok", "stripe"))
    gate.after(report("ok", "stripe", method="POST"))
    assert row_of(fresh_tenant, "stripe").reads == 8
    account(fresh_tenant, "stripe", reads=900, reads_month=datetime(2020, 1, 1, tzinfo=UTC).date())
    gate.after(report("ok", "stripe"))
    assert row_of(fresh_tenant, "stripe").reads == 1


def test_background_reads_wait_when_the_budget_is_used_up_and_payments_do_not(
    fresh_tenant: Tenant,
) -> None:
    used(fresh_tenant, 10_001)
    for kind in (kinds.POLL_STRIPE, kinds.POLL_MONEY, kinds.RECONCILE_ALL):
        assert why_not(gate_of(fresh_tenant), fresh_tenant, "stripe", kind=kind) == "own_reads"
    for kind in (kinds.SYNC_INVOICE, kinds.LOOK_UP_STRIPE_PAYMENT, kinds.PING):
        assert passes(gate_of(fresh_tenant), fresh_tenant, "stripe", kind=kind)
    used(fresh_tenant, 10_001, reads_allowed=100_000)
    assert passes(gate_of(fresh_tenant), fresh_tenant, "stripe", kind=kinds.POLL_STRIPE)


def test_payments_of_the_last_month_raise_what_is_allowed(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        assert reads.allowed(None, transactions=reads.transactions().count()) == 10_000
        for _ in range(30):
            BalanceMovement.objects.create(
                tenant=fresh_tenant,
                stripe_id=unique("txn_"),
                type="charge",
                amount_minor=100,
                fee_minor=0,
                net_minor=100,
                currency="CAD",
                created_at=timezone.now(),
            )
        count = reads.transactions().count()
    assert reads.allowed(None, transactions=count) == 15_000
    assert reads.allowed(1234, transactions=count) == 1234


@pytest.mark.parametrize(
    ("used_reads", "day", "waits"),
    [(7_999, 2, False), (8_000, 2, True), (9_000, 29, False), (10_500, 29, True)],
)
def test_background_work_waits_until_the_month_is_as_far_on_as_its_reads(
    used_reads: int, day: int, *, waits: bool
) -> None:
    now = datetime(2026, 11, day, 12, tzinfo=UTC)
    wait_s = reads.wait_s(used_reads, 10_000, now=now)
    assert (wait_s > 0) is waits
    assert wait_s <= 3600, "it looks again every hour: a person may have raised the budget"


def test_the_trail_warns_once(fresh_tenant: Tenant) -> None:
    used(fresh_tenant, 7_998)
    gate = gate_of(fresh_tenant)
    for _ in range(4):
        gate.after(report("ok", "stripe"))
    with tenant_scope(fresh_tenant.pk):
        rows = AuditEntry.objects.filter(tenant_id=fresh_tenant.pk)
        assert [row.action for row in rows] == ["stripe.reads_short"]
