"""Adding work: at most one waiting job per subject, whatever hints come in."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from connector.jobs import ledger
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.factories import make_tenant
from tests.jobs.working import (
    DEAD,
    DONE,
    HELD,
    PROBE,
    QUEUED,
    RUNNING,
    SAME_LANE,
    SUPERSEDED,
    add,
    change,
    claim,
    claim_one,
    row,
    rows,
    run_one,
)
from tests.pipeline.shop import cause
from tests.threads import at_once


def test_hints_for_one_subject_are_one_job(fresh_tenant: Tenant) -> None:
    ids = {add(fresh_tenant) for _ in range(5)}
    assert len(ids) == 1
    assert [job.hints for job in rows()] == [5]


def test_hints_at_the_same_moment_are_one_job(fresh_tenant: Tenant) -> None:
    ids = at_once(12, lambda _: add(fresh_tenant))
    assert len(set(ids)) == 1
    assert [job.hints for job in rows()] == [12]


def test_other_subjects_kinds_and_tenants_have_jobs_of_their_own(fresh_tenant: Tenant) -> None:
    other = make_tenant()
    ids = {
        add(fresh_tenant, PROBE, 1),
        add(fresh_tenant, PROBE, 2),
        add(fresh_tenant, SAME_LANE, 1),
        add(other, PROBE, 1),
    }
    assert len(ids) == 4


def test_many_subjects_are_asked_for_as_one_is(fresh_tenant: Tenant) -> None:
    waiting = add(fresh_tenant, subject=2)
    with tenant_scope(fresh_tenant.pk):
        ids = ledger.enqueue_all(
            tenant_id=fresh_tenant.pk,
            kind=PROBE,
            subjects=["3", "2", "3", "1"],
            cause=cause(),
            priority=7,
        )
    assert list(ids) == ["3", "2", "1"]
    assert ids["2"] == waiting
    found = [(job.subject, job.lane, job.hints, job.priority) for job in rows()]
    assert found == [("2", "probe:2", 2, 7), ("3", "probe:3", 1, 7), ("1", "probe:1", 1, 7)]


def test_no_subjects_are_no_work(fresh_tenant: Tenant) -> None:
    with tenant_scope(fresh_tenant.pk):
        assert (
            ledger.enqueue_all(tenant_id=fresh_tenant.pk, kind=PROBE, subjects=[], cause=cause())
            == {}
        )
    assert rows() == []


def test_a_hint_during_a_run_queues_exactly_one_more_run(fresh_tenant: Tenant) -> None:
    first = add(fresh_tenant)
    running = claim_one()
    second = {add(fresh_tenant), add(fresh_tenant)}
    assert second != {first}
    assert len(second) == 1
    assert claim() == [], "the lane is busy: the second run waits for the first"
    assert row(running.pk).state == RUNNING


def test_a_hint_makes_a_job_due_earlier_but_never_later(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant, delay_s=60)
    add(fresh_tenant)
    due = row(job_id).due_at
    assert due <= timezone.now()
    add(fresh_tenant, delay_s=60)
    assert row(job_id).due_at == due


def test_a_hint_raises_the_priority_but_never_lowers_it(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant, priority=50)
    add(fresh_tenant, priority=5)
    add(fresh_tenant, priority=90)
    assert row(job_id).priority == 5


def test_hints_do_not_defeat_backoff(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    later = timezone.now() + timedelta(minutes=10)
    change(job_id, failure_mode="transient", due_at=later, attempts=4)
    add(fresh_tenant)
    assert row(job_id).due_at == later
    assert row(job_id).attempts == 4


def test_a_hint_lets_a_held_job_try_again(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    change(job_id, state=HELD, failure_mode="needs_person", attempts=1)
    assert add(fresh_tenant) == job_id
    assert (row(job_id).state, row(job_id).attempts) == (QUEUED, 0)


def test_requeue_puts_a_dead_job_to_the_front_as_somebody_said(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    change(job_id, state=DEAD, attempts=12, deaths=3, failure_mode="internal")
    with tenant_scope(fresh_tenant.pk):
        done = ledger.requeue([job_id], cause=cause("Noor pressed Re-queue"))
    assert [job.pk for job in done] == [job_id]
    job = row(job_id)
    assert (job.state, job.attempts, job.deaths) == (QUEUED, 0, 0)
    assert job.reason == "Noor pressed Re-queue"
    assert [claimed.pk for claimed in claim()] == [job_id]


def test_requeue_of_many_takes_those_that_failed_and_leaves_the_others(
    fresh_tenant: Tenant,
) -> None:
    states = [DEAD, HELD, QUEUED, RUNNING, DONE, SUPERSEDED]
    ids = [add(fresh_tenant, PROBE, number) for number in range(len(states))]
    later = timezone.now() + timedelta(hours=1)
    for job_id, state in zip(ids, states, strict=True):
        change(job_id, state=state, due_at=later)
    with tenant_scope(fresh_tenant.pk):
        done = ledger.requeue(ids, cause=cause())
    assert [job.pk for job in done] == ids[:3]
    assert [row(job_id).state for job_id in ids] == [QUEUED] * 3 + [RUNNING, DONE, SUPERSEDED]
    assert len(claim()) == 3


def test_requeue_of_a_job_whose_work_waits_already_lets_that_work_do_it(
    fresh_tenant: Tenant,
) -> None:
    dead = add(fresh_tenant)
    change(dead, state=DEAD)
    waiting = add(fresh_tenant, delay_s=3600)
    with tenant_scope(fresh_tenant.pk):
        done = ledger.requeue([dead], cause=cause())
    assert len(done) == 1
    assert row(dead).state == SUPERSEDED
    assert [job.pk for job in claim()] == [waiting]


def test_requeue_of_twins_that_are_both_dead_leaves_one_waiting(fresh_tenant: Tenant) -> None:
    first = add(fresh_tenant)
    change(first, state=DEAD)
    second = add(fresh_tenant)
    change(second, state=DEAD)
    with tenant_scope(fresh_tenant.pk):
        ledger.requeue([first, second], cause=cause())
    assert sorted([row(first).state, row(second).state]) == [QUEUED, SUPERSEDED]


def test_release_lets_only_the_jobs_go_that_were_held_for_this_reason(
    fresh_tenant: Tenant,
) -> None:
    other = make_tenant()
    ours, another_reason = add(fresh_tenant, PROBE, 1), add(fresh_tenant, PROBE, 2)
    foreign = add(other, PROBE, 1)
    for job_id, code in (
        (ours, "grant_lost"),
        (another_reason, "no_email"),
        (foreign, "grant_lost"),
    ):
        change(job_id, state=HELD, failure_code=code)
    with tenant_scope(fresh_tenant.pk):
        assert ledger.release_held(fresh_tenant.pk, code="grant_lost") == 1
    assert [row(i).state for i in (ours, another_reason, foreign)] == [QUEUED, HELD, HELD]


def test_a_later_success_closes_the_earlier_failure_of_the_same_work(
    fresh_tenant: Tenant,
) -> None:
    failed, other = add(fresh_tenant, PROBE, 1), add(fresh_tenant, PROBE, 2)
    change(failed, state=DEAD)
    change(other, state=DEAD)
    add(fresh_tenant, PROBE, 1)
    assert run_one(lambda _: "fine").state == DONE
    assert row(failed).state == SUPERSEDED
    assert row(other).state == DEAD
