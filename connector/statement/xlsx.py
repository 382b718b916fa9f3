"""The statement as an Excel workbook: one sheet per table, amounts as numbers. Loaded when asked for.

An amount is written as the exact decimal it is, with a number format of its currency's places;
Excel itself counts in 15 digits, enough for any amount that is accepted. Rows go to a file as they
are written, so that memory does not grow with the month.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

from xlsxwriter import Workbook

from connector.currencies import EXPONENTS
from connector.statement.cells import SENTENCES, Amount, Cell, Table
from connector.statement.csv_files import tame

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FORMATS = {places: f"#,##0{'.' * bool(places)}{'0' * places}" for places in (0, 2, 3, 4)}
_WIDTHS = {"Invoice": 14, "Currency": 9, "Client": 32, "Why": 60, "Note": 30}
_WIDTHS |= {"What it means": 70, "What to do": 55, "Means": 90, "Stripe invoice": 30, "Issued": 11}
_A4 = 9
_LONGEST = 32_767  # characters that Excel takes in one cell
_MADE = datetime(1980, 1, 1, tzinfo=UTC)  # the same file whenever it is made


def write(tables: Iterable[Table], title: str, out: BinaryIO) -> None:
    """Write the workbook."""
    book = Workbook(out, {"constant_memory": True})
    book.set_properties({"title": title, "created": _MADE})
    looks = _Looks(book)
    for table in tables:
        sheet = book.add_worksheet(table.title[:31])
        _lay_out(sheet, table, title, looks)
        is_wrapped = [name in SENTENCES for name in table.columns]
        for number, row in enumerate(table.rows(), start=1):
            for column, cell in enumerate(row):
                if cell is not None and cell != "":
                    _put(sheet, number, column, cell, looks, wrap=is_wrapped[column])
    book.close()


class _Looks:
    """The few formats that all cells share."""

    def __init__(self, book: Workbook) -> None:
        self.head = book.add_format(
            {
                "bold": True,
                "bottom": 1,
                "text_wrap": True,
                "valign": "vcenter",
                "bg_color": "#EEEEEE",
            }
        )
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"})
        self.text = book.add_format({"valign": "top"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.amounts = {
            places: book.add_format({"num_format": text, "valign": "top"})
            for places, text in _FORMATS.items()
        }


def _lay_out(sheet: Any, table: Table, title: str, looks: _Looks) -> None:
    """Widths, the row of names that stays in sight, and how it is printed."""
    for column, name in enumerate(table.columns):
        sheet.set_column(column, column, _WIDTHS.get(name, 17))
        sheet.write_string(0, column, name, looks.head)
    sheet.freeze_panes(1, 1)
    if table.count:
        sheet.autofilter(0, 0, table.count, len(table.columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(_A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_header(f"&L{title.replace('&', '&&')}&R{table.title}")
    sheet.set_footer("&RPage &P of &N")


def _put(sheet: Any, row: int, column: int, cell: Cell, looks: _Looks, *, wrap: bool) -> None:
    if isinstance(cell, Amount):
        places = EXPONENTS.get(cell.currency)
        if places is None:
            sheet.write_string(row, column, f"{cell.minor} minor units", looks.text)
        else:
            value = Decimal(cell.minor).scaleb(-places)
            sheet.write_number(row, column, value, looks.amounts[places])
    elif isinstance(cell, str):
        text = tame(_CONTROL.sub("�", cell))[:_LONGEST]
        sheet.write_string(row, column, text, looks.wrapped if wrap else looks.text)
    elif isinstance(cell, date):
        sheet.write_datetime(row, column, cell, looks.day)
    else:
        sheet.write_number(row, column, cell, looks.text)
