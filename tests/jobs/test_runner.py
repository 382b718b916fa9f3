"""Running a job: how it may end, what is kept of it, and what a worker that lost it may not do."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from audit.models import AuditEntry
from connector.errors import (
    AmountNotRepresentable,
    ConnectorError,
    CredentialRejected,
    FailureMode,
    FenceLost,
    OutcomeUnknown,
    VendorContractBroken,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
)
from connector.jobs import claims, retry, runner
from connector.jobs.context import JobRun
from connector.models import ClientLink, SyncJob
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.jobs.working import (
    DEAD,
    DONE,
    HELD,
    QUEUED,
    RUNNING,
    SUPERSEDED,
    add,
    change,
    claim_one,
    due_now,
    expire_leases,
    fail_with,
    handler_of,
    row,
    rows,
    run_one,
)
from tests.pipeline.interference import Killed


def audited(tenant: Tenant, job_id: int) -> list[str]:
    with tenant_scope(tenant.pk):
        rows = AuditEntry.objects.filter(tenant_id=tenant.pk, entity=f"job:{job_id}")
        return list(rows.values_list("action", flat=True))


def test_a_job_that_went_well_says_what_it_did(fresh_tenant: Tenant) -> None:
    add(fresh_tenant)
    job = run_one(lambda run: f"attempt {run.attempt} of tenant {run.tenant_id}")
    assert (job.state, job.outcome) == (DONE, f"attempt 1 of tenant {fresh_tenant.pk}")
    assert job.finished_at is not None
    assert job.lease_expires_at is None


@pytest.mark.parametrize(
    ("error", "state", "attempts"),
    [
        (VendorUnavailable("down"), QUEUED, 1),
        (OutcomeUnknown("no answer"), QUEUED, 1),
        (VendorRateLimited("later"), QUEUED, 0),
        (VendorRefused("no"), DEAD, 1),
        (CredentialRejected("key"), HELD, 1),
        (AmountNotRepresentable("0.001"), HELD, 1),
        (VendorContractBroken("odd"), QUEUED, 1),
        (OperationalError("gone"), QUEUED, 1),
        (ZeroDivisionError("bug"), QUEUED, 1),
    ],
)
def test_the_kind_of_failure_decides_what_follows(
    fresh_tenant: Tenant, error: Exception, state: str, attempts: int
) -> None:
    add(fresh_tenant)
    job = fail_with(error)
    assert (job.state, job.attempts) == (state, attempts)
    assert job.failure_message
    if state == QUEUED:
        assert job.due_at > timezone.now()
    else:
        assert audited(fresh_tenant, job.pk) == [f"job.{state}"]
        assert job.next_step, "a person reads what to do"


@pytest.mark.parametrize(
    ("mode", "tries"),
    [(FailureMode.TRANSIENT, 200), (FailureMode.INTERNAL, 3), (FailureMode.PERMANENT, 1)],
)
def test_tries_are_bounded(fresh_tenant: Tenant, mode: FailureMode, tries: int) -> None:
    error = ConnectorError("again and again")
    error.failure_mode = mode
    job_id = add(fresh_tenant)
    first = max(1, tries - 2)
    change(job_id, attempts=first - 1)
    for number in range(first, tries + 1):
        due_now()
        assert fail_with(error).state == (DEAD if number == tries else QUEUED)
    assert row(job_id).attempts == tries


def test_waiting_for_a_budget_is_never_given_up(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    for _ in range(30):
        due_now()
        before = timezone.now()
        assert fail_with(VendorRateLimited("later", retry_after_s=7)).state == QUEUED
        after = timezone.now()
        asked = row(job_id).due_at - timedelta(seconds=7)
        # What is added, so that jobs do not come back all at once, is below a second.
        assert before <= asked <= after + timedelta(seconds=1)
    assert row(job_id).attempts == 0


def test_gaps_double_within_bounds_and_spread() -> None:
    random.seed(3)
    error = VendorUnavailable("down")
    gaps = [retry.decide(error, attempts=n).retry_after_s for n in range(1, 12)]
    for number, gap in enumerate(gaps):
        assert 0.7 * min(900, 2**number) <= gap <= 1.3 * min(900, 2**number)
    again = [retry.decide(error, attempts=5).retry_after_s for _ in range(5)]
    assert len(set(again)) == 5, "jobs that failed together do not come back together"


def test_a_time_named_by_the_vendor_is_respected() -> None:
    error = VendorUnavailable("down", retry_after_s=120)
    assert retry.decide(error, attempts=1).retry_after_s == 120


def test_a_failure_of_ours_names_itself_but_no_secret(fresh_tenant: Tenant) -> None:
    add(fresh_tenant)
    job = fail_with(RuntimeError("could not use sk_test_51Abcdefgh and whsec_12345678"))
    assert job.failure_code == "unexpected"
    assert "RuntimeError" in job.failure_message
    assert "sk_test_51" not in job.failure_message
    assert "whsec_12" not in job.failure_message


def test_a_failed_run_makes_way_for_a_hint_that_came_meanwhile(fresh_tenant: Tenant) -> None:
    first = add(fresh_tenant)

    def fail(_: JobRun) -> str:
        add(fresh_tenant)
        raise VendorUnavailable("down")

    run_one(fail)
    assert row(first).state == SUPERSEDED
    assert [job.state for job in rows(state=QUEUED)] == [QUEUED]


def test_a_success_clears_what_an_earlier_attempt_said(fresh_tenant: Tenant) -> None:
    add(fresh_tenant)
    fail_with(VendorUnavailable("down", next_step="wait"))
    due_now()
    job = run_one(lambda _: "")
    assert (job.state, job.failure_mode, job.failure_message, job.next_step) == (DONE, "", "", "")


def test_a_killed_worker_leaves_its_job_to_the_sweep(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    with pytest.raises(Killed):
        fail_with(Killed())
    assert row(job_id).state == RUNNING
    expire_leases()
    claims.take_back_expired()
    assert run_one(lambda _: "").state == DONE


def taken_over(tenant: Tenant) -> tuple[SyncJob, SyncJob]:
    """The same job twice: in the hands of a worker that slept, and of the one that took over."""
    add(tenant)
    zombie = claim_one()
    expire_leases()
    claims.take_back_expired()
    return zombie, claim_one()


def test_a_zombie_cannot_end_a_job_that_was_taken_over(fresh_tenant: Tenant) -> None:
    zombie, heir = taken_over(fresh_tenant)
    runner.run(zombie, handler_of(lambda _: "I was asleep"))
    assert (row(heir.pk).state, row(heir.pk).outcome) == (RUNNING, "")
    runner.run(heir, handler_of(lambda _: "I took over"))
    assert (row(heir.pk).state, row(heir.pk).outcome) == (DONE, "I took over")


def test_a_zombie_cannot_fail_a_job_that_was_taken_over(fresh_tenant: Tenant) -> None:
    zombie, heir = taken_over(fresh_tenant)

    def fail(_: JobRun) -> str:
        raise VendorRefused("no")

    runner.run(zombie, handler_of(fail))
    assert row(heir.pk).state == RUNNING
    assert audited(fresh_tenant, heir.pk) == []


def test_nothing_of_a_zombies_work_is_saved(fresh_tenant: Tenant) -> None:
    zombie, heir = taken_over(fresh_tenant)
    seen: list[str] = []

    def save(run: JobRun) -> str:
        try:
            with tenant_scope(run.tenant_id):
                ClientLink.objects.create(tenant_id=run.tenant_id, freshbooks_client_id=run.fence)
                run.hold_fence()
        except FenceLost:
            seen.append("lost")
            raise
        return ""

    runner.run(zombie, handler_of(save))
    runner.run(heir, handler_of(save))
    assert seen == ["lost"]
    with tenant_scope(fresh_tenant.pk):
        saved = list(ClientLink.objects.values_list("freshbooks_client_id", flat=True))
    assert saved == [heir.fence]
