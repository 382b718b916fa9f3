"""The running product and its tenants, as the run sees and disturbs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from chaos.invariants.evidence import Connected, Row
from chaos.processes.size import Size
from demo.simulators import Simulator
from demo.stack import Stack, running_stack

WORKERS = ("worker", "worker-2")
RATES = {"freshbooks": 10, "stripe": 20}
QUERY_PATIENCE_S = 60.0


@dataclass
class System:
    """Everything that runs. One lock for the private services: their guardian has one pipe."""

    stack: Stack
    size: Size
    say: Callable[[str], None]
    tenants: list[Connected] = field(default_factory=list)
    acts: list[Row] = field(default_factory=list)
    links: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Of each tenant: its onboarding link, and the login of its owner at FreshBooks."""
    services_lock: threading.Lock = field(default_factory=threading.Lock)
    lost_grants: int = 0
    """How many tenants had to connect FreshBooks again."""
    frozen_until: float = 0.0
    """Until when a worker that was frozen may not have caught up; on the monotonic clock."""

    def simulators(self) -> tuple[Simulator, Simulator]:
        """FreshBooks and Stripe; each thread takes its own, for they keep a connection open."""
        return (
            Simulator("FreshBooks", self.stack.freshbooks_url),
            Simulator("Stripe", self.stack.stripe_url),
        )

    def query(self, statement: str, *values: Any) -> list[Row]:
        """Rows over all tenants, by the owner's connection; waits for a database that is away."""
        deadline = time.monotonic() + QUERY_PATIENCE_S
        while True:
            try:
                with self.connection() as connection:
                    done = connection.execute(statement, values or None)
                    return done.fetchall() if done.description else []
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Row]]:
        """One connection of the owner's that sees all tenants."""
        url = self.stack.environment["DATABASE_OWNER_URL"]
        with psycopg.connect(
            url, autocommit=True, row_factory=dict_row, application_name="chaos", connect_timeout=5
        ) as connection:
            connection.execute("SET app.tenant = '*'")
            yield connection

    def as_application(self, *, name: str = "chaos") -> psycopg.Connection[Row]:
        """A connection in the application's role: it sees, and may end, the application's others."""
        return psycopg.connect(
            self.stack.environment["DATABASE_URL"],
            autocommit=True,
            row_factory=dict_row,
            application_name=name,
            connect_timeout=5,
        )

    def act(self, simulator: Simulator, do: str, **arguments: Any) -> Row:
        """Do what a person does, and keep a note of it."""
        at = time.time()
        result = simulator.act(do, **arguments)
        self.acts.append({"at": at, "vendor": simulator.name, "do": do, **arguments})
        return result


@contextmanager
def running_system(size: Size, logs: Path, say: Callable[[str], None]) -> Iterator[System]:
    """Web, two workers, beat, PostgreSQL, Valkey and both vendors."""
    settings = {
        "FRESHBOOKS_RATE_PER_S": str(RATES["freshbooks"]),
        "STRIPE_RATE_PER_S": str(RATES["stripe"]),
        "STRIPE_TEST_RATE_PER_S": str(RATES["stripe"]),
        "JOB_LEASE_S": str(size.lease_s),
        "PAYMENT_SETTLE_S": "2",
        "MONEY_POLL_INTERVAL_S": "30",
        "POLL_IDLE_FACTOR": "1",
        "AUDIT_ANCHOR_FILE": str(logs / "audit-anchors.jsonl"),
    }
    with running_stack(log_dir=logs, seed=size.seed, settings=settings) as stack:
        stack.start(WORKERS[1], program="worker")
        system = System(stack, size, say)
        if size.vendor_clock_s:
            system.simulators()[0].set_clock(ahead_s=size.vendor_clock_s)
        yield system
