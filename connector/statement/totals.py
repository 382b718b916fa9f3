"""The sums of a statement, by currency. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from connector.statement.records import (
    COLUMNS,
    HELD,
    BalanceLine,
    ByCurrency,
    InvoiceLine,
    LooseLine,
    Movement,
    OpenDifference,
    PayoutLine,
    Sums,
    TotalLine,
    difference,
    no_sums,
)


def totals_of(
    invoices: Iterable[InvoiceLine], unmatched: Iterable[LooseLine]
) -> tuple[TotalLine, ...]:
    """One line for each currency."""
    of_invoices: dict[str, list[InvoiceLine]] = defaultdict(list)
    of_loose: dict[str, list[LooseLine]] = defaultdict(list)
    for invoice in invoices:
        of_invoices[invoice.currency].append(invoice)
    for loose in unmatched:
        of_loose[loose.currency].append(loose)
    return tuple(
        _total(currency, of_invoices[currency], of_loose[currency])
        for currency in sorted({*of_invoices, *of_loose})
    )


def _total(currency: str, invoices: list[InvoiceLine], loose: list[LooseLine]) -> TotalLine:
    explained: dict[str, int] = defaultdict(int)
    for invoice in invoices:
        for part in invoice.explained:
            explained[part.kind] += part.amount
    closing = _added(line.closing for line in invoices)
    return TotalLine(
        currency=currency,
        invoices=len(invoices),
        opening=_added(line.opening for line in invoices),
        moved=_added(line.moved for line in invoices),
        closing=closing,
        later=_added(line.later for line in invoices),
        difference=difference(closing),
        explained=dict(explained),
        unexplained=sum(line.unexplained for line in invoices),
        loose_opening=sum(line.opening for line in loose),
        loose_moved=sum(line.moved for line in loose),
        loose_closing=sum(line.closing for line in loose),
        loose_held=sum(line.closing for line in loose if line.state == HELD),
        freshbooks_total=sum(line.freshbooks_total or 0 for line in invoices),
        freshbooks_paid=sum(line.freshbooks_paid or 0 for line in invoices),
        freshbooks_outstanding=sum(line.freshbooks_outstanding or 0 for line in invoices),
        stripe_total=sum(line.stripe_total or 0 for line in invoices),
        stripe_paid=sum(line.stripe_paid or 0 for line in invoices),
        stripe_remaining=sum(line.stripe_remaining or 0 for line in invoices),
        freshbooks_unknown=sum(line.freshbooks_unknown for line in invoices),
    )


def _added(parts: Iterable[Sums]) -> Sums:
    sums = no_sums()
    for part in parts:
        for name in COLUMNS:
            sums[name] += part[name]
    return sums


def control_of(
    movements: Iterable[Movement],
    payouts: Iterable[PayoutLine],
    not_paid_out: Iterable[BalanceLine],
    differences: Iterable[OpenDifference],
) -> Mapping[str, ByCurrency]:
    """Sums over figures that are shown but enter no other sum: a changed one is found by them."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def add(name: str, currency: str, amount: int | None) -> None:
        sums[name][currency] += amount or 0

    for move in movements:
        add("movements.amount", move.currency, move.amount)
        add("movements.about", move.currency, move.about)
        add("movements.presentment", move.presentment_currency, move.presentment)
        add("movements.settlement", move.settlement_currency, move.settlement)
        add("movements.fee", move.settlement_currency, move.fee)
    for payout in payouts:
        add("payouts.amount", payout.currency, payout.amount)
        for line in payout.lines:
            add("payouts.charged", line.charged_currency, line.charged)
    for line in not_paid_out:
        add("not_paid_out.net", line.currency, line.net)
        add("not_paid_out.charged", line.charged_currency, line.charged)
    for row in differences:
        add("open_differences.freshbooks", row.currency, row.freshbooks)
        add("open_differences.stripe", row.currency, row.stripe)
    return {name: dict(sorted(by.items())) for name, by in sorted(sums.items())}
