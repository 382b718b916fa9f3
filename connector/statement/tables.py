"""The statement as tables: what CSV, XLSX, PDF and HTML show, so that all show the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from connector.models import Discrepancy
from connector.statement import money_tables
from connector.statement.about import about_table, words_table
from connector.statement.cells import Amount, Row, Table, local, maybe
from connector.statement.changes import Carried, Changes
from connector.statement.explaining import KINDS
from connector.statement.making import Made
from connector.statement.records import (
    InvoiceLine,
    Statement,
    Sums,
    difference,
)

UNEXPLAINED = "UNEXPLAINED: look at this invoice"


def stripe_side(sums: Sums) -> int:
    """What Stripe counts as paid."""
    return sums["collected"] + sums["returned"] + sums["reported"]


def book_side(sums: Sums) -> int:
    """What FreshBooks counts as paid."""
    return sums["recorded"] + sums["elsewhere"]


def tables_of(made: Made) -> list[Table]:
    """All tables, in the order they are read."""
    statement = made.statement
    zone = ZoneInfo(statement.time_zone)
    found = [
        about_table(made, zone),
        _totals(statement),
        _invoices(statement),
        _reasons(statement),
        money_tables.movements_table(statement, zone),
        money_tables.unmatched_table(statement),
        money_tables.payouts_table(statement),
        money_tables.payout_lines_table(statement, zone),
        money_tables.not_paid_out_table(statement, zone),
        _open(statement, zone),
    ]
    if made.carried:
        found.insert(2, _carried(made.carried))
    if made.changes is not None:
        found.append(_changed(made.changes))
    return [*found, words_table()]


def _totals(statement: Statement) -> Table:
    def rows() -> Iterator[Row]:
        for line in statement.totals:
            yield (
                line.currency,
                line.invoices,
                *_both(line.opening, line.currency),
                *_moved(line.moved, line.currency),
                *_both(line.closing, line.currency),
                *(
                    Amount(value, line.currency)
                    for value in (
                        difference(line.opening),
                        line.difference,
                        line.difference - line.unexplained,
                        line.unexplained,
                        line.loose_closing,
                        line.loose_held,
                    )
                ),
            )

    columns = ("Currency", "Invoices", *_BOTH_OPENING, *_MOVED, *_BOTH_CLOSING)
    return Table(
        name="totals",
        title="Totals",
        note="Difference is what Stripe counts as paid beyond FreshBooks, at the end of the month.",
        columns=(
            *columns,
            "Opening difference",
            "Difference",
            "Explained",
            "Unexplained",
            "Without invoice",
            "Of it held by Stripe",
        ),
        widths=(17, 15, 21, 22, 21, 20, 20, 20, 20, 21, 22, 20, 20, 20, 21, 20, 0),
        rows=rows,
        count=len(statement.totals),
    )


_BOTH_OPENING = ("Opening Stripe", "Opening FreshBooks")
_BOTH_CLOSING = ("Closing Stripe", "Closing FreshBooks")
_MOVED = ("Collected", "Returned", "Reported", "Recorded", "Paid elsewhere")


def _both(sums: Sums, currency: str) -> tuple[Amount, Amount]:
    return Amount(stripe_side(sums), currency), Amount(book_side(sums), currency)


def _moved(sums: Sums, currency: str) -> Iterator[Amount]:
    for name in ("collected", "returned", "reported", "recorded", "elsewhere"):
        yield Amount(sums[name], currency)


def _invoices(statement: Statement) -> Table:
    columns = (
        "Invoice",
        "Client",
        "Issued",
        "Currency",
        *_BOTH_OPENING,
        *_MOVED,
        *_BOTH_CLOSING,
        "Difference",
        "Why",
        "Unexplained",
        "FreshBooks status",
        "FreshBooks total",
        "FreshBooks paid",
        "FreshBooks outstanding",
        "Stripe status",
        "Stripe total",
        "Stripe paid",
        "Stripe remaining",
        "Credited in Stripe",
        "Unknown in FreshBooks",
        "FreshBooks id",
        "Stripe invoice",
    )
    return Table(
        name="invoices",
        title="Invoices",
        note="Every invoice with a movement in the month or with anything open. The vendors' own "
        "figures are what they said last, not at the end of the month.",
        columns=columns,
        widths=(36, 60, 0, 26, *(35,) * 10, 110, *(0,) * 13),
        rows=lambda: (_invoice(line) for line in statement.invoices),
        count=len(statement.invoices),
    )


def _invoice(line: InvoiceLine) -> Row:
    code = line.currency
    return (
        line.number,
        line.client,
        line.issued_on,
        code,
        *_both(line.opening, code),
        *_moved(line.moved, code),
        *_both(line.closing, code),
        Amount(line.difference, code),
        _why(line),
        Amount(line.unexplained, code),
        line.freshbooks_status,
        maybe(line.freshbooks_total, code),
        maybe(line.freshbooks_paid, code),
        maybe(line.freshbooks_outstanding, code),
        line.stripe_status,
        maybe(line.stripe_total, code),
        maybe(line.stripe_paid, code),
        maybe(line.stripe_remaining, code),
        Amount(line.closing["credited"], code),
        Amount(line.freshbooks_unknown, code),
        str(line.invoice),
        line.stripe_invoice,
    )


def _why(line: InvoiceLine) -> str:
    reasons = sorted({KINDS[part.kind] for part in line.explained})
    return "; ".join([*reasons, UNEXPLAINED] if line.unexplained else reasons)


def _reasons(statement: Statement) -> Table:
    def rows() -> Iterator[Row]:
        for line in statement.invoices:
            for part in line.explained:
                amount = Amount(part.amount, line.currency)
                yield line.number, line.currency, amount, KINDS[part.kind], part.payment
            if line.unexplained:
                amount = Amount(line.unexplained, line.currency)
                yield line.number, line.currency, amount, UNEXPLAINED, ""

    return Table(
        name="differences",
        title="Where the differences come from",
        note="Each part of each invoice's difference. They add up to the difference to the cent.",
        columns=("Invoice", "Currency", "Amount", "Why", "Payment"),
        widths=(40, 20, 30, 120, 60),
        rows=rows,
        count=sum(len(line.explained) + bool(line.unexplained) for line in statement.invoices),
    )


_SEVERITIES = {str(value): str(label) for value, label in Discrepancy.Severity.choices}


def _open(statement: Statement, zone: ZoneInfo) -> Table:
    return Table(
        name="discrepancies",
        title="Open discrepancies",
        note="Open at the end of the month.",
        columns=(
            *("Invoice", "Kind", "Severity", "Currency", "FreshBooks", "Stripe"),
            *("What it means", "What to do", "Owner", "Open since", "Closed"),
        ),
        widths=(24, 38, 24, 16, 21, 21, 83, 52, 0, 0, 0),
        rows=lambda: (
            (
                row.number or row.subject,
                row.kind.replace("_", " "),
                _SEVERITIES.get(row.severity, row.severity),
                row.currency,
                maybe(row.freshbooks, row.currency),
                maybe(row.stripe, row.currency),
                row.explanation,
                row.step,
                row.owner,
                local(row.opened_at, zone),
                local(row.closed_at, zone) if row.closed_at else "",
            )
            for row in statement.open_differences
        ),
        count=len(statement.open_differences),
    )


def _changed(changes: Changes) -> Table:
    return Table(
        name="changes",
        title="Changed since the month was closed",
        note=f"Closed {changes.closed_at:%Y-%m-%d %H:%M} UTC by {changes.closed_by}.",
        columns=("Invoice", "Currency", "Figure", "When closed", "Now", "Change", "Arrived after"),
        widths=(34, 18, 40, 32, 32, 32, 89),
        rows=changes.rows,
        count=changes.count,
    )


def _carried(carried: tuple[Carried, ...]) -> Table:
    return Table(
        name="carried",
        title="Opening against the closed month before",
        note="The month before was closed, and what is known of it has changed since. Its own "
        "statement shows which invoices and facts.",
        columns=("Currency", "What", "When it was closed", "Opening now"),
        widths=(20, 80, 40, 40),
        rows=lambda: (
            (
                row.currency,
                row.what,
                Amount(row.closed, row.currency),
                Amount(row.opening, row.currency),
            )
            for row in carried
        ),
        count=len(carried),
    )
