"""Whether one tenant's work, or one tenant's broken vendor, slows the others down."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable

from django.db import connection
from django.db.models import QuerySet

from bench import jobs
from bench.measures import Found, Result
from bench.method import Effort, Slice, jain, median_of, percentile, ratio, take_turns
from bench.place import Place
from bench.workers import running_clock, running_worker
from connector import ringing
from connector.jobs import kinds, ledger
from connector.jobs.kinds import STRIPE
from connector.models import SyncJob
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.pipeline.shop import Shop, open_shop

LIGHT_TENANTS = 5
LIGHT_LOAD = 0.3  # of what one worker process could do
HEAVY_JOBS = 10_000
EQUAL_TENANTS = 20
HANGS_S = 30
WORKERS = 2


def light_and_heavy(_: Place, effort: Effort, result: Result) -> None:
    """P9: light tenants ask for a job now and then; the other has 10,000 waiting, or nothing."""
    light = jobs.live_tenants(LIGHT_TENANTS)
    (heavy,) = jobs.live_tenants(1)
    seconds = effort.slice_s * 2
    waits: dict[str, list[float]] = {"alone": [], "beside": [], "heavy": []}

    def alone() -> float:
        return _p99(waits["alone"], light, seconds)

    def beside() -> float:
        jobs.queue(heavy, jobs.WAITING, effort.size(HEAVY_JOBS, 2000))
        ringing.publish(STRIPE)
        time.sleep(0.5)  # until both processes are busy with it
        try:
            return _p99(waits["beside"], light, seconds)
        finally:
            waits["heavy"] += _waits_of(heavy)
            jobs.forget_jobs()

    with running_worker(concurrency=WORKERS, queues=f"intake,{STRIPE}"), running_clock():
        alone(), beside()
        for one in waits.values():
            one.clear()
        rounds = take_turns({"alone": alone, "beside": beside}, rounds=effort.rounds)
    pooled = {name: percentile(waits[name], 0.99) for name in ("alone", "beside")}
    by_round = ratio(rounds, "beside", "alone")
    result.found.append(
        Found(
            "P9",
            pooled["beside"] / pooled["alone"],
            by_round.low,
            by_round.high,
            by_round.rounds,
            {
                "alone_p50_ms": percentile(waits["alone"], 0.5) * 1000,
                "alone_p99_ms": pooled["alone"] * 1000,
                "beside_p50_ms": percentile(waits["beside"], 0.5) * 1000,
                "beside_p99_ms": pooled["beside"] * 1000,
                "light_jobs": len(waits["beside"]),
            },
        )
    )
    result.series["waits_ms"] = {
        name: sorted(round(one * 1000, 1) for one in found) for name, found in waits.items()
    }


def _p99(waits: list[float], light: list[Tenant], seconds: float) -> float:
    """Ask for jobs at random moments; how long each waited until it was begun."""
    chance, ids = random.Random(7), []
    pause = jobs.WAIT_S / LIGHT_LOAD
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        ids.append(_ask(chance.choice(light)))
        time.sleep(chance.expovariate(1 / pause))
    jobs.seconds_until(lambda: _all_begun(ids))
    with every_tenant():
        found = _seconds(SyncJob.objects.filter(pk__in=ids))
    waits += found
    return percentile(found, 0.99)


def _waits_of(tenant: Tenant) -> list[float]:
    with tenant_scope(tenant.pk):
        return _seconds(SyncJob.objects.exclude(started_at=None))


def _seconds(rows: QuerySet[SyncJob]) -> list[float]:
    """From being queued to being begun."""
    times = rows.values_list("started_at", "created_at")
    return [(start - made).total_seconds() for start, made in times if start]


def _ask(tenant: Tenant) -> int:
    """As a webhook does: store, commit, ring."""
    with tenant_scope(tenant.pk):
        job_id = ledger.enqueue(
            tenant_id=tenant.pk,
            kind=jobs.WAITING,
            subject=str(time.monotonic_ns()),
            cause=jobs.cause(),
        )
    ringing.ringer.ring(STRIPE)
    return job_id


def _all_begun(ids: list[int]) -> bool:
    with every_tenant():
        return not SyncJob.objects.filter(pk__in=ids, started_at=None).exists()


def equal_shares(_: Place, effort: Effort, result: Result) -> None:
    """P10: twenty tenants with the same amount of work; how much each got done in ten seconds."""
    tenants = jobs.live_tenants(EQUAL_TENANTS)
    seconds = effort.size(10, 4)
    for tenant in tenants:
        jobs.queue(tenant, jobs.WAITING, int(seconds / jobs.WAIT_S))
    with running_worker(concurrency=WORKERS, queues=f"intake,{STRIPE}"), running_clock():
        jobs.seconds_until(lambda: sum(_done().values()) > 0)
        time.sleep(seconds)
        done = _done()
    shares = [float(done.get(tenant.pk, 0)) for tenant in tenants]
    result.found.append(
        Found.count("P10", jain(shares), least=min(shares), most=max(shares), done=sum(shares))
    )
    jobs.forget_jobs()


def _done() -> Counter[int]:
    """Finished jobs by tenant."""
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, count(*) FROM connector_syncjob WHERE state = 'done' GROUP BY tenant_id"
        )
        return Counter(dict(cursor.fetchall()))


def broken_vendor(place: Place, effort: Effort, result: Result) -> None:
    """P11: three tenants look at invoices; a fourth's vendor hangs, or answers nothing but 429."""
    others = [_shop_with_invoice(place) for _ in range(3)]
    broken, invoices = _shop_with_many(place, effort.size(40, 15))
    fault = {"path_regex": f"/account/{broken.account_id}/"}

    def slice_with(kind: str, **settings: float) -> Slice:
        def run() -> float:
            jobs.forget_jobs()
            broken.unblock()
            if kind:
                place.freshbooks.fault(kind, fault, times=None, **settings)
                for invoice in invoices:
                    broken.enqueue_look(invoice)
            try:
                return _looks_per_s(others, effort.slice_s * 5)
            finally:
                place.freshbooks.control("DELETE", "faults")

        return run

    rounds_wanted = max(2, effort.rounds // 2)
    with running_worker(concurrency=WORKERS), running_clock():
        slice_with("")()
        rounds = take_turns(
            {
                "without": slice_with(""),
                "hangs": slice_with("slow", delay_s=HANGS_S),
                "limited": slice_with("status_429"),
            },
            rounds=rounds_wanted,
        )
    for measure, name in (("P11", "hangs"), ("P11a", "limited")):
        result.found.append(
            Found.of(
                measure,
                ratio(rounds, name, "without"),
                looks_per_s=median_of(rounds, name),
                without_per_s=median_of(rounds, "without"),
            )
        )


def _shop_with_invoice(place: Place) -> tuple[Shop, int]:
    shop = open_shop(place.freshbooks, place.stripe)
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    return shop, invoice


def _shop_with_many(place: Place, count: int) -> tuple[Shop, list[int]]:
    shop = open_shop(place.freshbooks, place.stripe)
    return shop, [shop.invoice("100.00") for _ in range(count)]


def _looks_per_s(others: list[tuple[Shop, int]], seconds: float) -> float:
    """Each of the others always has one look at an invoice waiting: how many are done."""
    asked: dict[int, int] = {}
    done, ends = 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        for number, (shop, invoice) in enumerate(others):
            if number not in asked or shop.job(asked[number]).finished_at is not None:
                done += number in asked
                asked[number] = shop.enqueue_look(invoice)
                ringing.publish(kinds.SYNC_INVOICE.queue)
        time.sleep(0.002)
    return done / seconds


PARTS: tuple[Callable[[Place, Effort, Result], None], ...] = (
    light_and_heavy,
    equal_shares,
    broken_vendor,
)
