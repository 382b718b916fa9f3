"""The invoices of a statement, one line each, made while the tables are read side by side."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from connector.models import InvoiceLink
from connector.statement import reading
from connector.statement.explaining import Collected, Sides, explain
from connector.statement.records import COLUMNS, InvoiceLine, difference, no_sums

LEFT_ALONE = (InvoiceLink.State.SKIPPED, InvoiceLink.State.REMOVED)
_DIGITS = re.compile(r"(\d+)")
_STRIPE_COLUMNS = ("collected", "returned")
_BOOK_COLUMNS = ("recorded", "elsewhere")


@dataclass(kw_only=True, slots=True)
class _Sums:
    """The facts of one invoice in one currency, added up."""

    opening: dict[str, int] = field(default_factory=no_sums)
    moved: dict[str, int] = field(default_factory=no_sums)
    later: dict[str, int] = field(default_factory=no_sums)
    sides: Sides = field(default_factory=Sides)
    touched: bool = False  # something happened in the month, even if it moves no money

    def add(self, fact: reading.InvoiceFact, start: datetime, end: datetime) -> None:
        """Count one fact at its time."""
        part = self.opening if fact.at < start else self.moved if fact.at < end else self.later
        self.touched = self.touched or part is self.moved
        if fact.column:
            part[fact.column] += fact.amount
            self._add_side(fact, later=part is self.later)

    def _add_side(self, fact: reading.InvoiceFact, *, later: bool) -> None:
        if fact.column in _BOOK_COLUMNS:
            side = self.sides.book_later if later else self.sides.book
            side[fact.reference] += fact.amount
            if fact.column == "recorded":
                self.sides.ours.add(fact.reference)
        elif not later and fact.column in _STRIPE_COLUMNS:
            self.sides.stripe[fact.reference] += fact.amount
        elif fact.column == "reported":
            side = self.sides.reported_later if later else self.sides.reported
            side[fact.reference] += fact.amount

    @property
    def closing(self) -> dict[str, int]:
        """What stood at the end of the month."""
        return {name: self.opening[name] + self.moved[name] for name in COLUMNS}


def invoice_lines(
    start: datetime, end: datetime, *, after: date, last: int
) -> Iterator[InvoiceLine]:
    """Every invoice with a movement in the month, or with anything open at its begin or end.

    One in two currencies has two lines. Walks all tables side by side, in the order of invoices.
    """
    facts, payments = reading.facts_by_invoice(last), reading.payments_by_invoice()
    for invoice in reading.invoice_rows():
        pk = invoice["pk"]
        known = [_collected(row) for row in payments.take(pk)]
        sums: dict[str, _Sums] = defaultdict(_Sums)
        for row in facts.take(pk):
            sums[row[1]].add(reading.to_fact(row), start, end)
        sums.setdefault(invoice["currency"], _Sums())  # a line even without any fact
        for currency in sorted(sums):
            if _belongs(invoice, currency, sums[currency], after):
                yield _line(invoice, currency, sums[currency], known)


def by_number(line: InvoiceLine) -> tuple[Any, ...]:
    """In the order in which people count: 2 before 10, INV-9 before INV-10."""
    parts = _DIGITS.split(line.number.casefold())
    natural = tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)
    return natural, line.invoice, line.currency


def _collected(row: tuple[Any, ...]) -> Collected:
    _, intent, charge, recording, own, unclear, changed, dispute, undone, asked, shown, by_hand = (
        row
    )
    number = by_hand or own
    return Collected(
        payment=intent or charge,
        recording=recording,
        freshbooks_payment="" if number is None else str(number),
        refunds_unclear=unclear,
        changed_by_person=changed,
        dispute=dispute,
        undone=undone,
        asked=asked,
        shown=shown,
    )


def _belongs(invoice: dict[str, Any], currency: str, sums: _Sums, after: date) -> bool:
    closing = sums.closing
    if sums.touched or difference(sums.opening) or difference(closing):
        return True
    if currency != invoice["currency"] or invoice["state"] in LEFT_ALONE:
        return False
    issued = invoice["issued_on"] or invoice["created_at"].date()
    if issued >= after or invoice["freshbooks_vis_state"] != 0:
        return False
    total = invoice["freshbooks_total_minor"] or 0
    return bool(total != closing["recorded"] + closing["elsewhere"])


def _line(
    invoice: dict[str, Any], currency: str, sums: _Sums, known: Sequence[Collected]
) -> InvoiceLine:
    closing = sums.closing
    of_this = [row for row in known if row.payment in sums.sides.stripe]
    explained = explain(sums.sides, of_this)
    gap = difference(closing)
    is_main = currency == invoice["currency"]
    figures = {name: invoice[f"{name}_minor"] if is_main else None for name in _FIGURES}
    return InvoiceLine(
        invoice=invoice["freshbooks_invoice_id"],
        number=invoice["number"],
        client=invoice["client__name"] or "",
        currency=currency,
        issued_on=invoice["issued_on"],
        due_on=invoice["due_on"],
        stripe_invoice=invoice["stripe_invoice_id"],
        opening=sums.opening,
        moved=sums.moved,
        closing=closing,
        later=sums.later,
        difference=gap,
        explained=explained,
        unexplained=gap - sum(part.amount for part in explained),
        freshbooks_status=invoice["freshbooks_status"],
        stripe_status=invoice["stripe_status"],
        freshbooks_unknown=_unknown(figures["freshbooks_paid"], sums),
        **figures,
    )


_FIGURES = (
    "freshbooks_total",
    "freshbooks_paid",
    "freshbooks_outstanding",
    "stripe_total",
    "stripe_paid",
    "stripe_remaining",
)


def _unknown(paid: int | None, sums: _Sums) -> int:
    """What FreshBooks says was paid now, beyond all payments that are known, of any time."""
    if paid is None:
        return 0
    closing = sums.closing
    return paid - sum(closing[name] + sums.later[name] for name in _BOOK_COLUMNS)
