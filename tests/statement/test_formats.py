"""Every format shows the same figures, exactly, and takes no name for a formula or for markup."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import zipfile
import zlib
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest
from openpyxl import load_workbook

from connector.statement.cells import Amount, exact, shown
from connector.statement.closing import close_month
from connector.statement.csv_files import tame
from connector.statement.formats import FORMATS, TABLE_FORMATS, file_name, write_format
from connector.statement.making import Made, make_statement
from connector.statement.months import Month
from connector.statement.tables import tables_of
from tests.pipeline.shop import cause
from tests.statement import busy
from tests.statement.books import Books, at

MARCH = Month(2026, 3)


@pytest.fixture
def made(books: Books) -> Made:
    busy.fill(books)
    books.record(books.invoice("<b>INV</b>", client="Müller & <i>Söhne</i>\x07"), 100, at(5))
    return make_statement(books.tenant, MARCH)


def written(made: Made, name: str) -> bytes:
    out = io.BytesIO()
    write_format(made, name, out)
    return out.getvalue()


class _Cells(HTMLParser):
    """The texts of a page's table cells, by the id of the heading above."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._name, self._in_cell = "", False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "h2":
            self._name = dict(attrs)["id"]
            self.tables[self._name] = []
        elif tag == "tr":
            self.tables[self._name].append([])
        elif tag == "td":
            self.tables[self._name][-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.tables[self._name][-1][-1] += data


def test_csv_has_every_cell(made: Made) -> None:
    with zipfile.ZipFile(io.BytesIO(written(made, "csv"))) as archive:
        for table in tables_of(made):
            text = archive.read(f"{table.name}.csv").decode("utf-8-sig")
            head, *rows = csv.reader(io.StringIO(text, newline=""))
            assert tuple(head) == table.columns
            assert rows == [[_as_csv(cell) for cell in row] for row in table.rows()]
            assert len(rows) == table.count
            for cell in (cell for row in rows for cell in row):
                assert not cell.startswith(("=", "+", "@")), cell
                assert not cell.startswith("-") or re.fullmatch(r"-[0-9.]+", cell), cell


def _as_csv(cell: Any) -> str:
    if isinstance(cell, Amount):
        return exact(cell)
    if isinstance(cell, str):
        return tame(cell)
    return "" if cell is None else str(cell)


def test_formulas_are_tamed() -> None:
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert tame(text) == f"'{text}"
    assert tame("Maple = good") == "Maple = good"


def test_xlsx_has_the_same_amounts_as_numbers(made: Made) -> None:
    book = load_workbook(io.BytesIO(written(made, "xlsx")))
    tables = tables_of(made)
    assert book.sheetnames == [table.title[:31] for table in tables]
    for table in tables:
        _head, *rows = book[table.title[:31]].iter_rows()
        for cells, row in zip(rows, table.rows(), strict=True):
            for cell, value in zip(cells, row, strict=False):
                if isinstance(value, Amount):
                    assert Decimal(str(cell.value)) == Decimal(exact(value)), (table.name, value)
                    places = {"JPY": "#,##0", "KWD": "#,##0.000"}.get(value.currency, "#,##0.00")
                    assert cell.number_format == places
                else:
                    assert cell.data_type != "f", value


def test_html_has_the_same_cells_escaped(made: Made) -> None:
    page = written(made, "html").decode()
    parser = _Cells()
    parser.feed(page)
    for table in tables_of(made):
        wanted = [[shown(cell) for cell in row] for row in table.rows()]
        assert parser.tables[table.name][1:] == wanted, table.name
    assert "<b>INV" not in page
    assert "<i>S" not in page
    assert not re.search(r"(src|href)=\"?http", page)
    assert page.count('<th scope="col">') == sum(len(table.columns) for table in tables_of(made))


def test_pdf_is_made_of_any_name(made: Made) -> None:
    data = written(made, "pdf")
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert data.count(b"/FontFile2") >= 1  # embedded


def streams_of(data: bytes) -> list[str]:
    """What is drawn, as PDF operators: each page, and what all pages share."""
    found = []
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            found.append(zlib.decompressobj().decompress(stream).decode("latin-1"))
        except zlib.error:
            found.append(stream.decode("latin-1"))
    return found


def pages_of(data: bytes) -> list[str]:
    return [text for text in streams_of(data) if "(Page " in text]


def test_pdf_shows_every_amount_of_the_columns_on_paper(made: Made) -> None:
    drawn = "\n".join(pages_of(written(made, "pdf")))
    for table in tables_of(made):
        for row in table.rows():
            for cell, width in zip(row, table.widths, strict=True):
                if width and isinstance(cell, Amount) and cell.minor >= 0:
                    assert f"({shown(cell)}) Tj" in drawn, (table.name, cell)


def test_pdf_numbers_its_pages_and_repeats_the_heads_of_tables(books: Books) -> None:
    for number in range(120):
        books.record(books.invoice(f"INV-{number}"), 100, at(5))
    data = written(make_statement(books.tenant, MARCH), "pdf")
    pages = pages_of(data)
    assert [f"(Page {n}) Tj" in page for n, page in enumerate(pages, 1)] == [True] * len(pages)
    assert len(pages) > 3
    assert any(f"(of {len(pages)}) Tj" in text for text in streams_of(data))
    for page in pages:
        if "(INV-" in page:
            assert "(Invoice) Tj" in page


def test_long_sentences_are_wrapped_and_not_cut(books: Books) -> None:
    name = "The quite long name of a company that trades in very many different places Ltd."
    books.record(books.invoice("INV-1", client=name), 100, at(5))
    drawn = "\n".join(pages_of(written(make_statement(books.tenant, MARCH), "pdf")))
    shown_words = " ".join(re.findall(r"\(([^()]*)\) Tj", drawn))
    for word in name.split():
        assert word in shown_words
    assert "…" not in drawn


def test_invoices_stand_in_the_order_in_which_people_count(books: Books) -> None:
    for number in ("INV-10", "INV-9", "inv-2", "2", "10", "INV-2a", ""):
        books.record(books.invoice(number), 100, at(5))
    made = make_statement(books.tenant, MARCH)
    numbers = [line.number for line in made.statement.invoices]
    assert numbers == ["", "2", "10", "inv-2", "INV-2a", "INV-9", "INV-10"]


def test_it_says_whether_the_month_is_closed(books: Books) -> None:
    def closing() -> str:
        about = tables_of(make_statement(books.tenant, MARCH))[0]
        return next(str(row[1]) for row in about.rows() if row[0] == "Closing")

    books.record(books.invoice("INV-1"), 100, at(5))
    assert closing() == "This month is not closed."
    close_month(books.tenant, MARCH, cause=cause())
    assert "Nothing changed since." in closing()
    books.record(books.invoice("INV-2"), 100, at(6))
    assert "figures changed since" in closing()


def test_json_is_the_statement(made: Made) -> None:
    found = json.loads(written(made, "json"))
    assert found["format"] == "ml-connector-statement/1"
    assert found == made.statement.plain()


def test_every_format_is_the_same_when_made_again(made: Made) -> None:
    for name in ("json", "csv", "html", "xlsx", "pdf"):
        assert written(made, name) == written(made, name), name


def test_names_of_files(made: Made) -> None:
    assert file_name(made, "pdf") == f"{made.statement.tenant}-2026-03.pdf"
    assert {name: found.ending for name, found in FORMATS.items()} == {
        "html": "html",
        "csv": "csv.zip",
        "xlsx": "xlsx",
        "pdf": "pdf",
        "json": "json",
        "bundle": "bundle.zip",
    }


def test_an_empty_month_has_every_format(books: Books) -> None:
    empty = make_statement(books.tenant, Month(2020, 1))
    for name in TABLE_FORMATS:
        assert written(empty, name)


def test_amounts_for_people() -> None:
    assert shown(Amount(-123456789, "CAD")) == "−1,234,567.89"
    assert shown(Amount(5, "JPY")) == "5"
    assert shown(Amount(1234567, "KWD")) == "1,234.567"
    assert shown(Amount(5, "XXX")) == exact(Amount(5, "XXX")) == "5 minor units"
    assert shown(None) == ""


def test_libraries_are_loaded_only_when_asked_for() -> None:
    """Web and workers shall not carry them in memory."""
    code = (
        "import django, sys; django.setup(); import connector.statement.formats;"
        "print(sorted({'xlsxwriter', 'reportlab', 'bidi', 'pymupdf_fonts', 'PIL'} & set(sys.modules)))"
    )
    settings = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "of this test alone " * 3,
        "FIELD_ENCRYPTION_KEYS": "of this test alone",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
