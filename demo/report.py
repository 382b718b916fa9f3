"""What the demo shows: lines as it goes, tables at the end. 100 columns, with or without colour."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.console import Console
from rich.table import Table

from demo.checks import Check, Outcome
from demo.expected import Expected
from demo.month import digits

WIDTH = 100


class Report:
    """Everything that is printed, with the seconds since the start."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        stream = sys.stderr if to_stderr else sys.stdout
        width = None if stream.isatty() else WIDTH
        self._console = Console(file=stream, width=width, highlight=False, soft_wrap=False)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def say(self, text: str) -> None:
        """One line of progress."""
        self._console.print(f"[dim]{self.seconds:6.1f} s[/]  {text}")

    def failed(self, title: str, problems: Iterable[object]) -> None:
        """What did not hold."""
        self._console.print(f"\n[bold red]{title}[/]")
        for problem in problems:
            self._console.print(f"  • {problem}", markup=False)

    def invoices(self, outcome: Outcome) -> None:
        """A tenant's invoices, one line each."""
        plan = outcome.business.plan
        table = _table(f"{plan.name} · payment mode {plan.mode}")
        for name in ("No.", "Client", "What happened", "Cur."):
            table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=26)
        for name in ("FreshBooks", "Stripe", "Diff.", "Collected", "Recorded"):
            table.add_column(name, justify="right", no_wrap=True)
        for one in outcome.business.expected.values():
            table.add_row(*_invoice_row(outcome, one))
        self._console.print(table)

    def totals(self, outcome: Outcome) -> None:
        """The sums per currency of what is on both sides."""
        table = _table("Sums of the invoices that are on both sides")
        table.add_column("Cur.")
        for name in (
            "Invoices",
            "FreshBooks",
            "Stripe",
            "Difference",
            "Collected",
            "Recorded",
            "By cheque",
        ):
            table.add_column(name, justify="right", no_wrap=True)
        for currency, row in sorted(_totals(outcome).items()):
            count, *amounts = row
            table.add_row(currency, str(count), *(_money(amount, currency) for amount in amounts))
        self._console.print(table)

    def discrepancies(self, outcome: Outcome, expected: Sequence[tuple[str, str]]) -> None:
        """Expected beside found, grouped by kind, with a reason."""
        table = _table("Discrepancies")
        table.add_column("Kind", no_wrap=True)
        table.add_column("Expected", justify="right")
        table.add_column("Found", justify="right")
        table.add_column("For example", overflow="ellipsis", no_wrap=True, max_width=54)
        found = outcome.standing.discrepancies
        kinds = sorted({kind for _, kind in expected} | {row.kind for row in found})
        for kind in kinds:
            rows = [row for row in found if row.kind == kind]
            reasons = sorted({row.explanation for row in rows}, key=len)
            table.add_row(
                kind,
                str(sum(1 for _, wanted in expected if wanted == kind)),
                str(len(rows)),
                reasons[-1] if reasons else "",
            )
        self._console.print(table)

    def work(self, outcomes: Sequence[Outcome]) -> None:
        """Jobs by state, and vendor calls by operation."""
        table = _table("Jobs, and calls to the vendors (in brackets: those that failed)")
        table.add_column("What")
        for outcome in outcomes:
            table.add_column(outcome.business.plan.name, justify="right")
        states = sorted({state for outcome in outcomes for state in outcome.standing.jobs})
        for state in states:
            table.add_row(f"jobs {state}", *(str(o.standing.jobs.get(state, 0)) for o in outcomes))
        table.add_section()
        for operation in sorted({name for o in outcomes for name in o.standing.calls}):
            if ".probe." not in operation:
                table.add_row(
                    operation, *(_calls(o.standing.calls.get(operation, {})) for o in outcomes)
                )
        self._console.print(table)

    def checks(self, checks: Sequence[Check]) -> None:
        """Every promise and whether it held."""
        self._console.print()
        for check in checks:
            mark = "[green]✓[/]" if check.held else "[bold red]✗[/]"
            self._console.print(f" {mark} {check.name}")
            if not check.held:
                self._console.print(f"     expected {check.expected}", markup=False)
                self._console.print(f"     found    {check.found}", markup=False)

    def facts(self, title: str, rows: Iterable[tuple[str, str]]) -> None:
        """Names and values, such as addresses."""
        self._console.print(f"\n[bold]{title}[/]")
        for name, value in rows:
            self._console.print(f"  {name:<24}", value, markup=False, soft_wrap=True)


def _table(title: str) -> Table:
    return Table(
        title=f"\n{title}",
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )


def _invoice_row(outcome: Outcome, one: Expected) -> tuple[str, ...]:
    figures = outcome.books.of(one.freshbooks_id)
    currency = one.currency
    difference = figures.stripe_total - figures.freshbooks_total
    stripe = _money(figures.stripe_total, currency) if one.synced else f"{one.in_stripe}"
    return (
        figures.number.lstrip("0"),
        one.client[:16],
        str(one.fate),
        currency,
        _money(figures.freshbooks_total, currency),
        stripe,
        _money(difference, currency) if one.synced else "–",
        _money(figures.collected, currency, zero="–"),
        _money(figures.recorded, currency, zero="–"),
    )


def _totals(outcome: Outcome) -> dict[str, tuple[int, ...]]:
    sums: dict[str, list[int]] = {}
    for one in outcome.business.expected.values():
        if not one.synced:
            continue
        found = outcome.books.of(one.freshbooks_id)
        row = sums.setdefault(one.currency, [0] * 7)
        amounts = (
            1,
            found.freshbooks_total,
            found.stripe_total,
            found.stripe_total - found.freshbooks_total,
            found.collected,
            found.recorded,
            found.by_people,
        )
        for place, amount in enumerate(amounts):
            row[place] += amount
    return {currency: tuple(row) for currency, row in sums.items()}


def _money(minor: int, currency: str, *, zero: str = "") -> str:
    if minor == 0:
        return zero or "0"
    places = digits(currency)
    return f"{Decimal(minor).scaleb(-places):,.{places}f}"


def _calls(by_outcome: dict[str, int]) -> str:
    total, fine = sum(by_outcome.values()), by_outcome.get("ok", 0)
    return f"{total} ({total - fine})" if total != fine else str(total)
