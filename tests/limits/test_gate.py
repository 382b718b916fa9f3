"""The gate before every vendor call: shared budgets, reserves, in flight, never in a transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connector.errors import VendorRateLimited
from connector.jobs import kinds
from connector.jobs.context import running
from connector.limits import budgets
from connector.limits.gate import CallInsideTransaction, VendorGate
from connector.models import CallCount, RateBucket, SyncJob
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import make_tenant
from tests.limits.calling import (
    account,
    gate_of,
    job_of,
    pass_time,
    passes,
    refusal,
    report,
    row_of,
    why_not,
)
from tests.threads import at_once

BACKGROUND = kinds.POLL_FRESHBOOKS


def test_the_first_call_of_an_account_makes_its_bucket(fresh_tenant: Tenant) -> None:
    assert passes(gate_of(fresh_tenant), fresh_tenant)
    assert 0 < row_of(fresh_tenant).tokens < 3


def test_calls_of_all_workers_are_no_more_than_the_budget_has(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=4, tokens=4, most_in_flight=50)
    begun = at_once(12, lambda _: passes(gate_of(fresh_tenant), fresh_tenant))
    # The last of a bucket is for jobs under way: new ones leave it six tenths full.
    assert sum(begun) == 2
    assert 1.99 < row_of(fresh_tenant).tokens < 2.1


def test_the_bucket_refills_with_time_up_to_its_capacity(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, tokens=0, rate_per_s=0.01, capacity=3)
    pass_time(6000)
    job = gate_of(fresh_tenant)
    assert [passes(job, fresh_tenant) for _ in range(4)] == [True, True, True, False]


def test_a_job_under_way_goes_on_where_no_other_begins(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, tokens=3)
    job = gate_of(fresh_tenant)
    assert passes(job, fresh_tenant)
    assert why_not(gate_of(fresh_tenant), fresh_tenant) == "own_budget"
    assert [passes(job, fresh_tenant) for _ in range(3)] == [True, True, False]


def test_a_job_under_way_waits_in_its_place_for_a_call_that_is_allowed_in_a_moment(
    fresh_tenant: Tenant,
) -> None:
    account(fresh_tenant, rate_per_s=5, capacity=1, tokens=1)
    slept: list[float] = []
    pause = threading.Event()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        pause.wait(seconds)

    job = gate_of(fresh_tenant, sleep=sleep)
    assert [passes(job, fresh_tenant) for _ in range(5)] == [True] * 5
    assert 0.2 < sum(slept) < 1.5


def test_background_work_leaves_a_reserve_to_all_others(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=10, tokens=8)
    assert why_not(gate_of(fresh_tenant), fresh_tenant, kind=BACKGROUND) == "own_budget"
    assert passes(gate_of(fresh_tenant), fresh_tenant)
    account(fresh_tenant, capacity=10, tokens=10)
    poll = gate_of(fresh_tenant)
    taken = sum(passes(poll, fresh_tenant, kind=BACKGROUND) for _ in range(12))
    assert taken == 7, "a poll under way stops before the last quarter"
    account(fresh_tenant, capacity=10, tokens=7)
    assert passes(gate_of(fresh_tenant), fresh_tenant)


def test_one_second_in_ten_background_work_is_as_good_as_any(
    fresh_tenant: Tenant,
) -> None:
    account(fresh_tenant, capacity=10, tokens=7)
    assert not passes(gate_of(fresh_tenant), fresh_tenant, kind=BACKGROUND)
    fair = gate_of(fresh_tenant, clock=lambda: 20.9)
    assert passes(fair, fresh_tenant, kind=BACKGROUND)


def test_a_person_who_waits_for_a_page_may_take_the_last_call(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, tokens=1)
    assert not passes(gate_of(fresh_tenant), fresh_tenant)
    gate_of(fresh_tenant).before("freshbooks", "freshbooks.invoices.get")


def test_one_tenants_empty_bucket_is_no_other_tenants(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    account(fresh_tenant, tokens=0)
    account(other)
    assert not passes(gate_of(fresh_tenant), fresh_tenant)
    assert passes(gate_of(other), other)


def test_each_stripe_endpoint_has_a_budget_of_its_own(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, "stripe", capacity=100, tokens=100)
    account(fresh_tenant, "stripe", "stripe.invoices.create", tokens=0)
    job = gate_of(fresh_tenant)
    assert passes(job, fresh_tenant, "stripe", operation="invoices.get")
    assert why_not(job, fresh_tenant, "stripe", operation="invoices.create") == "own_budget"
    assert row_of(fresh_tenant, "stripe").tokens > 98, "what was refused took nothing"


def test_operations_of_one_endpoint_share_its_budget(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, "stripe", capacity=100, tokens=100)
    job = gate_of(fresh_tenant)
    for operation in ("collection", "list", "of_payment"):
        assert passes(job, fresh_tenant, "stripe", operation=f"invoice_payments.{operation}")
    with tenant_scope(fresh_tenant.pk):
        rows = set(RateBucket.objects.filter(vendor="stripe").values_list("endpoint", flat=True))
    assert rows == {"", "stripe.invoice_payments.list"}


@pytest.mark.parametrize(("livemode", "limit"), [(True, 100), (False, 25)])
def test_rate_and_burst_together_stay_below_stripes_limits(*, livemode: bool, limit: int) -> None:
    for budget, most in (
        (budgets.account_budget("stripe", livemode=livemode), limit),
        (budgets.endpoint_budget("stripe"), 25),
    ):
        assert 0.85 * most <= budget.rate_per_s
        assert budget.rate_per_s + budget.burst <= most


def test_only_so_many_workers_call_one_account_at_once(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=100, tokens=100, most_in_flight=2)
    other = make_tenant()
    account(other, capacity=100, tokens=100)
    codes = at_once(5, lambda _: why_not(gate_of(fresh_tenant), fresh_tenant))
    assert sorted(codes) == ["", "", *["own_in_flight"] * 3]
    assert passes(gate_of(other), other)
    # Two died with their calls: nobody gives their places back, yet they are free again.
    with tenant_scope(fresh_tenant.pk):
        row = row_of(fresh_tenant)
        row.in_flight = dict.fromkeys(row.in_flight, 1.0)
        row.save()
    assert passes(gate_of(fresh_tenant), fresh_tenant)


def test_a_place_is_free_again_soon_after_the_answer(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=100, tokens=100, most_in_flight=1)

    def call_elsewhere(_: int) -> None:
        gate = gate_of(fresh_tenant)
        with running(job_of(fresh_tenant)):
            gate.before("freshbooks", "freshbooks.invoices.get")
            gate.after(report("ok"))

    at_once(1, call_elsewhere)
    (until,) = row_of(fresh_tenant).in_flight.values()
    assert until < timezone.now().timestamp() + 1


def test_the_place_of_a_job_is_free_as_soon_as_it_ends(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=100, tokens=100, most_in_flight=1)
    at_once(1, lambda _: passes(gate_of(fresh_tenant), fresh_tenant))
    assert why_not(gate_of(fresh_tenant), fresh_tenant) == "own_in_flight"
    with tenant_scope(fresh_tenant.pk):
        SyncJob.objects.update(state=SyncJob.State.DONE)
    assert passes(gate_of(fresh_tenant), fresh_tenant)


def test_a_slow_account_is_called_by_one_worker_at_a_time(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=100, tokens=100, most_in_flight=5)
    gate_of(fresh_tenant).after(report("ok", duration_ms=4000))
    codes = at_once(3, lambda _: why_not(gate_of(fresh_tenant), fresh_tenant))
    assert sorted(codes) == ["", "own_in_flight", "own_in_flight"]
    pass_time(31)
    assert passes(gate_of(fresh_tenant), fresh_tenant)


def waits(tenant: Tenant, count: int) -> list[float]:
    """In how many seconds each of so many jobs shall come back that there is no room for."""
    errors = [refusal(gate_of(tenant), tenant) for _ in range(count)]
    return [error.retry_after_s or 0.0 for error in errors if error]


def test_jobs_that_are_sent_away_come_back_one_after_the_other(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, rate_per_s=2, capacity=1, tokens=0)
    first = waits(fresh_tenant, 5)
    assert len(first) == 5
    for number, wait_s in enumerate(first, start=1):
        assert 0.45 * number <= wait_s <= 1.3 * 0.5 * number
    pass_time(5)
    assert passes(gate_of(fresh_tenant), fresh_tenant)
    assert max(waits(fresh_tenant, 1)) <= 0.65, "whoever had a turn before is not counted any more"


def test_nobody_is_sent_away_for_long(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, rate_per_s=0.2, capacity=1, tokens=0)
    assert 14 <= max(waits(fresh_tenant, 20)) <= 15.5


def test_a_slow_account_has_those_it_sends_away_come_back_slowly(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=100, tokens=100, most_in_flight=5)
    gate_of(fresh_tenant).after(report("ok", duration_ms=4000))
    at_once(1, lambda _: passes(gate_of(fresh_tenant), fresh_tenant))
    assert [round(wait_s / 2) for wait_s in waits(fresh_tenant, 3)] == [1, 2, 3]


def test_an_answer_in_time_ends_that(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, capacity=100, tokens=100, most_in_flight=5)
    gate = gate_of(fresh_tenant)
    gate.after(report("unknown", duration_ms=4000))
    gate.after(report("unknown", duration_ms=10))
    assert row_of(fresh_tenant).slow_until is not None, "no answer is not an answer in time"
    gate.after(report("ok", duration_ms=2900))
    codes = at_once(3, lambda _: why_not(gate_of(fresh_tenant), fresh_tenant))
    assert codes == ["", "", ""]


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
    account(fresh_tenant)
    gate = gate_of(fresh_tenant)
    for outcome in ("ok", "ok", "unknown"):
        gate.after(report(outcome))
    with tenant_scope(fresh_tenant.pk):
        counted = {row.outcome: (row.calls, row.total_ms) for row in CallCount.objects.all()}
    assert counted == {"ok": (2, 24), "unknown": (1, 12)}


def test_a_call_costs_one_statement_before_and_one_after(fresh_tenant: Tenant) -> None:
    """Beside those that open and close the tenant's scope."""
    account(fresh_tenant, "stripe", capacity=100, tokens=100)
    gate = gate_of(fresh_tenant)
    assert passes(gate, fresh_tenant, "stripe")
    with running(job_of(fresh_tenant)):
        with CaptureQueriesContext(connection) as before:
            gate.before("stripe", "stripe.invoices.get")
        with CaptureQueriesContext(connection) as after:
            gate.after(report("ok", "stripe"))

    def of_ours(queries: Any) -> list[str]:
        return [one["sql"] for one in queries if "connector_" in one["sql"]]

    assert (len(of_ours(before)), len(of_ours(after))) == (1, 1)


