"""Claiming: each job once, one per lane, fair across tenants, and back again when a worker dies."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from django.db import connection
from django.utils import timezone

from connector.jobs import claims, runner
from connector.jobs.context import JobRun
from tenants.models import Tenant
from tests.factories import make_tenant
from tests.jobs.working import (
    DEAD,
    DONE,
    ELSEWHERE,
    PROBE,
    QUEUED,
    RUNNING,
    SAME_LANE,
    SUPERSEDED,
    URGENT,
    add,
    claim,
    claim_one,
    due_now,
    expire_leases,
    handler_of,
    row,
    rows,
)
from tests.sandbox.driving import eventually
from tests.threads import at_once


def test_workers_that_claim_at_once_never_get_the_same_job(committed_db: None) -> None:
    tenants = [make_tenant() for _ in range(4)]
    expected = {add(tenant, PROBE, n) for tenant in tenants for n in range(10)}

    def work(number: int) -> list[int]:
        got: list[int] = []
        while batch := claim(3, worker=f"w{number}"):
            got += [job.pk for job in batch]
        return got

    claimed = Counter(pk for got in at_once(6, work) for pk in got)
    left = {job.pk for job in rows(state=QUEUED)}
    assert set(claimed.values()) == {1}
    assert set(claimed) | left == expected
    while batch := claim():  # a worker that lost a race comes back at the next ring
        claimed.update(job.pk for job in batch)
    assert claimed == Counter(expected)
    assert {job.attempts for job in rows()} == {1}


def test_one_lane_is_never_worked_on_twice_at_once(fresh_tenant: Tenant) -> None:
    for subject in range(8):
        add(fresh_tenant, PROBE, subject)
        add(fresh_tenant, SAME_LANE, subject)
    claimed = [job for got in at_once(6, lambda _: claim(4)) for job in got]
    lanes = Counter(job.lane for job in claimed)
    assert claimed
    assert set(lanes.values()) == {1}


def test_a_busy_lane_holds_up_no_other_lane(fresh_tenant: Tenant) -> None:
    add(fresh_tenant, PROBE, 1)
    claim_one()
    add(fresh_tenant, PROBE, 1, priority=1)
    free = add(fresh_tenant, PROBE, 2)
    assert [job.pk for job in claim()] == [free]


def test_a_lane_is_free_again_when_its_job_has_ended(fresh_tenant: Tenant) -> None:
    add(fresh_tenant, PROBE, 1)
    second = add(fresh_tenant, SAME_LANE, 1)
    first = claim_one()
    assert claim() == []
    runner.run(first, handler_of(lambda _: ""))
    assert [job.pk for job in claim()] == [second]


def test_a_tenant_with_much_work_does_not_keep_another_waiting(fresh_tenant: Tenant) -> None:
    light = make_tenant()
    for number in range(60):
        add(fresh_tenant, PROBE, number)
    last = add(light, PROBE, 1)
    assert last in [job.pk for job in claim(2)]


def test_turns_go_round_among_tenants(committed_db: None) -> None:
    tenants = [make_tenant() for _ in range(3)]
    for tenant in tenants:
        for number in range(5):
            add(tenant, PROBE, number)
    for _ in range(5):
        assert sorted(job.tenant_id for job in claim(3)) == sorted(t.pk for t in tenants)


def test_urgent_work_goes_first_and_other_queues_are_left_alone(fresh_tenant: Tenant) -> None:
    slow, urgent = add(fresh_tenant, PROBE), add(fresh_tenant, URGENT)
    add(fresh_tenant, ELSEWHERE)
    assert [job.pk for job in claim(1)] == [urgent]
    assert [job.pk for job in claim(5)] == [slow]


def test_work_that_is_not_due_is_not_claimed(fresh_tenant: Tenant) -> None:
    add(fresh_tenant, delay_s=30)
    assert claim() == []


def test_a_living_lease_is_left_alone(fresh_tenant: Tenant) -> None:
    add(fresh_tenant)
    job = claim_one()
    assert claims.take_back_expired() == 0
    assert row(job.pk).state == RUNNING


def test_a_dead_workers_job_comes_back_with_a_new_fence(fresh_tenant: Tenant) -> None:
    add(fresh_tenant)
    job = claim_one()
    claims.begin(job.pk, job.fence)
    expire_leases()
    assert claims.take_back_expired() == 1
    back = row(job.pk)
    assert (back.state, back.deaths, back.worker) == (QUEUED, 1, "")
    assert back.fence > job.fence
    assert claim_one().pk == job.pk


def test_a_job_that_was_only_claimed_did_not_kill_the_worker(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    for _ in range(4):
        claim_one()
        expire_leases()
        claims.take_back_expired()
    assert (row(job_id).state, row(job_id).deaths) == (QUEUED, 0)


def test_a_job_that_kills_its_worker_three_times_is_not_tried_again(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    for deaths in range(3):
        due_now()
        job = claim_one()
        claims.begin(job_id, job.fence)
        expire_leases()
        claims.take_back_expired()
        waits = row(job_id).due_at > timezone.now()
        assert waits == (deaths > 0)  # others go first, in case it was the killer
    dead = row(job_id)
    assert (dead.state, dead.deaths, dead.failure_code) == (DEAD, 3, "worker_died")
    assert dead.next_step
    assert claim() == []


def test_an_expired_job_makes_way_for_newer_work_on_the_same_subject(
    fresh_tenant: Tenant,
) -> None:
    old = add(fresh_tenant)
    claim_one()
    new = add(fresh_tenant)
    expire_leases()
    claims.take_back_expired()
    assert row(old).state == SUPERSEDED
    assert [job.pk for job in claim()] == [new]


def test_new_work_that_comes_in_during_the_sweep_holds_up_no_other_job(
    fresh_tenant: Tenant,
) -> None:
    unlucky, other = add(fresh_tenant, PROBE, 1), add(fresh_tenant, PROBE, 2)
    assert len(claim()) == 2
    expire_leases()
    came_in: list[int] = []

    def come_in(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('UPDATE "connector_syncjob"') and not came_in:
            came_in.extend(at_once(1, lambda _: add(fresh_tenant, PROBE, 1)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(come_in):
        assert claims.take_back_expired() == 1
    assert (row(unlucky).state, row(other).state) == (RUNNING, QUEUED)
    assert claims.take_back_expired() == 1
    assert (row(unlucky).state, row(came_in[0]).state) == (SUPERSEDED, QUEUED)


def test_work_given_back_does_not_count_as_tried(fresh_tenant: Tenant) -> None:
    add(fresh_tenant)
    job = claim_one()
    claims.give_back({job.pk: job.fence})
    assert (row(job.pk).state, row(job.pk).attempts) == (QUEUED, 0)
    claims.give_back({job.pk: job.fence})
    assert row(job.pk).fence == job.fence + 1, "an old fence gives nothing back"


def test_only_the_holder_of_the_fence_extends_a_lease(fresh_tenant: Tenant) -> None:
    add(fresh_tenant)
    job = claim_one()
    before = row(job.pk).lease_expires_at
    claims.extend_leases({job.pk: job.fence - 1})
    assert row(job.pk).lease_expires_at == before
    claims.extend_leases({job.pk: job.fence})
    after = row(job.pk).lease_expires_at
    assert before is not None
    assert after is not None
    assert after > before


def test_the_heartbeat_keeps_a_long_job_from_being_taken_away(
    fresh_tenant: Tenant, settings: Any
) -> None:
    settings.JOB_LEASE_S = 0.3
    job_id = add(fresh_tenant)
    taken: list[int] = []

    def long_work(job: JobRun) -> str:
        leases = {row(job.job_id).lease_expires_at}

        def beaten_four_times() -> bool:
            taken.append(claims.take_back_expired())
            leases.add(row(job.job_id).lease_expires_at)
            return len(leases) > 4

        eventually(beaten_four_times)
        return "long"

    runner.drain("intake", handler_of(long_work))
    assert sum(taken) == 0
    assert (row(job_id).state, row(job_id).deaths) == (DONE, 0)


def test_a_worker_whose_time_is_up_gives_back_what_it_has_not_begun(
    fresh_tenant: Tenant, settings: Any
) -> None:
    settings.JOB_LEASE_S = 0.02
    for number in range(3):
        add(fresh_tenant, PROBE, number)
    over = time.monotonic() + 0.1

    def slow(_: JobRun) -> str:
        eventually(lambda: time.monotonic() > over)
        return ""

    assert runner.drain("intake", handler_of(slow), seconds=0.02) == 1
    states = sorted((job.state, job.attempts) for job in rows())
    assert states == [(DONE, 1), (QUEUED, 0), (QUEUED, 0)]
