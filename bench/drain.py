"""How quickly jobs are done, and what audit trail, row-level security and encryption add to them."""

from __future__ import annotations

import cProfile
import os
import pstats
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import psycopg
import redis
from cryptography.fernet import Fernet
from django.conf import settings

from bench import bare, jobs
from bench.measures import Found, Result
from bench.method import Effort, Slice, median_of, percentile, ratio, take_turns
from bench.place import ROOT, Place
from bench.workers import Worker, running_clock, running_worker
from connector import ringing
from connector.jobs import runner
from connector.jobs.kinds import STRIPE
from connector.models import SyncJob
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.pipeline.shop import open_shop

TENANTS = 10
FIRST_GUESS = 200  # jobs; what a slice needs is learned from it
DECRYPTIONS = 2000
WORKERS = (1, 2, 4)
BATCHES = (1, 10, 50, 100)


def against_celery(place: Place, effort: Effort, result: Result) -> None:
    """P7: the product's worker and Celery's own, each with two processes, on one broker."""
    tenants = jobs.live_tenants(TENANTS)
    with (
        running_worker(queues=STRIPE) as _,
        running_worker("bench.bare", queues=bare.QUEUE) as idle,
    ):
        product = _sized(lambda count: _drained(tenants, count, rings=2), effort)
        floor = _sized(lambda count: _celery_rate(idle, count), effort)
        rounds = take_turns({"product": product, "celery": floor}, rounds=effort.rounds)
    result.found.append(
        Found.of(
            "P7",
            ratio(rounds, "product", "celery"),
            jobs_per_s=median_of(rounds, "product"),
            celery_per_s=median_of(rounds, "celery"),
        )
    )
    jobs.forget_jobs()


def _sized(rate_of: Callable[[int], float], effort: Effort) -> Slice:
    """A slice that takes about as long as it should."""
    rate_of(FIRST_GUESS)
    count = max(FIRST_GUESS, int(rate_of(FIRST_GUESS) * effort.slice_s))
    return lambda: rate_of(count)


