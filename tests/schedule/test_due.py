"""What is due: found by index however many tenants there are, by however many clocks, and rarely
while nothing happens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from connector import decisions_tenants, schedule, tasks, ticking
from connector.models import Clock, PollFeed, SyncJob
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.factories import make_tenant
from tests.pipeline.shop import cause
from tests.threads import at_once

TENANTS = 100_000


@pytest.fixture
def only_tenant(no_jobs: None) -> Iterator[Tenant]:
    """A live tenant whose feeds are the only ones."""
    with every_tenant():
        PollFeed.objects.all().delete()
    tenant = make_tenant(state="live", live_at=timezone.now())
    with tenant_scope(tenant.pk):
        schedule.start_feeds(tenant)
    yield tenant
    with every_tenant():
        PollFeed.objects.all().delete()


def feeds_of(tenant: Tenant) -> dict[str, PollFeed]:
    with tenant_scope(tenant.pk):
        return {feed.feed: feed for feed in PollFeed.objects.select_related("tenant")}


def a_day_of_looks(tenant: Tenant, start: datetime) -> Counter[str]:
    """A day by a virtual clock: whatever is due is queued, and finds nothing."""
    looks: Counter[str] = Counter()
    now = start
    while True:
        now = min(feed.next_due_at for feed in feeds_of(tenant).values())
        if now >= start + timedelta(days=1):
            return looks
        schedule.queue_due_feeds(now)
        with tenant_scope(tenant.pk):
            kinds = set(SyncJob.objects.values_list("kind", flat=True))
            for feed in PollFeed.objects.select_related("tenant"):
                if schedule.KIND_OF_FEED[feed.feed].name in kinds:
                    looks[feed.feed] += 1
                    schedule.take_note(feed, found=0, told=False, cause=cause())
            SyncJob.objects.all().delete()


def test_an_idle_tenant_is_looked_at_less_than_once_an_hour_all_feeds_together(
    only_tenant: Tenant,
) -> None:
    now = timezone.now()
    first = a_day_of_looks(only_tenant, now)
    assert max(first["freshbooks"], first["stripe"]) <= 27, "its first hour is an active one"
    later = a_day_of_looks(only_tenant, now + timedelta(days=1))
    assert later == {"freshbooks": 8, "stripe": 8, "money": 4, "reconcile": 1}


def test_whatever_one_feed_finds_wakes_all_and_itself(only_tenant: Tenant) -> None:
    far = timezone.now() + timedelta(hours=3)
    with tenant_scope(only_tenant.pk):
        PollFeed.objects.exclude(feed="reconcile").update(quiet=40, next_due_at=far)
        row = PollFeed.objects.select_related("tenant").get(feed="freshbooks")
        schedule.take_note(row, found=1, told=True, cause=cause())
    feeds = feeds_of(only_tenant)
    usual = timezone.now() + timedelta(seconds=only_tenant.poll_interval_s)
    assert feeds["freshbooks"].next_due_at <= usual
    assert feeds["stripe"].next_due_at <= usual
    assert feeds["money"].next_due_at <= timezone.now() + timedelta(hours=1)
    assert {feeds[name].quiet for name in ("freshbooks", "stripe", "money")} == {0}


def test_an_interval_of_hours_is_never_stretched_beyond_itself(only_tenant: Tenant) -> None:
    feed = feeds_of(only_tenant)["stripe"]
    feed.quiet = 500
    feed.tenant.poll_interval_s = 7200
    assert schedule.interval_s(feed) == 3 * 3600
    feed.tenant.poll_interval_s = 6 * 3600
    assert schedule.interval_s(feed) == 6 * 3600


def test_paused_tenants_are_put_off_and_come_back_when_they_resume(only_tenant: Tenant) -> None:
    with every_tenant():
        decisions_tenants.pause([only_tenant], cause=cause())
    assert schedule.queue_due_feeds() == 0
    assert all(feed.next_due_at > timezone.now() for feed in feeds_of(only_tenant).values())
    with every_tenant():
        decisions_tenants.resume([only_tenant], cause=cause())
    assert schedule.queue_due_feeds() == 4


def test_paused_tenants_at_the_head_do_not_keep_others_waiting(
    only_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "BATCH", 4)
    past = timezone.now() - timedelta(days=9)
    for _ in range(3):
        paused = make_tenant(state="paused")
        with tenant_scope(paused.pk):
            schedule.start_feeds(paused)
            PollFeed.objects.update(next_due_at=past)
    queued = [schedule.queue_due_feeds() for _ in range(4)]
    assert queued == [0, 0, 0, 3]


@pytest.mark.parametrize("tickers", [1, 2, 5])
def test_any_number_of_clocks_does_the_work_once(only_tenant: Tenant, tickers: int) -> None:
    Clock.objects.all().delete()
    turns = at_once(tickers, lambda _: ticking.take_turn(ticking.TICK, apart_s=1))
    assert sum(turns) == 1
    Clock.objects.all().delete()
    at_once(tickers, lambda _: tasks.tick())
    with tenant_scope(only_tenant.pk):
        kinds = Counter(SyncJob.objects.values_list("kind", flat=True))
        hints = set(SyncJob.objects.values_list("hints", flat=True))
    assert kinds == {"poll_freshbooks": 1, "poll_stripe": 1, "poll_money": 1}
    assert hints == {1}


@pytest.mark.parametrize(("ahead_s", "turn"), [(0.4, False), (60, True)])
def test_a_turn_of_a_moment_later_is_a_turn_and_one_of_the_far_future_is_none(
    only_tenant: Tenant, ahead_s: float, turn: bool
) -> None:
    Clock.objects.all().delete()
    at = timezone.now() + timedelta(seconds=ahead_s)
    Clock.objects.create(name=ticking.TICK, at=at, by=Clock.By.BEAT)
    assert ticking.take_turn(ticking.TICK, apart_s=5) is turn


def test_without_beat_a_worker_ticks_in_its_place(only_tenant: Tenant) -> None:
    Clock.objects.all().delete()
    assert ticking.clock_problem() == "has never ticked: is a worker running?"
    tasks.tick()
    assert ticking.clock_problem() == ""
    with tenant_scope(only_tenant.pk):
        SyncJob.objects.all().delete()
        PollFeed.objects.update(next_due_at=timezone.now())
    tasks.tick(late_s=8.0)  # beat has just ticked: not this worker's turn
    with tenant_scope(only_tenant.pk):
        assert not SyncJob.objects.exists()
    Clock.objects.update(at=timezone.now() - timedelta(seconds=9))
    tasks.tick(late_s=8.0)
    with tenant_scope(only_tenant.pk):
        assert SyncJob.objects.count() == 5  # four feeds, and webhooks with the comparison
    assert ticking.clock_problem() == "beat is silent, workers tick in its place"
    Clock.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert ticking.clock_problem() == "has not ticked for 5 min: is a worker running?"


def test_a_clock_that_was_set_back_does_not_stop(only_tenant: Tenant) -> None:
    Clock.objects.update_or_create(
        name="tick", defaults={"at": timezone.now() + timedelta(hours=1), "by": "beat"}
    )
    assert ticking.take_turn(ticking.TICK, apart_s=1)
    assert not ticking.take_turn(ticking.TICK, apart_s=1)


def test_the_sweep_rings_once_for_all_who_ask(no_jobs: None) -> None:
    Clock.objects.all().delete()
    at_once(5, lambda _: tasks.sweep())
    assert Clock.objects.get(name="sweep").by == "beat"
    assert not ticking.take_turn(ticking.SWEEP, apart_s=0.5)


@pytest.fixture
def many_tenants(no_jobs: None, owner_sql: psycopg.Connection) -> Iterator[None]:
    """A hundred thousand live tenants with a feed each, one of them due; half of all are paused."""
    with every_tenant():
        PollFeed.objects.all().delete()
    columns = Tenant._meta.concrete_fields
    template = make_tenant()
    names = [f.column for f in columns if f.column not in {"id", "slug", "state"}]
    listed = ", ".join(f'"{name}"' for name in names)
    owner_sql.execute(
        f"INSERT INTO tenants_tenant (slug, state, {listed})"
        f" SELECT 'many-' || n, CASE WHEN n % 2 = 0 THEN 'live' ELSE 'paused' END, {listed}"
        f" FROM tenants_tenant, generate_series(1, {TENANTS}) n WHERE id = {template.pk}"
    )
    owner_sql.execute(
        "INSERT INTO connector_pollfeed"
        " (tenant_id, feed, next_due_at, watermarks, quiet, silent, last_result)"
        " SELECT id, 'stripe', now() + interval '1 hour' + random() * interval '1 day', '{}', 0, 0, ''"
        " FROM tenants_tenant WHERE slug LIKE 'many-%'"
    )
    owner_sql.execute("ANALYZE connector_pollfeed")
    owner_sql.execute("ANALYZE tenants_tenant")
    yield
    with every_tenant():
        SyncJob.objects.all().delete()
    owner_sql.execute("DELETE FROM connector_pollfeed")
    owner_sql.execute("DELETE FROM tenants_tenant WHERE slug LIKE 'many-%'")


def plan_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from plan_nodes(child)


def test_what_is_due_costs_the_same_among_a_hundred_thousand_tenants(many_tenants: None) -> None:
    statements: list[str] = []
    explained: list[Any] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "connector_pollfeed" in sql and sql.startswith("SELECT"):
            statements.append(sql)
            execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params, many, context)
            explained.append(context["cursor"].fetchone()[0])
        return execute(sql, params, many, context)

    with every_tenant():
        ids = list(PollFeed.objects.filter(tenant__state="live").values_list("pk", flat=True)[:7])
        PollFeed.objects.filter(pk__in=ids).update(next_due_at=timezone.now())
        with connection.execute_wrapper(explain):
            assert schedule.queue_due_feeds() == 7
    (plan,) = explained[0]
    nodes = list(plan_nodes(plan["Plan"]))
    assert "feed_due" in {node.get("Index Name") for node in nodes}
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}
    touched = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    assert touched < 200, "pages: the whole table has thousands"
