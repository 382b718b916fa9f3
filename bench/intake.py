"""How many webhooks a second are taken in, and what else the web process could have answered."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import requests

from bench.counting import counted_statements
from bench.floor_views import TABLE
from bench.load import Load, post, send
from bench.measures import Found, Result
from bench.method import Effort, median_of, percentile, ratio, spread, take_turns
from bench.place import ROOT, Place
from demo.stack import free_port, procfile
from tests.factories import make_tenant
from tests.inbox.arriving import StripeEndpoint

MOST_PER_S = 3000  # more than any slice can use up
FIXTURE = ROOT / "tests/fixtures/stripe/2026-10-28.endive/invoice.json"
INVOICE = json.loads(FIXTURE.read_text())
STATEMENT_EVENTS = 20
Address = tuple[str, int]


class Sender:
    """Makes the requests of one endpoint, each event once, and posts them."""

    def __init__(self, endpoint: StripeEndpoint, address: Address, slice_s: float) -> None:
        self._endpoint, self._address, self._slice_s = endpoint, address, slice_s
        self._numbers = itertools.count(1)
        self._path = f"/webhooks/stripe/{endpoint.token}/"
        self.loads: dict[str, Load] = {}
        self.refused = 0

    def post(self, name: str, path: str = "", *, known: bool = False) -> float:
        """One slice; answers per second."""
        count = int(MOST_PER_S * self._slice_s)
        numbers = range(1, count + 1) if known else itertools.islice(self._numbers, count)
        made = [self._request(number, path or self._path) for number in numbers]
        load = send(self._address, made, seconds=self._slice_s)
        self.refused += sum(load.statuses.values()) - load.statuses[200]
        self.loads[name] = load
        return load.rate

    def p99(self, name: str) -> float:
        """Of the last slice of this name."""
        return percentile(self.loads[name].latencies, 0.99)

    def _request(self, number: int, path: str) -> bytes:
        body = self._endpoint.body(f"evt_{number:09}", data={"object": INVOICE})
        signed = {"Stripe-Signature": self._endpoint.signature(body)}
        return post(path, body, {**signed, "Content-Type": "application/json"})


@contextmanager
def web() -> Iterator[Address]:
    """The Procfile's web process; where it listens."""
    port = free_port()
    command = procfile()["web"].replace("${PORT:-8000}", str(port))
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_for(port)
        yield "127.0.0.1", port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise TimeoutError("the web process did not start")


def rates(place: Place, effort: Effort, result: Result) -> None:
    """P1, P2, P3, P5: the product's view and both floors, served by the same processes."""
    with psycopg.connect(place.services.database_owner_url, autocommit=True) as owner:
        owner.execute(TABLE)
    endpoint = StripeEndpoint(make_tenant(state="live"))
    with web() as address:
        sender = Sender(endpoint, address, effort.slice_s)
        sender.post("first")  # its events are the duplicates later
        tails: list[float] = []

        def bare() -> float:
            return sender.post("bare", "/floor/bare/")

        def product() -> float:
            return sender.post("product")

        slices = {
            "bare": bare,
            "product": product,
            "insert": lambda: sender.post("insert", "/floor/insert/"),
            "known": lambda: sender.post("known", known=True),
        }
        rounds = []
        for _ in range(effort.rounds):
            rounds += take_turns(slices, rounds=1)
            tails.append(sender.p99("product") / sender.p99("bare"))
    if sender.refused:
        raise RuntimeError(f"{sender.refused} requests were not answered 200")
    per_s = {f"{name}_per_s": median_of(rounds, name) for name in slices}
    result.found += [
        Found.of("P1", ratio(rounds, "product", "bare"), **per_s),
        Found.of("P2", ratio(rounds, "product", "insert")),
        Found.of("P3", ratio(rounds, "known", "product")),
        Found.of("P5", spread(tails), p99_ms=sender.p99("product") * 1000),
    ]


def without_redis(place: Place, effort: Effort, result: Result) -> None:
    """P4: the broker is killed before every other slice, and started again after it."""
    endpoint = StripeEndpoint(make_tenant(state="live"))
    with web() as address:
        sender = Sender(endpoint, address, effort.slice_s)
        sender.post("warm")

        def down() -> float:
            place.services.kill_redis()
            try:
                return sender.post("down")
            finally:
                place.services.start_redis()

        rounds = take_turns({"up": lambda: sender.post("up"), "down": down}, rounds=effort.rounds)
    result.found += [
        Found.of("P4", ratio(rounds, "down", "up"), down_per_s=median_of(rounds, "down")),
        Found.count("P4a", sender.refused),
    ]


def statements(_: Place, __: Effort, result: Result) -> None:
    """P6: of a webhook, from its arrival to its answer, begin and commit left out."""
    endpoint = StripeEndpoint(make_tenant(state="live"))
    with counted_statements() as counted:
        for number in range(STATEMENT_EVENTS):
            endpoint.post(endpoint.body(f"evt_{number}"))
    result.found.append(Found.count("P6", counted.count / STATEMENT_EVENTS))


PARTS = (rates, without_redis, statements)
