"""After a 429: wait as told, call less often, come back slowly; each endpoint by itself."""

from __future__ import annotations

from typing import Any

import pytest

from connector.limits import seeing
from connector.limits.budgets import Budget
from connector.vendors.gate import outcome_of
from connector.vendors.http import HttpAnswer
from connector.vendors.stripe.errors import to_connector_error
from tenants.models import Tenant
from tests.limits.calling import (
    account,
    gate_of,
    pass_time,
    passes,
    refusal,
    report,
    row_of,
    why_not,
)

ENDPOINT = "stripe.invoices.get"


@pytest.mark.parametrize(("named", "least", "most"), [(30.0, 29, 47), (None, 0.9, 1.6)])
def test_after_a_429_nobody_calls_before_the_named_time(
    fresh_tenant: Tenant, named: float | None, least: float, most: float
) -> None:
    account(fresh_tenant, rate_per_s=100)
    gate = gate_of(fresh_tenant)
    assert passes(gate, fresh_tenant)
    gate.after(report("rate_limited", retry_after_s=named))
    for blocked in (gate, gate_of(fresh_tenant)):
        error = refusal(blocked, fresh_tenant)
        assert error is not None
        assert error.code == "own_told_to_wait"
        assert least < (error.retry_after_s or 0) <= most
    assert passes(gate_of(fresh_tenant), fresh_tenant, "stripe"), "the other vendor is not blocked"


def test_when_the_time_is_over_calls_come_one_by_one(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=50, tokens=50, rate_per_s=1)
    gate_of(fresh_tenant).after(report("rate_limited", retry_after_s=30))
    pass_time(40)
    row = row_of(fresh_tenant)
    assert row.tokens == 0, "what was saved up until the 429 is gone"
    assert why_not(gate_of(fresh_tenant), fresh_tenant) == "own_budget"
    pass_time(60)
    assert passes(gate_of(fresh_tenant), fresh_tenant)


def _lowered(tenant: Tenant, endpoint: str = "", vendor: str = "stripe") -> tuple[float, float]:
    row = row_of(tenant, vendor, endpoint)
    return round(row.ceiling_per_s or 0, 2), round(row.lowered_per_s or 0, 2)


def test_the_first_429_halves_the_rate_and_later_ones_lower_it_less(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, "stripe", rate_per_s=20, capacity=20, tokens=20)
    gate = gate_of(fresh_tenant)
    gate.after(report("rate_limited", "stripe"))
    assert _lowered(fresh_tenant) == (20, 10)
    gate.after(report("rate_limited", "stripe"))
    assert _lowered(fresh_tenant) == (20, 10), "a call that was under way tells nothing new"
    pass_time(3)
    gate.after(report("rate_limited", "stripe"))
    ceiling, lowered = _lowered(fresh_tenant)
    assert 10.9 <= ceiling <= 12.5
    assert lowered == pytest.approx(0.8 * ceiling, abs=0.02), "still far too many"
    pass_time(40)
    gate.after(report("rate_limited", "stripe"))
    ceiling, lowered = _lowered(fresh_tenant)
    assert 9 <= ceiling <= 11.5
    assert lowered == pytest.approx(0.9 * ceiling, abs=0.02), "close to the limit"


def test_the_rate_comes_back_slowly_to_where_it_was_then_faster(fresh_tenant: Tenant) -> None:
    chosen: Any = {"rate_per_s": 20, "capacity": 200}
    account(fresh_tenant, "stripe", tokens=200, **chosen)
    gate_of(fresh_tenant).after(report("rate_limited", "stripe"))
    rates = []
    for seconds in (2.0, 10.0, 17.0, 100.0):
        pass_time(seconds)
        row = row_of(fresh_tenant, "stripe")
        rates.append(seeing.rate_now(row, budget=Budget(rate_per_s=1, burst=1)))
        # What a second brings is what the page says.
        account(fresh_tenant, "stripe", tokens=50, blocked_until=None, **chosen)
        pass_time(1)
        gate_of(fresh_tenant).before("stripe", "stripe.probe.one")
        brought = float(row_of(fresh_tenant, "stripe").tokens) - 49
        assert rates[-1] <= brought < rates[-1] * 1.5 + 1
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(10.9, abs=0.5)
    assert rates[2] == pytest.approx(20, abs=0.5), "six hundred calls later"
    assert rates[3] == 20


def test_a_429_for_one_endpoint_leaves_the_account_alone(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, "stripe", capacity=100, tokens=100)
    gate = gate_of(fresh_tenant)
    assert passes(gate, fresh_tenant, "stripe")
    gate.after(report("rate_limited", "stripe", rate_limited_reason="endpoint-rate"))
    assert why_not(gate, fresh_tenant, "stripe") == "own_told_to_wait"
    assert passes(gate, fresh_tenant, "stripe", operation="customers.create")
    assert row_of(fresh_tenant, "stripe").lowered_at is None
    assert row_of(fresh_tenant, "stripe", ENDPOINT).lowered_at is not None


@pytest.mark.parametrize(
    ("status", "code"), [(429, "lock_timeout"), (409, "idempotency_key_in_use")]
)
def test_a_busy_object_is_no_limit(fresh_tenant: Tenant, status: int, code: str) -> None:
    """The job comes back in a moment with the same key; nobody else waits for it."""
    body = b'{"error": {"type": "invalid_request_error", "code": "%s"}}' % code.encode()
    answer = HttpAnswer(status=status, headers={}, body=body)
    error = to_connector_error(answer, operation="stripe.invoices.finalize", is_read=False)
    account(fresh_tenant, "stripe", capacity=100, tokens=100)
    gate = gate_of(fresh_tenant)
    for _ in range(9):
        assert passes(gate, fresh_tenant, "stripe")
        gate.after(report(outcome_of(error), "stripe", method="POST", status=status))
    row = row_of(fresh_tenant, "stripe")
    assert (row.lowered_at, row.blocked_until, row.failures) == (None, None, 0)
