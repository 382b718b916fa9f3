"""Claiming: each job once, one per lane, fair across tenants, and back again when a worker dies."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from connector.jobs import claims, runner, versions
from connector.models import RateBucket, VendorIncident
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.factories import make_tenant
from tests.jobs.working import (
    DEAD,
    ELSEWHERE,
    HELD,
    KNOWN,
    PROBE,
    QUEUED,
    RUNNING,
    SAME_LANE,
    SUPERSEDED,
    URGENT,
    add,
    change,
    claim,
    claim_one,
    due_now,
    expire_leases,
    handler_of,
    row,
    rows,
)
from tests.threads import at_once


def test_workers_that_claim_at_once_never_get_the_same_job(
    committed_db: None, settings: Any
) -> None:
    settings.JOB_WORKERS_PER_TENANT = 7
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


def test_nobody_waits_for_the_many_of_another_in_a_batch(committed_db: None) -> None:
    heavy, light = make_tenant(), make_tenant()
    many = [add(heavy, PROBE, n) for n in range(5)]
    one = add(light)
    assert [job.pk for job in claim(6)] == [one, *many[:3]]


def test_turns_go_round_among_tenants(committed_db: None) -> None:
    tenants = [make_tenant() for _ in range(3)]
    for tenant in tenants:
        for number in range(5):
            add(tenant, PROBE, number)
    for _ in range(5):
        assert sorted(job.tenant_id for job in claim(3)) == sorted(t.pk for t in tenants)


def test_a_tenant_with_more_weight_has_more_of_each_round(committed_db: None) -> None:
    heavy, *others = make_tenant(job_weight=3), make_tenant(), make_tenant()
    for tenant in (heavy, *others):
        for number in range(9):
            add(tenant, PROBE, number)
    for _ in range(3):
        taken = Counter(job.tenant_id for job in claim(5))
        assert taken == {heavy.pk: 3, others[0].pk: 1, others[1].pk: 1}


def test_the_next_claim_goes_on_where_the_last_one_ended(committed_db: None) -> None:
    tenants = [make_tenant() for _ in range(5)]
    for tenant in tenants:
        for number in range(2):
            add(tenant, PROBE, number)
    rounds = [claim(2) for _ in range(5)]
    served = [{job.tenant_id for job in jobs} for jobs in rounds]
    everybody = {tenant.pk for tenant in tenants}
    assert set().union(*served[:3]) == set().union(*served[2:]) == everybody


def test_a_single_tenant_fills_the_whole_batch(fresh_tenant: Tenant) -> None:
    for number in range(12):
        add(fresh_tenant, PROBE, number)
    assert len(claim(10)) == 10


def test_only_so_many_workers_work_for_one_tenant(committed_db: None, settings: Any) -> None:
    settings.JOB_WORKERS_PER_TENANT = 2
    greedy, modest = make_tenant(state="live"), make_tenant(state="live")
    for number in range(8):
        add(greedy, PROBE, number)
    assert [len(claim(2, worker=f"w{number}")) for number in range(3)] == [2, 2, 0]
    assert len(claim(2, worker="w0")) == 2, "a worker that works for it already may go on"
    add(modest, PROBE)
    assert [job.tenant_id for job in claim(2, worker="w2")] == [modest.pk]


@pytest.mark.parametrize("incident", [False, True])
def test_work_waits_while_a_vendor_is_left_in_peace_unless_somebody_must_try(
    fresh_tenant: Tenant, incident: bool
) -> None:
    elsewhere = add(fresh_tenant, ELSEWHERE)
    delivery = add(fresh_tenant, PROBE)
    now = timezone.now()
    with every_tenant():
        bucket = RateBucket.objects.create(
            tenant=fresh_tenant,
            vendor="freshbooks",
            tokens=1,
            updated_at=now,
            blocked_until=now + timedelta(minutes=1),
        )
        VendorIncident.objects.update_or_create(
            vendor="freshbooks", defaults={"opened_at": now if incident else None}
        )
    assert [job.pk for job in claim(queue="intake")] == [delivery], "webhooks are taken in"
    assert [job.pk for job in claim(queue="stripe")] == ([elsewhere] if incident else [])
    with every_tenant():
        VendorIncident.objects.update(opened_at=None)
        RateBucket.objects.filter(pk=bucket.pk).update(blocked_until=now)
    assert [job.pk for job in claim(queue="stripe")] == ([] if incident else [elsewhere])


def test_a_tenant_alone_may_have_every_worker(fresh_tenant: Tenant, settings: Any) -> None:
    settings.JOB_WORKERS_PER_TENANT = 1
    with every_tenant():
        Tenant.objects.exclude(pk=fresh_tenant.pk).update(state="paused")
    for number in range(4):
        add(fresh_tenant, PROBE, number)
    assert [len(claim(1, worker=f"w{number}")) for number in range(3)] == [1, 1, 1]


def test_work_of_a_newer_version_is_left_for_newer_workers(fresh_tenant: Tenant) -> None:
    newer = replace(PROBE, version=2)
    job_id = add(fresh_tenant, newer)
    assert claim() == []
    assert claim(known={"another": 9}) == []
    (job,) = claim(known={"probe": 2})
    assert (job.pk, job.version) == (job_id, 2)


def test_old_work_is_known_to_newer_workers(fresh_tenant: Tenant) -> None:
    job_id = add(fresh_tenant)
    assert [job.pk for job in claim(known={"probe": 2})] == [job_id]


def test_what_no_worker_knows_is_held_with_the_reason_and_goes_on_when_one_does(
    fresh_tenant: Tenant,
) -> None:
    job_id = add(fresh_tenant, replace(PROBE, version=2))
    known = add(fresh_tenant, URGENT)
    assert versions.park_unknown(KNOWN) == 0, "a newer worker may come within minutes"
    for job in (job_id, known):
        change(job, due_at=timezone.now() - timedelta(minutes=11))
    assert versions.park_unknown(KNOWN) == 1
    held = row(job_id)
    assert (held.state, held.failure_code) == (HELD, "unknown_kind")
    assert held.failure_message == 'No worker knows jobs of kind "probe", version 2.'
    assert held.next_step
    assert versions.release_known(KNOWN) == 0
    assert versions.release_known({"probe": 2}) == 1
    assert [job.pk for job in claim(known={"probe": 2})] == [job_id]


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
    claims.begin(job)
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
        claims.begin(job)
        expire_leases()
        claims.take_back_expired()
        waits = row(job_id).due_at > timezone.now()
        assert waits == (deaths > 0)  # others go first, in case it was the killer
    dead = row(job_id)
    assert (dead.state, dead.deaths, dead.failure_code) == (DEAD, 3, "worker_died")
    assert dead.next_step
    assert claim() == []


def test_newer_work_for_what_kills_workers_does_not_begin_from_nothing(
    fresh_tenant: Tenant,
) -> None:
    add(fresh_tenant)
    seen: list[tuple[str, int]] = []
    for _ in range(4):
        due_now()
        job = claim_one()
        claims.begin(job)
        newer = add(fresh_tenant) if len(seen) < 3 else job.pk  # a webhook, while it runs
        expire_leases()
        claims.take_back_expired()
        seen.append((row(job.pk).state, row(newer).deaths))
    assert seen == [(SUPERSEDED, 1), (SUPERSEDED, 2), (DEAD, 2), (DEAD, 3)], (
        "the last may repair it"
    )


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
