"""Draining a queue: batches that are short, leases that are kept meanwhile."""

from __future__ import annotations

import time
from typing import Any

from connector.jobs import claims, liveness, runner
from connector.jobs.context import JobRun
from tenants.models import Tenant
from tests.jobs.working import (
    DONE,
    PROBE,
    QUEUED,
    RUNNING,
    add,
    claim_one,
    handler_of,
    row,
    rows,
)
from tests.sandbox.driving import eventually


def test_the_heartbeat_keeps_a_long_job_from_being_taken_away(
    fresh_tenant: Tenant, settings: Any
) -> None:
    settings.JOB_LEASE_S = 3
    job_id = add(fresh_tenant)
    taken: list[int] = []

    def long_work(job: JobRun) -> str:
        leases = {row(job.job_id).lease_expires_at}

        def beaten_twice() -> bool:
            taken.append(claims.take_back_expired())
            leases.add(row(job.job_id).lease_expires_at)
            return len(leases) > 2

        eventually(beaten_twice)
        return "long"

    runner.drain("intake", handler_of(long_work))
    assert sum(taken) == 0
    assert (row(job_id).state, row(job_id).deaths) == (DONE, 0)


def test_a_worker_whose_time_is_up_gives_back_what_it_has_not_begun(
    fresh_tenant: Tenant, settings: Any
) -> None:
    settings.JOB_LEASE_S = 0.5
    for number in range(3):
        add(fresh_tenant, PROBE, number)
    over = time.monotonic() + 1.1

    def slow(_: JobRun) -> str:
        eventually(lambda: time.monotonic() > over)
        return ""

    assert runner.drain("intake", handler_of(slow), seconds=0.5) == 1
    states = sorted((job.state, job.attempts) for job in rows())
    assert states == [(DONE, 1), (QUEUED, 0), (QUEUED, 0)]


def test_the_next_job_of_a_batch_begins_with_the_end_of_the_one_before(
    fresh_tenant: Tenant,
) -> None:
    for number in range(2):
        add(fresh_tenant, PROBE, number)
    begun: list[tuple[int, int]] = []

    def look(job: JobRun) -> str:
        begun.extend((r.pk, r.begun_fence) for r in rows(state=RUNNING) if r.begun_fence)
        return ""

    assert runner.drain("intake", handler_of(look)) == 2
    first, second = rows(state=DONE)
    assert begun == [(first.pk, 1), (second.pk, 1)]


def test_a_failure_does_not_stop_the_batch(fresh_tenant: Tenant) -> None:
    ids = [add(fresh_tenant, PROBE, number) for number in range(3)]

    def fail_first(job: JobRun) -> str:
        if job.subject == "0":
            raise ZeroDivisionError
        return ""

    assert runner.drain("intake", handler_of(fail_first)) == 3
    assert [row(job_id).state for job_id in ids] == [QUEUED, DONE, DONE]


def test_quick_work_is_claimed_in_large_batches_and_slow_work_in_small_ones(
    monkeypatch: Any, settings: Any
) -> None:
    settings.JOB_BATCH = 50
    for seconds, batch in ((0.0001, 50), (0.01, 10), (0.04, 2), (30.0, 1)):
        monkeypatch.setitem(runner._seconds_per_job, "intake", seconds)
        assert runner.batch_size("intake") == batch


def test_a_job_that_hangs_loses_its_lease_and_counts_as_no_progress(
    fresh_tenant: Tenant, settings: Any
) -> None:
    settings.JOB_LEASE_S, settings.JOB_LONGEST_S = 0.3, 0
    add(fresh_tenant)
    taken: list[int] = []

    def is_taken() -> bool:
        taken.append(claims.take_back_expired())
        return sum(taken) == 1

    def hang(_: JobRun) -> str:
        eventually(is_taken)
        return "too late"

    runner.drain("intake", handler_of(hang), seconds=0.1)
    (job,) = rows()
    assert (job.state, job.deaths, job.outcome) == (QUEUED, 1, "")


def test_a_worker_that_does_nothing_while_work_is_ready_is_stalled(
    fresh_tenant: Tenant, settings: Any, monkeypatch: Any
) -> None:
    settings.JOB_STALLED_S = 60
    monkeypatch.setattr(liveness, "idle_s", lambda: 61.0)
    assert not liveness.is_stalled(), "nothing to do is no reason to end"
    old = add(fresh_tenant, delay_s=-61)
    assert liveness.is_stalled()
    monkeypatch.undo()
    liveness.touch()
    assert not liveness.is_stalled()
    assert claim_one().pk == old
