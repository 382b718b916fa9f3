"""What the clock costs with many tenants, and how soon it finds what no webhook told."""

from __future__ import annotations

import random
import time
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from bench import jobs
from bench.clock import virtual_clock
from bench.copies import analyse, copy_database, multiply_tenant, use_database
from bench.measures import Found, Result
from bench.method import Effort, Slice, median_of, percentile, ratio, take_turns
from bench.place import Place
from connector import polling, schedule
from connector.models import InvoiceLink, PollFeed, SyncJob
from tenants.scope import every_tenant, tenant_scope
from tests.factories import make_tenant
from tests.pipeline.shop import Shop, open_shop

SIZES = (10, 1_000, 100_000)
QUICK_SIZES = (10, 1_000, 20_000)
TICKS = 40  # of one slice
DUE = 10
DAY_S, STEP_S = 86_400, 60
HOUR_S, SHORT_STEP_S, POLL_S = 3600, 5, 300


def ticks(place: Place, effort: Effort, result: Result) -> None:
    """P15, P16: the same tick in three databases with 10, 1,000 and 100,000 tenants."""
    sizes = QUICK_SIZES if effort.quick else SIZES
    home = str(connection.settings_dict["NAME"])
    _fill(place, sizes)
    idle: dict[str, Slice] = {_name(size): _slice(size, _idle_tick) for size in sizes}
    rounds = take_turns(idle, rounds=effort.rounds)
    largest, smallest = _name(sizes[-1]), _name(sizes[0])
    shown = {f"tick_ms_{size}": median_of(rounds, _name(size)) * 1000 for size in sizes}
    result.found.append(Found.of("P15", ratio(rounds, largest, smallest), **shown))
    result.series["tick_ms"] = {str(size): shown[f"tick_ms_{size}"] for size in sizes}
    due: dict[str, Slice] = {_name(size): _slice(size, _tick_of_due) for size in sizes}
    rounds = take_turns(due, rounds=effort.rounds)
    shown = {f"per_due_ms_{size}": median_of(rounds, _name(size)) * 1000 for size in sizes}
    result.found.append(Found.of("P16", ratio(rounds, largest, smallest), **shown))
    result.series["per_due_ms"] = {str(size): shown[f"per_due_ms_{size}"] for size in sizes}
    use_database(home)


def _name(size: int) -> str:
    return f"tenants_{size}"


def _fill(place: Place, sizes: tuple[int, ...]) -> None:
    """A database for each size, filled from one live tenant whose feeds are not due for hours."""
    pattern = make_tenant(state="live", live_at=timezone.now())
    with tenant_scope(pattern.pk):
        schedule.start_feeds(pattern)
        PollFeed.objects.update(next_due_at=timezone.now() + timedelta(days=2))
    copy_database(place, [_name(size) for size in sizes])
    for size in sizes:
        use_database(_name(size))
        with every_tenant():
            multiply_tenant(pattern.pk, size - 1)
        analyse(place, _name(size))


def _slice(size: int, tick: Slice) -> Slice:
    def run() -> float:
        use_database(_name(size))
        tick()  # the new connection and its plans
        return tick()

    return run


def _idle_tick() -> float:
    """Seconds of one tick that finds nothing due."""
    started = time.perf_counter()
    for _ in range(TICKS):
        polling.queue_due_feeds()
    return (time.perf_counter() - started) / TICKS


def _tick_of_due() -> float:
    """Seconds per tenant that is due."""
    with every_tenant():
        rows = PollFeed.objects.filter(feed=PollFeed.Feed.FRESHBOOKS)
        ids = list(rows.order_by("-pk").values_list("pk", flat=True)[:DUE])
        PollFeed.objects.filter(pk__in=ids).update(next_due_at=timezone.now())
    started = time.perf_counter()
    polling.queue_due_feeds()
    seconds = time.perf_counter() - started
    with every_tenant():
        if SyncJob.objects.count() != len(ids):
            raise RuntimeError("the tick did not queue a job for each tenant that was due")
    jobs.forget_jobs()
    return seconds / len(ids)


def idle_tenant(place: Place, effort: Effort, result: Result) -> None:
    """P17: the second day of a tenant in which nothing happens, on a virtual clock."""
    shop = open_shop(place.freshbooks, place.stripe)
    with virtual_clock(place) as clock:
        _poll_from_now(shop)
        clock.play(DAY_S / 2, step_s=STEP_S)
        jobs.forget_jobs()
        before = place.calls()
        clock.play(DAY_S, step_s=STEP_S)
        calls = place.calls() - before
        looks = {
            kind: len(shop.jobs(kind=kind))
            for kind in ("poll_freshbooks", "poll_stripe", "poll_money")
        }
    most = max(looks["poll_freshbooks"], looks["poll_stripe"])
    result.found.append(Found.count("P17", most, calls_per_day=calls, **looks))
    polled = looks["poll_freshbooks"] + looks["poll_stripe"]
    result.series["idle"] = {
        "calls_per_day": calls,
        "calls_per_look": calls / max(1, polled),
        **looks,
    }


def _poll_from_now(shop: Shop) -> None:
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.exclude(feed=PollFeed.Feed.RECONCILE).update(next_due_at=timezone.now())


def webhooks_lost(place: Place, effort: Effort, result: Result) -> None:
    """P18: tenants in which something changes every few minutes, and no webhook ever comes."""
    shops = [open_shop(place.freshbooks, place.stripe) for _ in range(effort.size(4, 2))]
    chance = random.Random(3)
    made: dict[tuple[int, int], float] = {}
    found: list[float] = []

    def act(now: float) -> None:
        found.extend(now - made.pop(key) for key in [key for key in made if _is_known(shops, key)])
        for number, shop in enumerate(shops):
            if chance.random() < SHORT_STEP_S / POLL_S:
                made[number, shop.invoice("100.00")] = now

    with virtual_clock(place) as clock:
        for shop in shops:
            _poll_from_now(shop)
        clock.play(effort.size(2, 1) * HOUR_S, step_s=SHORT_STEP_S, act=act)
        act(clock.passed_s)
    result.found.append(
        Found.count(
            "P18",
            percentile(found, 0.95) / POLL_S,
            p50_s=percentile(found, 0.5),
            p95_s=percentile(found, 0.95),
            changes=len(found),
        )
    )


def _is_known(shops: list[Shop], key: tuple[int, int]) -> bool:
    number, invoice = key
    with tenant_scope(shops[number].tenant.pk):
        return InvoiceLink.objects.filter(freshbooks_invoice_id=invoice).exists()


PARTS = (ticks, idle_tenant, webhooks_lost)
