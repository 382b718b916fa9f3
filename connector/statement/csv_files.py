"""The statement as CSV: a zip with one file per table, in UTF-8 that Excel recognises."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from typing import BinaryIO

from connector.statement.cells import Amount, Cell, Table, exact
from connector.statement.packing import entry

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def write(tables: Iterable[Table], title: str, out: BinaryIO) -> None:
    """Write the zip. `title` stands in no file: each has nothing but its table."""
    del title
    with zipfile.ZipFile(out, "w") as archive:
        for table in tables:
            with archive.open(entry(f"{table.name}.csv"), "w") as raw:
                text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
                lines = csv.writer(text)
                lines.writerow(table.columns)
                for row in table.rows():
                    lines.writerow([_plain(cell) for cell in row])
                text.flush()
                text.detach()


def _plain(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Amount):
        return exact(cell)
    return tame(cell) if isinstance(cell, str) else str(cell)


def tame(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe goes before it."""
    return f"'{text}" if text.startswith(RISKY) else text
