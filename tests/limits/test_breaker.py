"""An account that does not answer, and a vendor that answers nobody."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from audit.models import AuditEntry
from connector.models import VendorIncident
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import make_tenant
from tests.limits.calling import account, gate_of, pass_time, passes, refusal, report, why_not

PLENTY: Any = {"capacity": 100, "tokens": 100, "rate_per_s": 10_000}


def wait_of(tenant: Tenant) -> float:
    """How long nobody may call FreshBooks for this tenant; 0 if everybody may."""
    error = refusal(gate_of(tenant), tenant)
    return (error.retry_after_s or 0.0) if error else 0.0


def told(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.pk):
        rows = AuditEntry.objects.filter(tenant_id=tenant.pk).order_by("sequence")
        return list(rows.values_list("action", flat=True))


def silent(tenant: Tenant, times: int = 5) -> None:
    account(tenant, **PLENTY)
    for _ in range(times):
        gate_of(tenant).after(report("unavailable"))


@pytest.mark.parametrize("outcome", ["unavailable", "unknown"])
def test_a_vendor_that_does_not_answer_is_left_in_peace_longer_and_longer(
    fresh_tenant: Tenant, outcome: str
) -> None:
    account(fresh_tenant, **PLENTY)
    gate = gate_of(fresh_tenant)
    for _ in range(4):
        gate.after(report(outcome))
        assert wait_of(fresh_tenant) == 0
    waits = []
    for _ in range(12):
        gate.after(report(outcome))
        waits.append(wait_of(fresh_tenant))
    assert 0 < waits[0] <= 3.2
    assert all(later > earlier for earlier, later in pairwise(waits[:6:2]))
    assert 230 <= waits[-1] <= 470
    assert passes(gate_of(fresh_tenant), fresh_tenant, "stripe"), "the other vendor is not blocked"


def test_calls_that_hang_open_it_sooner_and_for_longer(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, **PLENTY)
    gate = gate_of(fresh_tenant)
    gate.after(report("unavailable", duration_ms=10_000))
    assert wait_of(fresh_tenant) == 0, "one may be an accident"
    gate.after(report("unavailable", duration_ms=10_000))
    assert wait_of(fresh_tenant) > 150, "so that its calls hold one worker for a twentieth"


def test_after_the_pause_one_call_tries_and_the_others_wait_for_it(fresh_tenant: Tenant) -> None:
    silent(fresh_tenant)
    pass_time(10)
    account(fresh_tenant, **PLENTY)
    tries = gate_of(fresh_tenant)
    assert passes(tries, fresh_tenant)
    assert why_not(gate_of(fresh_tenant), fresh_tenant) == "own_no_answer"
    tries.after(report("ok"))
    assert passes(gate_of(fresh_tenant), fresh_tenant)


@pytest.mark.parametrize("outcome", ["ok", "refused", "broken"])
def test_one_answer_closes_the_circuit_again(fresh_tenant: Tenant, outcome: str) -> None:
    silent(fresh_tenant, 8)
    pass_time(400)
    gate = gate_of(fresh_tenant)
    gate.after(report(outcome))
    for _ in range(4):
        gate.after(report("unavailable"))
    assert wait_of(fresh_tenant) == 0


def test_the_trail_tells_when_it_opened_and_closed_not_of_each_call(fresh_tenant: Tenant) -> None:
    silent(fresh_tenant, 9)
    gate_of(fresh_tenant).after(report("ok"))
    gate_of(fresh_tenant).after(report("ok"))
    assert told(fresh_tenant) == ["vendor.paused", "vendor.resumed"]


@pytest.fixture
def tenants(committed_db: None) -> list[Tenant]:
    return [make_tenant() for _ in range(4)]


def test_many_accounts_without_answers_are_an_incident_of_the_vendor(
    tenants: list[Tenant],
) -> None:
    """From then on no account tries by itself: one call a minute, whoever's it is."""
    *failing, well = tenants
    account(well, **PLENTY)
    for tenant in failing:
        silent(tenant, 3)
    assert VendorIncident.objects.get().failing == 3
    assert {why_not(gate_of(one), one) for one in tenants} == {"own_incident"}
    assert passes(gate_of(well), well, "stripe")
    tries = 0
    for _ in range(10):
        pass_time(67)
        for one in tenants:
            gate = gate_of(one)
            if passes(gate, one):
                tries += 1
                gate.after(report("unavailable"))
    assert tries == 10


def test_a_few_failing_accounts_are_none(tenants: list[Tenant]) -> None:
    more = [make_tenant() for _ in range(3)]
    for one in [*tenants[3:], *more]:
        account(one, **PLENTY)
    for tenant in tenants[:3]:
        silent(tenant, 4)
    assert not VendorIncident.objects.exists(), "three of seven"
    silent(tenants[3], 4)
    assert VendorIncident.objects.get().opened_at, "four of seven"


def test_the_first_answer_ends_it_and_calls_come_back_slowly(tenants: list[Tenant]) -> None:
    for tenant in tenants:
        silent(tenant, 3)
    pass_time(70)
    gate = gate_of(tenants[0])
    assert passes(gate, tenants[0])
    gate.after(report("ok"))
    incident = VendorIncident.objects.get()
    assert (incident.opened_at, incident.probe_at) == (None, None)
    assert told(tenants[0])[-1] == "vendor.incident_closed"
    account(tenants[1], capacity=20, tokens=0, rate_per_s=10)
    pass_time(3)
    assert not passes(gate_of(tenants[1]), tenants[1]), "a tenth of the rate to begin with"
    pass_time(60)
    account(tenants[1], capacity=20, tokens=0, rate_per_s=10)
    pass_time(3)
    assert passes(gate_of(tenants[1]), tenants[1])
