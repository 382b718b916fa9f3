"""Processes and services die, restart and double: nothing is lost, nothing is done twice.

What counts is what both simulators have in their books in the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
import requests

from demo.stack import ROOT, descendants, procfile, wait_until
from tests.flows.running import FlowShop, System

KILLS = 6


def burst(shop: FlowShop, size: int) -> list[int]:
    client = shop.client()
    return [shop.invoice(f"{10 + number}.00", client=client) for number in range(size)]


def finish(shop: FlowShop, invoices: list[int]) -> None:
    """All invoices payable, all paid, all recorded; then count."""
    shop.wait_open(*invoices)
    for invoice in invoices:
        shop.pay(invoice)
    shop.wait_recorded(*invoices)
    shop.wait_quiet()
    shop.nothing_doubled(invoices)


def deliveries(shop: FlowShop) -> list[dict[str, Any]]:
    """Every webhook to this tenant, with the answers it got."""
    mine = shop.addresses().split("|")
    return [
        delivery
        for vendor in (shop.freshbooks, shop.stripe)
        for delivery in vendor.state()["deliveries"]
        if any(delivery["url"].endswith(path) for path in mine)
    ]


def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(system: System) -> None:
    shop = system.open_shop()
    invoices = burst(shop, 6)
    killed = 0
    for number in range(KILLS):
        calls = _calls(system)
        wait_until(lambda: _calls(system) > calls + 3 + 2 * number, "the worker to work")  # noqa: B023
        killed += system.stack.kill_worker() > 0
        if number == KILLS // 2:
            shop.wait_open(*invoices)
            for invoice in invoices:
                shop.pay(invoice)
    assert killed >= 6
    shop.wait_recorded(*invoices)
    shop.wait_quiet()
    shop.nothing_doubled(invoices)
    assert shop.rows("connector_syncjob", "state = 'dead'") == []
    unanswered = shop.rows("connector_vendorwrite", "state IN ('sending', 'unknown')")
    assert [(row["operation"], row["state"], row["attempts"]) for row in unanswered] == []
    assert shop.rows("connector_discrepancy", "state = 'open'") == []


def _calls(system: System) -> int:
    return int(system.freshbooks.calls()["total"] + system.stripe.calls()["total"])


def test_redis_dies_and_comes_back(system: System, shop: FlowShop) -> None:
    """Intake goes on without it; work goes on with it."""
    services = system.stack.services
    services.kill_redis()
    try:
        before = len(deliveries(shop))
        invoices = burst(shop, 3)
        shop.wait_for(lambda: len(deliveries(shop)) >= before + 3, "webhooks to be sent")
        shop.wait_for(lambda: all(row["tries"] for row in deliveries(shop)), "all to be tried")
        answers = [row["tries"][-1]["status"] for row in deliveries(shop)[before:]]
        assert set(answers) == {200}
        started = time.monotonic()
        assert requests.get(f"{system.stack.base_url}/healthz", timeout=60).status_code == 200
        assert time.monotonic() - started < 10
    finally:
        services.start_redis()
    finish(shop, invoices)


def test_everything_in_redis_is_flushed_while_work_goes_on(system: System, shop: FlowShop) -> None:
    broker = redis.Redis.from_url(system.stack.environment["REDIS_URL"])
    invoices = burst(shop, 4)
    for _ in range(20):
        broker.flushall()
        time.sleep(0.05)
    finish(shop, invoices)
    broker.close()


def test_postgres_crashes_while_work_goes_on(system: System, shop: FlowShop) -> None:
    invoices = burst(shop, 4)
    system.stack.services.restart_postgres(crash=True)
    wait_until(lambda: _ready(system), "the web process to be ready again")
    more = burst(shop, 2)
    finish(shop, [*invoices, *more])


def _ready(system: System) -> bool:
    return requests.get(f"{system.stack.base_url}/readyz", timeout=60).status_code == 200


@contextmanager
def second_beat(system: System) -> Iterator[None]:
    process = subprocess.Popen(
        ["sh", "-c", procfile()["beat"]],
        cwd=ROOT,
        env=system.stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def polls(shop: FlowShop) -> list[dict[str, Any]]:
    return shop.rows("connector_syncjob", "kind = 'poll_freshbooks'")


def test_two_clocks_poll_no_more_often_than_one(system: System) -> None:
    shop = system.open_shop(every_s=2)
    with second_beat(system):
        before, started = len(polls(shop)), time.monotonic()
        shop.wait_for(lambda: len(polls(shop)) >= before + 8, "eight polls")
        made = len(polls(shop)) - before
        # The first comes at once, the second at the tenant's own place in the interval, and a
        # late one is not made good: three more than intervals, not twice as many.
        assert made <= (time.monotonic() - started) / 2 + 3


def test_without_a_clock_webhooks_go_on_and_with_it_polls_come_back(
    system: System, shop: FlowShop
) -> None:
    system.stack.stop("beat")
    try:
        invoice = shop.invoice("12.00")
        shop.wait_open(invoice)
        before = len(polls(shop))
    finally:
        system.stack.start("beat")
    shop.wait_for(lambda: len(polls(shop)) > before, "polls to come back")


def test_a_rolling_restart_loses_nothing(system: System, shop: FlowShop) -> None:
    invoices = burst(shop, 3)
    system.stack.stop("worker")
    system.stack.start("worker")
    invoices += burst(shop, 3)
    system.stack.stop("web")
    invoices += burst(shop, 2)
    system.stack.start("web")
    wait_until(lambda: _answers(system), "the web process to answer")
    finish(shop, invoices)


def _answers(system: System) -> bool:
    try:
        return _ready(system)
    except requests.RequestException:
        return False


def test_a_frozen_worker_does_not_keep_work_from_others(system: System, shop: FlowShop) -> None:
    """SIGSTOP for longer than the lease, then SIGCONT: the zombie does nothing twice."""
    invoices = burst(shop, 4)
    frozen = [
        pid
        for pid, _, command in descendants(system.stack.processes["worker"].pid)
        if "celery" in command and "config.supervise" not in command
    ]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(4)  # longer than the lease of 3 s
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    finish(shop, invoices)
