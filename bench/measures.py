"""Every measure: what is compared with what, and the limit and the goal that it is held to.

The figures are found by the modules of the families; this table is all that judges them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bench.method import Spread

Verdict = Literal["goal", "held", "broken"]


@dataclass(frozen=True)
class Measure:
    """One line of the table. `least`: the figure must be at least the limit; otherwise at most."""

    id: str
    what: str
    floor: str
    limit: float
    goal: float
    least: bool = False
    unit: str = "×"

    def verdict(self, value: float) -> Verdict:
        """Whether a figure reaches the goal, keeps the limit, or breaks it."""
        if self._keeps(value, self.goal):
            return "goal"
        return "held" if self._keeps(value, self.limit) else "broken"

    def _keeps(self, value: float, bound: float) -> bool:
        return value >= bound if self.least else value <= bound

    def bound(self, value: float) -> str:
        """A limit or goal in words."""
        return f"{'≥' if self.least else '≤'} {value:g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Found:
    """What a family measured for one measure. `absolute` is shown beside it and never judged."""

    id: str
    value: float
    low: float | None = None
    high: float | None = None
    rounds: int = 1
    absolute: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, measure: str, found: Spread, **absolute: float) -> Found:
        """The median of the rounds, with its quartiles."""
        return cls(measure, found.median, found.low, found.high, found.rounds, absolute)

    @classmethod
    def count(cls, measure: str, value: float, **absolute: float) -> Found:
        """Something counted: there is nothing to spread."""
        return cls(measure, value, absolute=absolute)

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Found:
        """What a family's process printed."""
        return cls(**row)


@dataclass
class Result:
    """What one family measured. `series` are for the plots and for docs/scale.md."""

    found: list[Found] = field(default_factory=list)
    series: dict[str, Any] = field(default_factory=dict)


def _most(name: str, what: str, floor: str, limit: float, goal: float, unit: str = "×") -> Measure:
    return Measure(name, what, floor, limit, goal, unit=unit)


def _least(name: str, what: str, floor: str, limit: float, goal: float, unit: str = "×") -> Measure:
    return Measure(name, what, floor, limit, goal, least=True, unit=unit)


FAMILIES: dict[str, tuple[Measure, ...]] = {
    "intake": (
        _least("P1", "durable intake: verify, dedupe, commit, answer", "bare view", 0.18, 0.25),
        _least("P2", "durable intake", "the same view with one committed insert", 0.85, 0.95),
        _least("P3", "duplicates turned away", "new events", 1.5, 1.9),
        _least("P4", "intake with Redis stopped", "with Redis up", 0.90, 0.98),
        _most("P4a", "not answered 200 with Redis stopped", "all", 0, 0, "answers"),
        _most("P5", "p99 of an intake, 8 connections", "p99 of the bare view", 6, 4),
        _most("P6", "statements per webhook", "", 2, 1, "statements"),
    ),
    "drain": (
        _least("P7", "jobs with claim, fence and audit entry", "bare Celery no-op", 1.0, 2.0),
        _most("P21", "taken up again after SIGKILL, p99, beyond the lease", "", 10, 5, "s"),
        _least("P24", "drain with an audit entry per job", "without", 0.80, 0.90),
        _least("P26", "drain with row-level security", "without", 0.90, 0.97),
        _most("P27", "decrypting credentials", "processor time of a sync", 2, 0.5, "%"),
        _most("P30", "memory after 100,000 jobs", "after 10,000", 1.05, 1.02),
    ),
    "sync": (
        _most("P6a", "statements per vendor call of a sync", "", 8, 6, "statements"),
        _least("P8", "calls per second of a full sync", "bare loop of the same calls", 0.5, 0.7),
        _most("P12", "calls per new invoice", "3 writes + 1/100 page", 1.10, 1.02),
        _most("P13", "calls per unchanged invoice, polled again", "1/100", 2, 1),
        _most("P13a", "writes for unchanged invoices", "", 0, 0, "writes"),
        _most("P14", "calls per payment recorded", "", 3.2, 3.0, "calls"),
        _most("P14a", "the same, 5 % of answers lost", "", 3.6, 3.3, "calls"),
        _most("P19", "event to recorded, p50, half load", "latency of its calls", 2.5, 1.5),
        _most("P19a", "event to recorded, p99, half load", "latency of its calls", 8, 4),
        _most("P20", "event to recorded, p50, calls of 50 ms", "", 400, 250, "ms"),
        _most("P20a", "event to recorded, p99, calls of 50 ms", "", 1700, 800, "ms"),
        _most("P23", "calls with a 10 min outage, and the hour after", "no outage", 1.2, 1.05),
        _most("P28", "calls to compare 1,000 unchanged invoices", "", 22, 20, "calls"),
    ),
    "limits": (
        _least("P22", "use of the allowed rate", "what the vendor allows", 0.85, 0.95),
        _most("P22a", "answers 429", "all calls", 0.5, 0.1, "%"),
    ),
    "fairness": (
        _most("P9", "light tenants' p99 wait, another has 10,000 queued", "alone", 2, 1.3),
        _least("P10", "Jain's index over 10 s, 20 tenants with work", "", 0.95, 0.98, ""),
        _least("P11", "others' throughput, one vendor hangs", "without it", 0.95, 0.99),
        _least("P11a", "others' throughput, one vendor only says 429", "without it", 0.95, 0.99),
    ),
    "schedule": (
        _most("P15", "tick, nothing due, 100,000 tenants", "10 tenants", 4, 2),
        _most("P16", "tick per due tenant, 100,000 tenants", "10 tenants", 1.5, 1.2),
        _most("P17", "looks at an idle tenant per day and vendor", "", 24, 12, "looks"),
        _most("P18", "change found without webhooks, p95", "poll interval", 1.2, 1.05),
    ),
    "trail": (_least("P25", "audit entries verified", "audit entries written", 20, 50),),
    "replay": (
        _least("P29", "second replay of events", "first processing", 2, 5),
        _most("P29a", "vendor writes of the second replay", "", 0, 0, "writes"),
    ),
    "pages": (_most("P31", "list of 100,000 invoices, p95", "of 100", 3, 1.5),),
    "storage": (_most("P32", "storage per synchronized and paid invoice", "", 8, 4, "kB"),),
    "statement": (
        _most("S1", "slowest format of a month of 10,000 invoices", "", 30, 10, "s"),
        _most("S2", "memory for it", "", 300, 200, "MB"),
    ),
    "reconciliation": (
        _most("S3", "comparison of 10,000 invoices, 100 changed", "", 20, 10, "s"),
        _most("S4", "calls of a comparison of 10,000, nothing changed", "", 220, 205, "calls"),
    ),
}
MEASURES: dict[str, Measure] = {row.id: row for rows in FAMILIES.values() for row in rows}
