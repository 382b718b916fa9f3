"""The statement as an Excel workbook: one sheet per table, amounts as numbers. Loaded when asked for.

An amount is written as the exact decimal it is, with a number format of its currency's places;
Excel itself counts in 15 digits, enough for any amount that is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, BinaryIO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from connector.currencies import EXPONENTS
from connector.statement.cells import Amount, Cell, Table
from connector.statement.csv_files import tame

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FORMATS = {places: f"#,##0{'.' * bool(places)}{'0' * places}" for places in (0, 2, 3, 4)}
_WIDTHS = {"Client": 30, "Why": 45, "Note": 30, "What it means": 60, "What to do": 45}


def write(tables: Iterable[Table], title: str, out: BinaryIO) -> None:
    """Write the workbook."""
    book = Workbook(write_only=True)
    book.properties.title = title
    for table in tables:
        sheet = book.create_sheet(table.title[:31])
        sheet.freeze_panes = "A2"
        for number, name in enumerate(table.columns, start=1):
            letter = sheet.column_dimensions[_letter(number)]
            letter.width = _WIDTHS.get(name, 18)
        sheet.append([_bold(sheet, name) for name in table.columns])
        for row in table.rows():
            sheet.append([_value(sheet, cell) for cell in row])
    book.save(out)


def _letter(number: int) -> str:
    """The name of a column: A, B, …, AA."""
    whole, rest = divmod(number - 1, 26)
    return (_letter(whole) if whole else "") + chr(ord("A") + rest)


def _bold(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=text)
    cell.font = Font(bold=True)
    return cell


def _value(sheet: Any, value: Cell) -> Any:
    if isinstance(value, str):
        return tame(_CONTROL.sub("�", value)) if value else None
    if not isinstance(value, Amount):
        return value
    places = EXPONENTS.get(value.currency)
    if places is None:
        return f"{value.minor} minor units"
    cell = WriteOnlyCell(sheet, value=Decimal(value.minor).scaleb(-places))
    cell.number_format = _FORMATS[places]
    return cell
