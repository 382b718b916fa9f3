"""The gate before every vendor call: a shared budget, a pause after a 429, never in a transaction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from django.db import transaction
from django.utils import timezone

from connector.errors import VendorRateLimited
from connector.limits import CallInsideTransaction, VendorGate
from connector.models import CallCount, RateBucket
from connector.vendors.gate import CallReport
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import make_tenant
from tests.threads import at_once


def bucket(tenant: Tenant, *, tokens: float, rate: float = 0.001, capacity: float = 3) -> None:
    """A bucket that does not refill within a test."""
    with tenant_scope(tenant.pk):
        RateBucket.objects.update_or_create(
            tenant=tenant,
            vendor="freshbooks",
            defaults={
                "rate_per_s": rate,
                "capacity": capacity,
                "tokens": tokens,
                "updated_at": timezone.now(),
                "blocked_until": None,
            },
        )


def tokens(tenant: Tenant) -> Decimal:
    with tenant_scope(tenant.pk):
        return Decimal(RateBucket.objects.get(vendor="freshbooks").tokens)


def passes(gate: VendorGate, vendor: str = "freshbooks") -> bool:
    try:
        gate.before(vendor, f"{vendor}.invoices.get")
    except VendorRateLimited as error:
        return not error.retry_after_s  # a refusal without a time to come back is none
    return True


def report(outcome: str, *, retry_after_s: float | None = None) -> CallReport:
    return CallReport(
        vendor="freshbooks",
        operation="freshbooks.invoices.get",
        method="GET",
        status=None,
        request_id="",
        duration_ms=12,
        outcome=outcome,
        retry_after_s=retry_after_s,
        rate_limited_reason="",
    )


def test_the_first_call_of_an_account_makes_its_bucket(fresh_tenant: Tenant) -> None:
    assert passes(VendorGate(fresh_tenant.pk))
    assert Decimal(0) < tokens(fresh_tenant) < Decimal(3)


def test_jobs_together_begin_no_more_calls_than_the_budget_has(fresh_tenant: Tenant) -> None:
    bucket(fresh_tenant, tokens=3)
    begun = at_once(12, lambda _: passes(VendorGate(fresh_tenant.pk)))
    assert sum(begun) == 3


def test_the_bucket_refills_with_time_up_to_its_capacity(fresh_tenant: Tenant) -> None:
    bucket(fresh_tenant, tokens=0, rate=2, capacity=3)
    with tenant_scope(fresh_tenant.pk):
        RateBucket.objects.update(updated_at=timezone.now() - timedelta(seconds=60))
    assert [passes(VendorGate(fresh_tenant.pk)) for _ in range(4)] == [True, True, True, False]


def test_a_job_under_way_may_overdraw_by_the_capacity_but_no_more(fresh_tenant: Tenant) -> None:
    bucket(fresh_tenant, tokens=1)
    job = VendorGate(fresh_tenant.pk)
    assert [passes(job) for _ in range(5)] == [True, True, True, True, False]
    assert not passes(VendorGate(fresh_tenant.pk)), "the debt delays whoever comes next"


def test_one_tenants_empty_bucket_is_no_other_tenants(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    bucket(fresh_tenant, tokens=0)
    bucket(other, tokens=1)
    assert not passes(VendorGate(fresh_tenant.pk))
    assert passes(VendorGate(other.pk))


@pytest.mark.parametrize(("named", "least", "most"), [(30.0, 28, 30), (None, 0.5, 1)])
def test_after_a_429_nobody_calls_before_the_named_time(
    fresh_tenant: Tenant, named: float | None, least: float, most: float
) -> None:
    bucket(fresh_tenant, tokens=3)
    gate = VendorGate(fresh_tenant.pk)
    assert passes(gate)
    gate.after(report("rate_limited", retry_after_s=named))
    for blocked in (gate, VendorGate(fresh_tenant.pk)):
        with pytest.raises(VendorRateLimited) as caught:
            blocked.before("freshbooks", "freshbooks.invoices.get")
        assert caught.value.retry_after_s is not None
        assert least < caught.value.retry_after_s <= most
    assert passes(VendorGate(fresh_tenant.pk), "stripe"), "the other vendor is not blocked"


def test_when_the_time_is_over_calls_pass_again(fresh_tenant: Tenant) -> None:
    bucket(fresh_tenant, tokens=3)
    VendorGate(fresh_tenant.pk).after(report("rate_limited", retry_after_s=30))
    with tenant_scope(fresh_tenant.pk):
        RateBucket.objects.update(blocked_until=timezone.now())
    assert passes(VendorGate(fresh_tenant.pk))


def wait_of(tenant: Tenant) -> float:
    """How long nobody may call FreshBooks for this tenant; 0 if everybody may."""
    try:
        VendorGate(tenant.pk).before("freshbooks", "freshbooks.invoices.get")
    except VendorRateLimited as error:
        return error.retry_after_s or 0.0
    return 0.0


@pytest.mark.parametrize("outcome", ["unavailable", "unknown"])
def test_a_vendor_that_does_not_answer_is_left_in_peace_longer_and_longer(
    fresh_tenant: Tenant, outcome: str
) -> None:
    bucket(fresh_tenant, tokens=100, capacity=100)
    gate = VendorGate(fresh_tenant.pk)
    for _ in range(4):
        gate.after(report(outcome))
        assert wait_of(fresh_tenant) == 0
    waits = []
    for _ in range(12):
        gate.after(report(outcome))
        waits.append(wait_of(fresh_tenant))
    assert 1.5 <= waits[0] <= 2.4
    assert all(later > earlier for earlier, later in pairwise(waits[:6]))
    assert 230 <= waits[-1] <= 360
    assert passes(VendorGate(fresh_tenant.pk), "stripe"), "the other vendor is not blocked"


@pytest.mark.parametrize("outcome", ["ok", "refused", "broken"])
def test_one_answer_closes_the_circuit_again(fresh_tenant: Tenant, outcome: str) -> None:
    bucket(fresh_tenant, tokens=100, capacity=100)
    gate = VendorGate(fresh_tenant.pk)
    for _ in range(8):
        gate.after(report("unavailable"))
    with tenant_scope(fresh_tenant.pk):
        RateBucket.objects.update(blocked_until=timezone.now())
    assert wait_of(fresh_tenant) == 0
    gate.after(report(outcome))
    for _ in range(4):
        gate.after(report("unavailable"))
    assert wait_of(fresh_tenant) == 0


def _in_scope(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        VendorGate(tenant.pk).before("stripe", "stripe.invoices.get")


def _in_atomic(tenant: Tenant) -> None:
    with transaction.atomic():
        VendorGate(tenant.pk).before("stripe", "stripe.invoices.get")


@pytest.mark.parametrize("inside", [_in_scope, _in_atomic])
def test_a_call_inside_a_transaction_is_refused(
    fresh_tenant: Tenant, inside: Callable[[Tenant], None]
) -> None:
    with pytest.raises(CallInsideTransaction):
        inside(fresh_tenant)


def test_calls_are_counted_by_outcome(fresh_tenant: Tenant) -> None:
    gate = VendorGate(fresh_tenant.pk)
    for outcome in ("ok", "ok", "unknown"):
        gate.after(report(outcome))
    with tenant_scope(fresh_tenant.pk):
        counted = {row.outcome: (row.calls, row.total_ms) for row in CallCount.objects.all()}
    assert counted == {"ok": (2, 24), "unknown": (1, 12)}
