"""docs/statement.md names every reason, format and column, and its example adds up."""

from __future__ import annotations

from datetime import timedelta

from connector.statement.building import build_statement
from connector.statement.cells import Amount, shown
from connector.statement.explaining import KINDS
from connector.statement.formats import FORMATS
from connector.statement.making import make_statement
from connector.statement.months import Month
from connector.statement.tables import tables_of
from tenants.scope import tenant_scope
from tests.docs.reading import first_words, rows, section, text_of
from tests.factories import make_tenant
from tests.statement.books import Books, at

PAGE = "statement.md"


def test_every_reason_is_there_with_the_words_of_the_statement() -> None:
    table = rows(section(PAGE, "Where differences come from"))
    assert {cells[0].strip("`"): cells[1] for cells in table} == KINDS


def test_every_format_is_there() -> None:
    assert set(first_words(section(PAGE, "Making one"))) == set(FORMATS)


def test_every_table_is_named_by_its_title(db: None) -> None:
    tenant = make_tenant()
    with tenant_scope(tenant.pk):
        made = make_statement(tenant, Month(2026, 3))
    text = section(PAGE, "Other tables")
    own_section = {"Invoices", "Where the differences come from"}
    missing = {table.title for table in tables_of(made) if f"| {table.title} |" not in text}
    assert missing == own_section


def test_the_example_is_what_the_statement_says(db: None) -> None:
    tenant = make_tenant()
    with tenant_scope(tenant.pk):
        books = Books(tenant=tenant)
        books.record(books.invoice("INV-1", 113000), 113000, at(3))
        books.refund(books.record(books.invoice("INV-2", 20000), 20000, at(4)), 5000, at(20))
        third = books.invoice("INV-3", 4400)
        books.cheque(third, 4400, at(10), reported=at(10) + timedelta(hours=1))
        payout = books.payout(25, 124083)
        books.balance("charge", 113000, 3307, payout)
        books.balance("charge", 20000, 610, payout)
        books.balance("refund", -5000, 0, payout)
        statement = build_statement(tenant, Month(2026, 3))
        made = make_statement(tenant, Month(2026, 3))
    text = section(PAGE, "An example")
    columns = ("collected", "returned", "reported", "recorded", "elsewhere")
    listed = next(table for table in tables_of(made) if table.name == "invoices")
    for line, row in zip(statement.invoices, listed.rows(), strict=True):
        cells = [shown(Amount(line.moved[name], "CAD")) for name in columns]
        cells += [shown(row[n]) for n in (11, 12, 13)]
        assert f"| {line.number} | {' | '.join(cells)} |" in text
    (total,) = statement.totals
    cells = [shown(Amount(total.closing[name], "CAD")) for name in columns]
    assert f"| Total | {' | '.join(cells)} |" in text.replace(
        " | 1,324.00 | 1,374.00 | −50.00 |", " |"
    )
    assert total.difference == -5000
    assert dict(total.explained) == {"refund_not_followed": -5000}
    (deposit,) = statement.payouts
    shown_groups = [deposit.groups[name] for name in ("gross", "fees", "refunds")]
    cells = [shown(Amount(n, "CAD")) for n in (*shown_groups, deposit.net, deposit.amount)]
    assert f"| {' | '.join(cells)} |" in text


def test_the_pages_that_lead_here() -> None:
    assert "docs/statement.md" in text_of("README.md")
    assert "statement.md" in text_of("docs", "operating.md")
