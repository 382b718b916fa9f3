"""Closing a month, opening it again, and what changes afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.db import connection

from audit.models import AuditEntry
from audit.recording import read_details
from connector.models import ClosedPeriod
from connector.statement.building import build_statement, one_moment
from connector.statement.canonical import statement_hash
from connector.statement.closing import CannotClose, close_month, find_closed, reopen_month
from connector.statement.making import make_statement
from connector.statement.months import Month
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.pipeline.shop import cause
from tests.statement.books import Books, Kind, at

MARCH, APRIL = Month(2026, 3), Month(2026, 4)


def close(books: Books, month: Month = MARCH) -> ClosedPeriod:
    return close_month(books.tenant, month, cause=cause())


def trail(books: Books) -> list[tuple[str, str, Any]]:
    rows = AuditEntry.objects.filter(tenant_id=books.tenant.pk).order_by("sequence")
    return [(row.action, row.entity, read_details(row)) for row in rows]


def test_closing_keeps_the_figures_and_says_so_in_the_trail(books: Books) -> None:
    books.collect(books.invoice("INV-1"), 10000, at(3))
    closed = close(books)
    statement = build_statement(books.tenant, MARCH)
    assert closed.statement_hash == statement_hash(statement)
    (row,) = closed.figures["invoices"]
    assert (row["number"], row["closing"]["collected"], closed.closed_by) == (
        "INV-1",
        10000,
        "test",
    )
    ((action, entity, details),) = trail(books)
    assert (action, entity) == ("month.closed", "month:2026-03")
    assert details["statement_sha256"] == closed.statement_hash
    assert details["totals"] == closed.figures["totals"]


def test_nothing_changed(books: Books) -> None:
    books.collect(books.invoice("INV-1"), 10000, at(3))
    close(books)
    books.collect(books.invoice("INV-2", issued_on=at(1, month=4).date()), 500, at(3, month=4))
    made = make_statement(books.tenant, MARCH)
    assert made.changes is not None
    assert (made.changes.invoices, made.changes.totals, made.changes.count) == ((), (), 0)
    assert make_statement(books.tenant, APRIL).carried == ()


def test_what_arrives_later_is_shown_with_the_old_and_the_new_figure(books: Books) -> None:
    row = books.collect(books.invoice("INV-1"), 10000, at(3))
    close(books)
    late = books.refund(row, 2500, at(30))
    made = make_statement(books.tenant, MARCH)
    assert made.changes is not None
    (changed,) = made.changes.invoices
    assert list(changed.figures()) == [("closing: returned by Stripe", 0, -2500)]
    assert [(fact["kind"], fact["source"]) for fact in changed.facts] == [
        ("refunded", late.source_id)
    ]
    (total,) = made.changes.totals
    assert list(total.figures()) == [("closing: returned by Stripe", 0, -2500)]


def test_the_next_month_opens_with_what_is_known_now_and_says_that_it_differs(
    books: Books,
) -> None:
    row = books.collect(books.invoice("INV-1"), 10000, at(3))
    close(books)
    books.refund(row, 2500, at(30))
    books.fact(Kind.STRAY, 700, at(30))
    made = make_statement(books.tenant, APRIL)
    assert made.statement.totals[0].opening["returned"] == -2500
    assert [(found.what, found.closed, found.opening) for found in made.carried] == [
        ("difference", 10000, 7500),
        ("Stripe money without invoice", 0, 700),
    ]


def test_an_invoice_that_was_not_there_when_the_month_was_closed(books: Books) -> None:
    close(books)
    books.record(books.invoice("INV-9"), 10000, at(30))
    made = make_statement(books.tenant, MARCH)
    assert made.changes is not None
    assert [row.number for row in made.changes.invoices] == ["INV-9"]
    assert made.changes.invoices[0].old["closing"]["collected"] == 0


def test_a_month_is_closed_once(books: Books) -> None:
    close(books)
    with pytest.raises(CannotClose, match="2026-03 is closed already"):
        close(books)
    assert len(trail(books)) == 1


def test_a_month_that_is_not_over_is_not_closed(books: Books) -> None:
    """Toronto is four hours behind: at 03:59 UTC it is still March there."""
    with time_machine.travel(at(1, month=4, hour=3, minute=59)):
        with pytest.raises(CannotClose, match="not over yet in America/Toronto"):
            close(books)
        assert (ClosedPeriod.objects.count(), trail(books)) == (0, [])
    with time_machine.travel(at(1, month=4, hour=4)):
        close(books)
    assert find_closed(MARCH) is not None


def test_opening_again_needs_a_reason_and_keeps_the_closing(books: Books) -> None:
    close(books)
    with pytest.raises(CannotClose, match="Say why"):
        reopen_month(books.tenant, MARCH, reason=" ", cause=cause())
    opened = reopen_month(books.tenant, MARCH, reason="A cheque came late.", cause=cause())
    assert (opened.reopened_by, opened.reopened_because) == ("test", "A cheque came late.")
    assert find_closed(MARCH) is None
    assert [action for action, *_ in trail(books)] == ["month.closed", "month.reopened"]
    with pytest.raises(CannotClose, match="is not closed"):
        reopen_month(books.tenant, MARCH, reason="Again.", cause=cause())
    close(books)
    assert ClosedPeriod.objects.count() == 2


def test_all_queries_of_a_statement_see_the_same_moment(fresh_tenant: Tenant) -> None:
    """What is committed meanwhile is not in it; inside another transaction that is not to be had."""
    with one_moment(fresh_tenant.pk), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        assert cursor.fetchone() == ("repeatable read",)
    with tenant_scope(fresh_tenant.pk), one_moment(fresh_tenant.pk):
        assert make_statement(fresh_tenant, MARCH).statement.totals == ()
