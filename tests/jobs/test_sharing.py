"""Jobs that share a commit: all of it at once or each by itself, and never more than without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from audit.appending import locked_chain
from audit.models import AuditEntry
from audit.recording import RecordedInSavepoint, gathered, record
from audit.verification import verify_chain
from bench.counting import counted_statements
from connector.jobs import claims, runner, sharing
from connector.jobs.context import DatabaseOnly, Handler, JobRun
from connector.models import ClientLink, SyncJob
from tenants.models import Tenant
from tenants.scope import TenantScopeConflict, shared_scope, tenant_scope
from tests.factories import make_tenant
from tests.jobs.working import (
    DONE,
    KNOWN,
    PROBE,
    QUEUED,
    RUNNING,
    add,
    change,
    expire_leases,
    handler_of,
    row,
    rows,
)
from tests.pipeline.shop import cause


def shared(act: Callable[[JobRun], str | None]) -> dict[str, Handler]:
    return {PROBE.name: DatabaseOnly(act)}


def note(run: JobRun) -> str:
    """What a job of this sort does: fence, a row, an audit entry."""
    with tenant_scope(run.tenant_id):
        run.hold_fence()
        ClientLink.objects.create(
            tenant_id=run.tenant_id, freshbooks_client_id=1000 + int(run.subject)
        )
        record(
            tenant_id=run.tenant_id,
            action="probe.done",
            entity=f"probe:{run.subject}",
            cause=run.cause,
            details={"attempt": run.attempt},
        )
    return f"did {run.subject}"


def fail_at(subject: str, error: BaseException) -> Callable[[JobRun], str]:
    def act(run: JobRun) -> str:
        said = note(run)
        if run.subject == subject:
            raise error
        return said

    return act


def claimed(handlers: dict[str, Handler], batch: int = 50) -> list[SyncJob]:
    return claims.claim(
        "intake", worker="w", batch=batch, known=KNOWN, shared=sharing.shared_kinds(handlers)
    )


def run_together(handlers: dict[str, Handler]) -> None:
    """One claim, and all of it in one group."""
    (jobs,) = sharing.groups_of(claimed(handlers), handlers)
    runner.run_group(jobs, handlers)


def kept(tenant: Tenant) -> tuple[list[int], list[str]]:
    """What the jobs saved, and what the trail tells of it; the chain is whole."""
    with tenant_scope(tenant.pk):
        links = ClientLink.objects.order_by("freshbooks_client_id")
        entries = AuditEntry.objects.filter(tenant_id=tenant.pk, action="probe.done")
        assert verify_chain(tenant.pk).intact
        return (
            [link.freshbooks_client_id - 1000 for link in links],
            list(entries.order_by("sequence").values_list("entity", flat=True)),
        )


def test_jobs_of_one_tenant_are_saved_in_one_commit(
    fresh_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runner._seconds_per_job, "intake", 0.001)  # so a batch is all of them
    for number in range(3):
        add(fresh_tenant, PROBE, number)
    seen: list[set[str]] = []

    def look(run: JobRun) -> str:
        if run.subject == "2":
            seen.append(set(SyncJob.objects.values_list("state", flat=True)))
        return note(run)

    def act(run: JobRun) -> str:
        with tenant_scope(run.tenant_id):
            return look(run)

    assert runner.drain("intake", shared(act)) == 3
    assert seen == [{RUNNING}], "no job ends before all that share its commit do"
    assert [(job.state, job.outcome) for job in rows()] == [
        (DONE, "did 0"),
        (DONE, "did 1"),
        (DONE, "did 2"),
    ]
    assert kept(fresh_tenant) == ([0, 1, 2], ["probe:0", "probe:1", "probe:2"])


def test_a_job_costs_a_share_of_a_commit(fresh_tenant: Tenant) -> None:
    handlers = shared(record_only)
    for number in range(20):
        add(fresh_tenant, PROBE, number)
    with tenant_scope(fresh_tenant.pk):
        locked_chain(fresh_tenant.pk)  # makes it
    (jobs,) = sharing.groups_of(claimed(handlers), handlers)
    with counted_statements() as counted:
        assert sharing.run_shared(jobs, handlers)
    assert counted.count == 4, counted.texts  # scope, head of the chain, entries, ends


def record_only(run: JobRun) -> str:
    with tenant_scope(run.tenant_id):
        run.hold_fence()
        record(
            tenant_id=run.tenant_id, action="probe.done", entity="p", cause=run.cause, details={}
        )
    return ""


def test_tenants_share_no_commit(fresh_tenant: Tenant) -> None:
    other = make_tenant(state="live")
    handlers = shared(note)
    for tenant in (fresh_tenant, other, fresh_tenant):
        add(tenant, PROBE, len(rows()))
    groups = sharing.groups_of(claimed(handlers), handlers)
    assert sorted([job.tenant_id for job in group] for group in groups) == [
        [fresh_tenant.pk, fresh_tenant.pk],
        [other.pk],
    ]


def test_one_commit_takes_a_bounded_number(fresh_tenant: Tenant) -> None:
    handlers = shared(note)
    for number in range(sharing.MOST + 1):
        add(fresh_tenant, PROBE, number)
    groups = sharing.groups_of(claimed(handlers), handlers)
    assert [len(group) for group in groups] == [sharing.MOST, 1]


def test_work_that_shares_commits_is_claimed_as_much_at_once_as_may_be(
    fresh_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(runner._seconds_per_job, "intake", 0.1)
    for number in range(60):
        add(fresh_tenant, PROBE, number)
    assert runner.drain("intake", shared(note), seconds=60) == 60
    assert runner.batch_size("intake") > 10


def test_other_handlers_share_none(fresh_tenant: Tenant) -> None:
    handlers = dict(handler_of(note))
    for number in range(2):
        add(fresh_tenant, PROBE, number)
    groups = sharing.groups_of(claimed(handlers), handlers)
    assert [len(group) for group in groups] == [1, 1]
    assert not any(claims.is_begun(job) for (job,) in groups)


def test_one_that_fails_takes_nothing_from_the_others(fresh_tenant: Tenant) -> None:
    ids = [add(fresh_tenant, PROBE, number) for number in range(3)]
    run_together(shared(fail_at("1", ZeroDivisionError())))
    assert [row(job_id).state for job_id in ids] == [DONE, QUEUED, DONE]
    assert row(ids[1]).failure_code == "unexpected"
    links, entries = kept(fresh_tenant)
    assert links == [0, 1, 2]  # the one that failed had committed before: its next run finds it
    assert entries == ["probe:0", "probe:1", "probe:2"]


def test_an_error_that_is_caught_outside_its_scope_saves_nothing_by_halves(
    fresh_tenant: Tenant,
) -> None:
    def act(run: JobRun) -> str:
        try:
            with tenant_scope(run.tenant_id):
                note(run)
                if run.subject == "1":
                    raise LookupError
        except LookupError:
            return "nothing"
        return "did"

    for number in range(3):
        add(fresh_tenant, PROBE, number)
    run_together(shared(act))
    assert {job.state for job in rows()} == {DONE}
    assert kept(fresh_tenant) == ([0, 2], ["probe:0", "probe:2"])


def test_a_fence_that_was_lost_meanwhile_saves_nothing_of_that_job(fresh_tenant: Tenant) -> None:
    handlers = shared(note)
    ids = [add(fresh_tenant, PROBE, number) for number in range(3)]
    (jobs,) = sharing.groups_of(claimed(handlers), handlers)
    change(ids[1], fence=99)
    runner.run_group(jobs, handlers)
    assert [row(job_id).state for job_id in ids] == [DONE, RUNNING, DONE]
    assert kept(fresh_tenant) == ([0, 2], ["probe:0", "probe:2"])


def test_what_a_dead_worker_had_begun_runs_alone_from_then_on(fresh_tenant: Tenant) -> None:
    handlers = shared(note)
    for number in range(3):
        add(fresh_tenant, PROBE, number)
    assert len(claimed(handlers)) == 3
    expire_leases()
    assert claims.take_back_expired() == 3
    assert {job.deaths for job in rows()} == {1}
    again = claimed(handlers)
    assert [len(group) for group in sharing.groups_of(again, handlers)] == [1, 1, 1]
    assert not any(claims.is_begun(job) for job in again)
    expire_leases()
    claims.take_back_expired()
    assert {job.deaths for job in rows()} == {1}, "only what was begun may have killed the worker"


def test_work_that_is_killed_in_the_middle_leaves_nothing(fresh_tenant: Tenant) -> None:
    class Killed(BaseException):
        pass

    handlers = shared(fail_at("2", Killed()))
    for number in range(3):
        add(fresh_tenant, PROBE, number)
    (jobs,) = sharing.groups_of(claimed(handlers), handlers)
    with pytest.raises(Killed):
        runner.run_group(jobs, handlers)
    assert {job.state for job in rows()} == {RUNNING}
    assert kept(fresh_tenant) == ([], [])


def test_nothing_is_gathered_inside_a_savepoint(fresh_tenant: Tenant) -> None:
    """It would tell of a change that was taken back."""
    details: dict[str, Any] = {
        "tenant_id": fresh_tenant.pk,
        "action": "probe.done",
        "entity": "probe:1",
        "cause": cause(),
        "details": {},
    }

    def act() -> None:
        with tenant_scope(fresh_tenant.pk), gathered():
            record(**details)
            with transaction.atomic():
                record(**details)

    with pytest.raises(RecordedInSavepoint):
        act()
    assert kept(fresh_tenant) == ([], [])


def test_a_shared_scope_sees_one_tenant_only(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    with shared_scope(fresh_tenant.pk):
        with connection.cursor() as cursor:
            cursor.execute("SELECT app_scope()")
            assert cursor.fetchone() == (str(fresh_tenant.pk),)
        with pytest.raises(TenantScopeConflict), tenant_scope(other.pk):
            pass


def test_an_exception_inside_a_shared_scope_ends_it(fresh_tenant: Tenant) -> None:
    def act() -> None:
        with shared_scope(fresh_tenant.pk):
            with pytest.raises(LookupError), tenant_scope(fresh_tenant.pk):
                raise LookupError
            ClientLink.objects.count()

    with pytest.raises(transaction.TransactionManagementError):
        act()