def _drained(tenants: list[Tenant], count: int, *, rings: int, kind: str = "audited") -> float:
    """Jobs per second of the running worker; every process of it hears a ring, as from the sweep."""
    for tenant in tenants:
        jobs.queue(tenant, jobs.AUDITED if kind == "audited" else jobs.PLAIN, count // len(tenants))
    started = time.monotonic()
    for _ in range(rings):
        ringing.publish(STRIPE)
    jobs.seconds_until(lambda: not jobs.unfinished())
    seconds = time.monotonic() - started
    jobs.forget_jobs()
    return count // len(tenants) * len(tenants) / seconds


def _celery_rate(worker: Worker, count: int) -> float:
    """Tasks per second; they are published while the worker is frozen, so that only it is timed."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    worker.signal(signal.SIGSTOP)
    for _ in range(count):
        bare.nothing.delay()
    started = time.monotonic()
    worker.signal(signal.SIGCONT)
    jobs.seconds_until(lambda: broker.llen(bare.QUEUE) == 0)
    return count / (time.monotonic() - started)


def by_workers_and_batch(_: Place, effort: Effort, result: Result) -> None:
    """For the plot: the same drain with more processes, and with other sizes of a claim."""
    tenants = jobs.live_tenants(TENANTS)
    found: dict[str, dict[str, float]] = {}
    for workers in effort.choose(WORKERS, WORKERS[:2]):
        for batch in effort.choose(BATCHES, BATCHES[::2]):
            os.environ["JOB_BATCH"] = str(batch)
            with running_worker(concurrency=workers, queues=STRIPE):
                drain = _sized(partial(_drained, tenants, rings=workers), effort)
                found.setdefault(str(workers), {})[str(batch)] = round(drain(), 1)
    os.environ.pop("JOB_BATCH")
    result.series["drain"] = found


def with_and_without_audit(_: Place, effort: Effort, result: Result) -> None:
    """P24: one worker process, the same job with and without its audit entry."""
    tenants = jobs.live_tenants(TENANTS)

    def drain(kind: str) -> Slice:
        return _sized(lambda count: drained_here(tenants, count, kind=kind), effort)

    rounds = take_turns(
        {"audited": drain("audited"), "plain": drain("plain")}, rounds=effort.rounds
    )
    result.found.append(
        Found.of("P24", ratio(rounds, "audited", "plain"), jobs_per_s=median_of(rounds, "audited"))
    )


def drained_here(tenants: list[Tenant], count: int, *, kind: str = "audited") -> float:
    """Jobs per second of this process."""
    for tenant in tenants:
        jobs.queue(tenant, jobs.AUDITED if kind == "audited" else jobs.PLAIN, count // len(tenants))
    started = time.monotonic()
    while jobs.unfinished():
        runner.drain(STRIPE, jobs.HANDLERS)
    seconds = time.monotonic() - started
    jobs.forget_jobs()
    return count // len(tenants) * len(tenants) / seconds


def with_and_without_row_security(place: Place, effort: Effort, result: Result) -> None:
    """P26: the owner switches the policies off and on again between the slices."""
    tenants = jobs.live_tenants(TENANTS)
    tables = _secured_tables(place)
    drain = _sized(lambda count: drained_here(tenants, count), effort)

    def slice_with(word: str) -> float:
        _row_security(place, tables, word)
        return drain()

    rounds = take_turns(
        {"on": lambda: slice_with("ENABLE"), "off": lambda: slice_with("DISABLE")},
        rounds=effort.rounds,
    )
    _row_security(place, tables, "ENABLE")
    result.found.append(
        Found.of("P26", ratio(rounds, "on", "off"), jobs_per_s=median_of(rounds, "on"))
    )


def _secured_tables(place: Place) -> list[str]:
    with psycopg.connect(place.services.database_owner_url) as owner:
        rows = owner.execute("SELECT relname FROM pg_class WHERE relrowsecurity").fetchall()
    return [name for (name,) in rows]


def _row_security(place: Place, tables: list[str], word: str) -> None:
    with psycopg.connect(place.services.database_owner_url, autocommit=True) as owner:
        for table in tables:
            owner.execute(f"ALTER TABLE {table} {word} ROW LEVEL SECURITY")


def decrypting(place: Place, effort: Effort, result: Result) -> None:
    """P27: how often credentials are opened during syncs, times what one costs, by the processor time."""
    shop = open_shop(place.freshbooks, place.stripe)
    invoices = [shop.invoice("100.00") for _ in range(effort.size(40, 10))]
    shop.sync(invoices[0])
    for invoice in invoices:
        shop.enqueue_look(invoice)
    profile = cProfile.Profile(time.process_time)
    before = time.process_time()
    profile.runcall(shop.pump)
    profiled_s = time.process_time() - before
    rows = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    opened = sum(
        row[1]
        for name, row in rows.items()
        if name[0].endswith("fernet.py") and name[2] == "decrypt"
    )
    for invoice in invoices:
        shop.enqueue_look(invoice)
    before = time.process_time()
    shop.pump()
    plain_s = time.process_time() - before
    one_s = _seconds_of_one_decryption()
    result.found.append(
        Found.count(
            "P27",
            opened * one_s / plain_s * 100,
            opened_per_sync=opened / len(invoices),
            microseconds_each=one_s * 1e6,
            profiled_s=profiled_s,
        )
    )
    jobs.forget_jobs()


def _seconds_of_one_decryption() -> float:
    """Of a key as long as Stripe's, sealed as ours are."""
    key = Fernet(Fernet.generate_key())
    token = key.encrypt(b"x" * 200)
    before = time.process_time()
    for _ in range(DECRYPTIONS):
        key.decrypt(token)
    return (time.process_time() - before) / DECRYPTIONS


def memory(_: Place, effort: Effort, result: Result) -> None:
    """P30: a process of its own drains, and says how much it holds after each part."""
    first, last = effort.size(10_000, 1_000), effort.size(100_000, 5_000)
    command = [sys.executable, "-m", "bench.weighing", str(first), str(last)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    early, late = (float(word) for word in done.stdout.split())
    result.found.append(Found.count("P30", late / early, early_mb=early, late_mb=late, jobs=last))
    jobs.forget_jobs()


def killed(_: Place, effort: Effort, result: Result) -> None:
    """P21: the whole worker is killed with SIGKILL; when is each job that it ran claimed again?"""
    (tenant,) = jobs.live_tenants(1)
    waits: list[float] = []
    with running_worker(queues="intake,stripe") as worker, running_clock():
        for _kill in range(effort.size(3, 1)):
            waits += _kill_once(tenant, worker)
    beyond = percentile(waits, 0.99) - settings.JOB_LEASE_S
    result.found.append(
        Found.count(
            "P21",
            beyond,
            lease_s=settings.JOB_LEASE_S,
            p50_s=percentile(waits, 0.5),
            jobs=len(waits),
        )
    )


def _kill_once(tenant: Tenant, worker: Worker) -> list[float]:
    jobs.queue(tenant, jobs.WAITING, 2000)
    jobs.seconds_until(lambda: _running() != [])
    time.sleep(1)
    worker.signal(signal.SIGKILL)
    dead_at = time.time()
    held = _running()
    jobs.seconds_until(lambda: all(_claimed_after(held, dead_at)), most=120)
    waits = [one - dead_at for one in _claimed_after(held, dead_at)]
    jobs.seconds_until(lambda: not jobs.unfinished())
    jobs.forget_jobs()
    return waits


def _running() -> list[int]:
    with every_tenant():
        rows = SyncJob.objects.filter(state=SyncJob.State.RUNNING)
        return list(rows.values_list("pk", flat=True))


def _claimed_after(held: list[int], moment: float) -> list[float]:
    """When each was claimed again; 0 if it was not yet."""
    with every_tenant():
        starts = SyncJob.objects.filter(pk__in=held).values_list("started_at", flat=True)
        times = [start.timestamp() if start else 0.0 for start in starts]
    return [one if one > moment else 0.0 for one in times]


PARTS = (
    against_celery,
    by_workers_and_batch,
    with_and_without_audit,
    with_and_without_row_security,
    decrypting,
    memory,
    killed,
)
