"""What tables are made of: cells, amounts among them, columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from connector.errors import UnsupportedCurrency
from connector.money import Money


@dataclass(frozen=True, slots=True)
class Amount:
    """Minor units of a currency."""

    minor: int
    currency: str


Cell = str | int | date | Amount | None
Row = Sequence[Cell]

# Columns of sentences: they get room, and more than one line.
SENTENCES = frozenset({"Why", "What it means", "What to do", "Means", "Reason", "Arrived after"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One table. `rows` may be asked for again and again; `widths` are those of the printed page.

    A column of width 0 is left out on paper: what it says is in the other formats.
    """

    name: str
    title: str
    note: str
    columns: tuple[str, ...]
    widths: tuple[int, ...]
    rows: Callable[[], Iterable[Row]]
    count: int


LOOKED_AT = 200  # rows that tell of which kind a column is


def numeric(table: Table) -> list[bool]:
    """For each column whether it holds amounts or counts: they are written at the right."""
    found = [False] * len(table.columns)
    for row in islice(table.rows(), LOOKED_AT):
        for place, cell in enumerate(row):
            found[place] = found[place] or isinstance(cell, (Amount, int))
    return found


def maybe(minor: int | None, currency: str) -> Amount | None:
    """An amount where there is one."""
    return None if minor is None else Amount(minor, currency)


def local(at: datetime, zone: ZoneInfo) -> str:
    """A time in the books' time zone, with its offset: unmistakable also when clocks change."""
    shown = at.astimezone(zone)
    offset = f"{shown:%z}"
    return f"{shown:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:]}"


def exact(amount: Amount) -> str:
    """As plain decimal text with the currency's places; minor units of an unknown one say so."""
    try:
        return Money(amount.minor, amount.currency).to_decimal_string()
    except UnsupportedCurrency:
        return f"{amount.minor} minor units"


def shown(cell: Cell) -> str:
    """For people to read: thousands apart."""
    if cell is None:
        return ""
    if not isinstance(cell, Amount):
        return str(cell)
    text = exact(cell)
    whole, point, fraction = text.lstrip("-").partition(".")
    if not whole.isdigit():
        return text
    sign = "−" if text.startswith("-") else ""
    return f"{sign}{int(whole):,}{point}{fraction}"
