"""The statement as one HTML page, for reading and printing, without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, BinaryIO

from django.template.loader import render_to_string

from connector.statement.cells import SENTENCES, Amount, Table, numeric, shown

_ROOM = dict.fromkeys(SENTENCES, "24em") | dict.fromkeys(("Client", "Payer"), "14em")
MARK = "<!-- rows -->"


def write(tables: Iterable[Table], title: str, out: BinaryIO) -> None:
    """Write the page. The frame is a template; rows are streamed into it, escaped."""
    found = list(tables)
    values = {"title": title, "tables": found, "mark": MARK, "looks": _looks(found)}
    page = render_to_string("connector/statement/page.html", values)
    parts = page.split(MARK)
    for part, table in zip(parts, found, strict=False):
        out.write(part.encode())
        out.writelines(_row(row).encode() for row in table.rows())
    out.write(parts[-1].encode())


def _looks(tables: Iterable[Table]) -> str:
    """Which columns are at the right, which hold sentences, and which are not printed."""
    rules = []
    for table in tables:
        each = zip(table.columns, table.widths, numeric(table), strict=True)
        for place, (name, width, is_numeric) in enumerate(each, start=1):
            column = f"#{table.name} ~ .wide :is(th, td):nth-child({place})"
            if is_numeric:
                rules.append(f"{column} {{ text-align: right; }}")
            if name in _ROOM:
                rules.append(f"{column} {{ min-width: {_ROOM[name]}; }}")
            if not width:
                rules.append(f"@media print {{ {column} {{ display: none; }} }}")
    return "\n".join(rules)


def _row(row: Any) -> str:
    cells = "".join(
        f"<td class=n>{escape(shown(cell))}</td>"
        if isinstance(cell, (Amount, int))
        else f'<td dir="auto">{escape(shown(cell))}</td>'
        for cell in row
    )
    return f"<tr>{cells}</tr>\n"