def test_after_a_429_jobs_come_back_as_fast_as_is_allowed_then(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, rate_per_s=1, capacity=1, tokens=1)
    gate_of(fresh_tenant).after(report("rate_limited"))  # a second's pause, half of the rate
    assert [int(wait_s / 2) for wait_s in waits(fresh_tenant, 4)] >= [0, 1, 2, 3]


def later_turn(tenant: Tenant) -> float:
    at = row_of(tenant).later_turn_at
    return at.timestamp() if at else 0.0


def test_what_was_asked_for_does_not_wait_behind_what_was_found_by_looking(
    fresh_tenant: Tenant,
) -> None:
    account(fresh_tenant, rate_per_s=2, capacity=1, tokens=0)
    found = [refusal(gate_of(fresh_tenant), fresh_tenant, kind=BACKGROUND) for _ in range(9)]
    assert max(error.retry_after_s or 0.0 for error in found if error) > 4
    assert max(waits(fresh_tenant, 1)) <= 0.65
    before = later_turn(fresh_tenant)
    by_poll = replace(job_of(fresh_tenant), priority=kinds.SYNC_INVOICE.priority + 5)
    with running(by_poll), pytest.raises(VendorRateLimited):
        gate_of(fresh_tenant).before("freshbooks", "freshbooks.invoices.get")
    assert later_turn(fresh_tenant) > before > 0


