"""The statement as one HTML page, for reading and printing, without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, BinaryIO

from django.template.loader import render_to_string

from connector.statement.cells import Amount, Table, shown

MARK = "<!-- rows -->"


def write(tables: Iterable[Table], title: str, out: BinaryIO) -> None:
    """Write the page. The frame is a template; rows are streamed into it, escaped."""
    found = list(tables)
    page = render_to_string(
        "connector/statement/page.html", {"title": title, "tables": found, "mark": MARK}
    )
    parts = page.split(MARK)
    for part, table in zip(parts, found, strict=False):
        out.write(part.encode())
        out.writelines(_row(row).encode() for row in table.rows())
    out.write(parts[-1].encode())


def _row(row: Any) -> str:
    cells = "".join(
        f"<td class=n>{escape(shown(cell))}</td>"
        if isinstance(cell, (Amount, int))
        else f'<td dir="auto">{escape(shown(cell))}</td>'
        for cell in row
    )
    return f"<tr>{cells}</tr>\n"
