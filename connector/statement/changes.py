"""What changed in a month since somebody closed it: old figure, new figure, what arrived after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from connector.models import ClosedPeriod, MoneyFact
from connector.statement.cells import Amount, Row
from connector.statement.records import COLUMNS, Statement, difference, no_sums

PARTS = ("opening", "closing")
MOST_FACTS = 20  # named per invoice; the movements have them all
_WORDS = {
    "collected": "collected by Stripe",
    "returned": "returned by Stripe",
    "reported": "reported to Stripe",
    "recorded": "recorded by us in FreshBooks",
    "elsewhere": "paid elsewhere in FreshBooks",
    "credited": "credited in Stripe",
}


@dataclass(frozen=True, kw_only=True)
class Changed:
    """One invoice, or with number "" one currency's total: the sums then and now."""

    invoice: int | None
    number: str
    currency: str
    old: dict[str, dict[str, int]]  # part -> column -> minor units
    new: dict[str, dict[str, int]]
    facts: tuple[dict[str, str], ...]  # what arrived after

    def figures(self) -> Iterator[tuple[str, int, int]]:
        """Each figure that differs: its name, then, now."""
        for part in PARTS:
            for name in COLUMNS:
                old, new = self.old[part][name], self.new[part][name]
                if old != new:
                    yield f"{part}: {_WORDS[name]}", old, new


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Everything that changed; empty lists if nothing did."""

    closed_at: datetime
    closed_by: str
    statement_hash: str
    invoices: tuple[Changed, ...]
    totals: tuple[Changed, ...]

    @property
    def count(self) -> int:
        """How many rows the table has."""
        return sum(1 for _ in self.rows())

    def rows(self) -> Iterator[Row]:
        """As rows of a table: the totals first."""
        for row in (*self.totals, *self.invoices):
            facts = "; ".join(f"{fact['kind']} {fact['source']}" for fact in row.facts)
            for name, old, new in row.figures():
                amounts = (Amount(value, row.currency) for value in (old, new, new - old))
                yield (row.number or "Total", row.currency, name, *amounts, facts)

    def plain(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "closed_at": self.closed_at.isoformat(),
            "closed_by": self.closed_by,
            "statement_sha256": self.statement_hash,
            "invoices": [_plain(row) for row in self.invoices],
            "totals": [_plain(row) for row in self.totals],
        }


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What a month was closed with, and what the next one opens with, where they differ."""

    currency: str
    what: str
    closed: int
    opening: int


def carried_over(closed: ClosedPeriod, statement: Statement) -> tuple[Carried, ...]:
    """Compare the closed month before with what this one opens with.

    Every invoice with a difference is in both, so both differences are of the same invoices.
    """
    then = {row["currency"]: row for row in closed.figures["totals"]}
    now = {line.currency: line for line in statement.totals}
    found = []
    for currency in sorted({*then, *now}):
        old, line = then.get(currency), now.get(currency)
        pairs = (
            (
                "difference",
                difference(old["closing"]) if old else 0,
                difference(line.opening) if line else 0,
            ),
            (
                "Stripe money without invoice",
                old["loose_closing"] if old else 0,
                line.loose_opening if line else 0,
            ),
        )
        found += [
            Carried(currency=currency, what=what, closed=before, opening=after)
            for what, before, after in pairs
            if before != after
        ]
    return tuple(found)


def _plain(row: Changed) -> dict[str, Any]:
    return {
        "invoice": row.invoice,
        "number": row.number,
        "currency": row.currency,
        "old": row.old,
        "new": row.new,
        "facts": list(row.facts),
    }


def changes_since(closed: ClosedPeriod, statement: Statement) -> Changes:
    """Compare a closed month with its statement now. Inside the tenant's scope."""
    old = {(row["invoice"], row["currency"]): row for row in closed.figures["invoices"]}
    new = {
        (line.invoice, line.currency): {
            "number": line.number,
            "opening": dict(line.opening),
            "closing": dict(line.closing),
        }
        for line in statement.invoices
    }
    arrived = _arrived(closed, statement)
    invoices = tuple(
        found
        for key in sorted({*old, *new})
        if (found := _changed(*key, old.get(key), new.get(key), arrived)) is not None
    )
    return Changes(
        closed_at=closed.closed_at,
        closed_by=closed.closed_by,
        statement_hash=closed.statement_hash,
        invoices=invoices,
        totals=tuple(_totals(closed, statement)),
    )


def _changed(
    invoice: int,
    currency: str,
    old: dict[str, Any] | None,
    new: dict[str, Any] | None,
    arrived: dict[int, list[dict[str, str]]],
) -> Changed | None:
    before, after = _parts(old), _parts(new)
    if before == after:
        return None
    number = (new or old or {}).get("number", "")
    facts = tuple(arrived.get(invoice, [])[:MOST_FACTS])
    return Changed(
        invoice=invoice, number=number, currency=currency, old=before, new=after, facts=facts
    )


def _parts(figures: dict[str, Any] | None) -> dict[str, dict[str, int]]:
    """The sums; one that has no line stands at nothing."""
    return {part: no_sums() | (figures or {}).get(part, {}) for part in PARTS}


def _totals(closed: ClosedPeriod, statement: Statement) -> Iterator[Changed]:
    old = {row["currency"]: row for row in closed.figures["totals"]}
    new = {
        line.currency: {"opening": dict(line.opening), "closing": dict(line.closing)}
        for line in statement.totals
    }
    for currency in sorted({*old, *new}):
        before, after = _parts(old.get(currency)), _parts(new.get(currency))
        if before != after:
            yield Changed(
                invoice=None, number="", currency=currency, old=before, new=after, facts=()
            )


def _arrived(closed: ClosedPeriod, statement: Statement) -> dict[int, list[dict[str, str]]]:
    """The facts up to the month's end that were not known when it was closed, by invoice."""
    rows = (
        MoneyFact.objects.filter(invoice__isnull=False, happened_at__lt=statement.ends_at)
        .filter(Q(pk__gt=closed.figures["last_fact"]) | Q(seen_at__gt=closed.closed_at))
        .order_by("pk")
        .values(
            "kind", "source_id", "happened_at", "seen_at", fb=F("invoice__freshbooks_invoice_id")
        )
    )
    found: dict[int, list[dict[str, str]]] = defaultdict(list)
    for row in rows.iterator():
        found[row["fb"]].append(
            {
                "kind": row["kind"],
                "source": row["source_id"],
                "at": row["happened_at"].isoformat(),
                "seen_at": row["seen_at"].isoformat(),
            }
        )
    return found