def test_a_job_under_way_takes_no_turn(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, rate_per_s=0.2, capacity=1, tokens=1)
    job = gate_of(fresh_tenant)
    assert passes(job, fresh_tenant)
    assert max(waits(fresh_tenant, 5)) > 14
    error = refusal(job, fresh_tenant)
    assert error is not None
    assert (error.retry_after_s or 0.0) <= 1.3 * 5


def test_nobody_waits_for_turns_once_the_account_answers_in_time_again(
    fresh_tenant: Tenant,
) -> None:
    account(fresh_tenant, capacity=100, tokens=100, most_in_flight=1)
    gate = gate_of(fresh_tenant)
    gate.after(report("ok", duration_ms=4000))
    at_once(1, lambda _: passes(gate_of(fresh_tenant), fresh_tenant))
    assert max(waits(fresh_tenant, 5)) > 9
    gate.after(report("ok"))
    assert row_of(fresh_tenant).turn_at is None
    assert max(waits(fresh_tenant, 1)) <= 0.65


def test_the_turns_of_an_endpoint_are_its_own(fresh_tenant: Tenant) -> None:
    account(fresh_tenant, "stripe", rate_per_s=100, capacity=100, tokens=100)
    account(fresh_tenant, "stripe", "stripe.invoices.create", rate_per_s=0.2, capacity=1, tokens=0)
    refused = refusal(gate_of(fresh_tenant), fresh_tenant, "stripe", operation="invoices.create")
    assert refused is not None
    assert row_of(fresh_tenant, "stripe").turn_at is None
