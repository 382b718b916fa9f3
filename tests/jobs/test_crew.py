"""The threads of a worker process: a ring never waits for a job, and no job for one that hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError

from connector import tasks
from connector.jobs import crew as crews
from connector.jobs import liveness, runner
from connector.jobs.context import JobRun
from connector.jobs.crew import Crew
from tenants.models import Tenant
from tests.factories import make_tenant
from tests.jobs.working import DONE, ELSEWHERE, PROBE, QUEUED, RUNNING, add, row, rows
from tests.sandbox.driving import eventually

Handlers = Mapping[str, Callable[[JobRun], str | None]]


@pytest.fixture(autouse=True)
def _a_batch_is_one_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for queue in ("intake", "stripe"):
        monkeypatch.setitem(runner._seconds_per_job, queue, 10.0)


class Gate:
    """Jobs that wait here until they are let go."""

    def __init__(self) -> None:
        self.open, self.inside = threading.Event(), 0

    def wait(self, _: JobRun) -> str:
        self.inside += 1
        assert self.open.wait(60)
        return "let go"


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def make_crew(gate: Gate) -> Iterator[Callable[..., Crew]]:
    made: list[Crew] = []

    def make(handlers: Handlers, size: int = 4, **more: Any) -> Crew:
        settings: dict[str, Any] = {"ready": list, "pass_on": lambda _: None} | more
        made.append(Crew(handlers, size=size, **settings))
        return made[-1]

    yield make
    gate.open.set()
    for crew in made:
        crew.end(within_s=60)


def is_done(*job_ids: int) -> bool:
    return all(row(job_id).state == DONE for job_id in job_ids)


def test_slow_work_is_done_by_several_threads_at_once(
    fresh_tenant: Tenant, make_crew: Callable[..., Crew]
) -> None:
    ids = [add(fresh_tenant, PROBE, number) for number in range(4)]
    together = threading.Barrier(4, timeout=60)

    def meet(_: JobRun) -> str:
        together.wait()  # passes only if four jobs run at the same time
        return ""

    make_crew({PROBE.name: meet}).ring("intake")
    eventually(lambda: is_done(*ids))
    assert len({job.worker for job in rows()}) == 4


def test_a_job_that_hangs_holds_up_itself_only(
    fresh_tenant: Tenant, gate: Gate, make_crew: Callable[..., Crew]
) -> None:
    handlers = {PROBE.name: gate.wait, ELSEWHERE.name: lambda _: "done"}
    crew = make_crew(handlers, size=2)
    hangs = add(fresh_tenant)
    crew.ring("intake")
    eventually(lambda: gate.inside)
    for number in range(3):
        other = add(fresh_tenant, ELSEWHERE, number)
        crew.ring("stripe")
        eventually(partial(is_done, other))
    assert row(hangs).state == RUNNING


def test_a_busy_queue_and_another_take_turns(
    fresh_tenant: Tenant, make_crew: Callable[..., Crew]
) -> None:
    seen: list[str] = []
    crew = make_crew(
        {
            PROBE.name: lambda job: seen.append(job.kind),
            ELSEWHERE.name: lambda job: seen.append(job.kind),
        },
        size=1,
    )
    ids = [add(fresh_tenant, PROBE, number) for number in range(5)]
    ids.append(add(fresh_tenant, ELSEWHERE))
    crew.ring("intake")
    crew.ring("stripe")
    eventually(lambda: is_done(*ids))
    assert seen.index(ELSEWHERE.name) <= 2, seen


def test_when_all_threads_are_busy_another_process_is_rung(
    fresh_tenant: Tenant, gate: Gate, make_crew: Callable[..., Crew]
) -> None:
    passed: list[str] = []
    crew = make_crew({PROBE.name: gate.wait}, size=2, pass_on=passed.append)
    ids = [add(fresh_tenant, PROBE, number) for number in range(3)]
    assert crew.has_room()
    crew.ring("intake")
    eventually(lambda: gate.inside == 2)
    eventually(lambda: passed)
    assert not crew.has_room()
    assert set(passed) == {"intake"}
    gate.open.set()
    eventually(lambda: is_done(*ids))
    eventually(crew.has_room)


def test_what_a_job_makes_ready_elsewhere_is_looked_into(
    fresh_tenant: Tenant, make_crew: Callable[..., Crew]
) -> None:
    def follow(_: JobRun) -> str:
        add(fresh_tenant, ELSEWHERE)
        return ""

    handlers = {PROBE.name: follow, ELSEWHERE.name: lambda _: "done"}
    add(fresh_tenant)
    make_crew(handlers, ready=tasks._ready_queues).ring("intake")
    eventually(lambda: len(rows(state=DONE)) == 2)


def test_at_the_end_what_runs_comes_to_its_end_and_the_rest_is_given_back(
    fresh_tenant: Tenant, gate: Gate, make_crew: Callable[..., Crew], monkeypatch: Any
) -> None:
    monkeypatch.setitem(runner._seconds_per_job, "intake", 0.01)  # several jobs a batch
    other = make_tenant(state="live")
    ids = [add(fresh_tenant), add(other)]
    crew = make_crew({PROBE.name: gate.wait}, size=1)
    crew.ring("intake")
    eventually(lambda: gate.inside == 1)
    ending = threading.Thread(target=crew.end, kwargs={"within_s": 60})
    ending.start()
    eventually(lambda: crew._ending)
    gate.open.set()
    ending.join()
    assert sorted(row(job_id).state for job_id in ids) == [DONE, QUEUED]
    crew.ring("intake")
    assert gate.inside == 1, "nothing is begun any more"


def test_a_thread_that_nobody_needs_ends_and_another_comes_with_the_next_ring(
    fresh_tenant: Tenant, make_crew: Callable[..., Crew], monkeypatch: Any
) -> None:
    monkeypatch.setattr(crews, "KEPT_S", 0.01)
    crew = make_crew({PROBE.name: lambda _: "done"})
    for number in range(2):
        job_id = add(fresh_tenant, PROBE, number)
        crew.ring("intake")
        eventually(partial(is_done, job_id))
        eventually(lambda: not crew._threads)


def test_a_thread_that_lost_its_database_gives_way_to_another(
    fresh_tenant: Tenant, make_crew: Callable[..., Crew], monkeypatch: Any
) -> None:
    crew = make_crew({PROBE.name: lambda _: "done"})
    with monkeypatch.context() as broken:

        def gone(*_: Any, **__: Any) -> None:
            raise OperationalError("gone")

        broken.setattr(runner, "claim_batch", gone)
        crew.ring("intake")
        eventually(lambda: not crew._threads)
    job_id = add(fresh_tenant)
    crew.ring("intake")
    eventually(lambda: is_done(job_id))


def test_a_worker_all_of_whose_threads_hang_does_not_say_that_it_makes_progress(
    fresh_tenant: Tenant, gate: Gate, make_crew: Callable[..., Crew], monkeypatch: Any
) -> None:
    touched: list[int] = []
    monkeypatch.setattr(liveness, "touch", lambda: touched.append(1))
    crew = make_crew({PROBE.name: gate.wait}, size=1)
    monkeypatch.setattr(tasks, "crew", lambda: crew)
    tasks.work("stripe")
    assert touched == [1]
    add(fresh_tenant)
    tasks.work("intake")
    eventually(lambda: gate.inside)
    del touched[:]
    tasks.work("intake")
    assert touched == []
