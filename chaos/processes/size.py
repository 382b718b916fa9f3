"""How much happens in a run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OF_EACH_TENANT = {"clients": 0.1, "invoices": 0.5}  # the rest of its entities are payments


@dataclass(frozen=True, kw_only=True)
class Size:
    """Tenants, entities (clients, invoices and payments) and how often each fault is to strike."""

    tenants: int = 20
    entities: int = 5000
    seconds: float = 450.0
    """How long the faults go on; the business may take longer."""
    seed: int = 1
    lease_s: int = 6
    child_kills: int = 24
    worker_kills: int = 20
    valkey_kills: int = 8
    flushes: int = 10
    postgres_restarts: int = 4
    terminate_s: float = 60.0
    """How long connections to PostgreSQL are cut, two each second."""
    idle_connections: int = 300
    freezes: int = 5
    rolling: int = 2
    clock_pauses: int = 2
    expiries: int = 6
    """How often all access tokens at FreshBooks expire at once."""
    vendor_clock_s: int = 0
    """How far the vendors' clocks are ahead of ours."""
    vendor_rounds: int = 2
    """How often each kind of vendor fault is set up for each kind of call."""
    settle_s: float = 1200.0
    drills: bool = True
    """The longer checks at the end as well: everything replayed, a trail tampered with."""

    @property
    def clients(self) -> int:
        """Clients of each tenant."""
        return max(2, round(self.entities * OF_EACH_TENANT["clients"] / self.tenants))

    @property
    def invoices(self) -> int:
        """Invoices of each tenant."""
        return max(5, round(self.entities * OF_EACH_TENANT["invoices"] / self.tenants))


SMALL = Size(
    tenants=2,
    entities=60,
    seconds=10.0,
    lease_s=3,
    child_kills=3,
    worker_kills=3,
    valkey_kills=1,
    flushes=1,
    postgres_restarts=1,
    terminate_s=0.0,
    idle_connections=0,
    freezes=0,
    rolling=0,
    clock_pauses=0,
    expiries=0,
    vendor_rounds=0,
    settle_s=100.0,
    drills=False,
)
"""One round of kills, for the test suite."""


def parse(arguments: list[str] | None = None) -> tuple[Size, argparse.Namespace]:
    """The command line of this tier."""
    parser = argparse.ArgumentParser(prog="python -m chaos.processes", description=__doc__)
    parser.add_argument("--result", type=Path, required=True, help="where the result goes")
    parser.add_argument("--logs", type=Path, help="keep logs here (default: only after a failure)")
    parser.add_argument("--small", action="store_true", help="one round of kills, under a minute")
    parser.add_argument("--no-drills", dest="drills", action="store_false", default=None)
    for name in ("tenants", "entities", "seed", "seconds", "settle-s", "vendor-clock-s"):
        kind = float if name in ("seconds", "settle-s") else int
        parser.add_argument(f"--{name}", type=kind)
    options = parser.parse_args(arguments)
    names = ("tenants", "entities", "seed", "seconds", "settle_s", "drills", "vendor_clock_s")
    given: dict[str, Any] = {
        name: value for name in names if (value := getattr(options, name)) is not None
    }
    return Size(**{**vars(SMALL if options.small else Size()), **given}), options
