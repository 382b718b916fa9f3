"""Plays cases at the simulators for one tenant, and notes how everything stands at the end."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from connector import decisions
from connector.journal import Totals, totals_of
from connector.models import CollectedPayment, Discrepancy, InvoiceLink, OutsidePayment
from connector.statement.building import build_statement
from connector.statement.months import Month
from connector.statement.records import InvoiceLine
from tenants.scope import tenant_scope
from tests.money.cases import Case, Story
from tests.money.news import DELIVERIES, Mailbox, listen
from tests.money.vendor_books import InvoiceBooks, read_books
from tests.pipeline.shop import Shop, cause, open_shop
from tests.pipeline.simulators import Simulators

MODES = ("observe", "approve", "record")
ALWAYS_NEW = ("synced_at", "last_seen_at")  # says when we looked, not what we saw


@contextmanager
def no_surprises() -> Iterator[None]:
    """Fail if a job ended in an error that nobody foresaw, even if its next try went well."""
    surprises: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: surprises.append(record.getMessage())  # type: ignore[method-assign]
    runner = logging.getLogger("connector.jobs.runner")
    runner.addHandler(handler)
    try:
        yield
    finally:
        runner.removeHandler(handler)
    assert surprises == []


@dataclass(frozen=True, kw_only=True)
class Ending:
    """One invoice at the end: both vendors' books, and what we have of it."""

    books: InvoiceBooks
    link: Mapping[str, Any]
    collected: list[dict[str, Any]]
    outside: list[dict[str, Any]]
    differences: list[dict[str, Any]]
    """Open ones only."""
    totals: Totals

    @property
    def kinds(self) -> set[str]:
        """Kinds of the open differences."""
        return {row["kind"] for row in self.differences}


@dataclass(frozen=True, kw_only=True)
class Played:
    """One tenant after all cases."""

    endings: dict[str, Ending]
    writes: list[dict[str, Any]]
    """Every request to FreshBooks' accounting that was not a read."""
    again: dict[str, Ending]
    """The same after a second full round of polling and comparing."""
    written_again: list[dict[str, Any]]
    """Every writing request of that second round, to either vendor."""
    dead: list[str]
    """Jobs that failed for good."""
    statement: dict[int, list[InvoiceLine]]
    """The lines of each invoice in the statement, by FreshBooks id."""


# Playing -----------------------------------------------------------------------------------------


def play(
    simulators: Simulators,
    mailbox: Mailbox,
    cases: Mapping[str, Case],
    *,
    mode: str,
    delivery: str,
) -> Played:
    """All cases side by side, each on an invoice of its own."""
    shop = open_shop(simulators.freshbooks, simulators.stripe, payment_mode=mode)
    if delivery != "polling":
        listen(shop, mailbox)
    start = simulators.record.stat().st_size
    stories = _open(shop, cases)
    stage = Stage(shop, mailbox, stories, mode, delivery)
    stage.tell()
    for number in range(max(len(case.steps) for case in cases.values())):
        stage.step(cases, number)
    stage.tell()  # of what we wrote ourselves last
    endings = look(shop, stories)
    writes = requests_since(simulators.record, start)
    second = simulators.record.stat().st_size
    shop.poll()
    shop.reconcile()
    return Played(
        endings=endings,
        writes=[row for row in writes if row["vendor"] == "freshbooks"],
        again=look(shop, stories),
        written_again=requests_since(simulators.record, second),
        statement=_statement(shop),
        dead=[
            f"{job.kind} {job.subject}: {job.failure_code} {job.failure_message}"
            for job in shop.jobs(state="dead")
        ],
    )


def _open(shop: Shop, cases: Mapping[str, Case]) -> dict[str, Story]:
    codes = {case.currency for case in cases.values()}
    usual = {code: shop.client(currency_code=code) for code in codes}
    stories = {}
    for name, case in cases.items():
        client = shop.client() if case.own_client else usual[case.currency]
        made = shop.invoice(case.amount, client=client, currency=case.currency)
        stories[name] = Story(shop, made)
    return stories


@dataclass
class Stage:
    """Where the stories of one tenant are played, step by step."""

    shop: Shop
    mailbox: Mailbox
    stories: Mapping[str, Story]
    mode: str
    delivery: str

    def tell(self) -> None:
        """News reach us, the way they do in this play."""
        DELIVERIES[self.delivery](self.shop, self.mailbox)

    def step(self, cases: Mapping[str, Case], number: int) -> None:
        """The next step of every story, then the news of it, then what people decide."""
        book = self.shop.st_book()
        for name, case in cases.items():
            if number < len(case.steps):
                self.stories[name].notice(book)
                case.steps[number](self.stories[name])
        self.tell()
        if self.mode == "approve":
            approve(self.shop)
            self.tell()


def approve(shop: Shop) -> None:
    """A person agrees to all that waits for their word."""
    with tenant_scope(shop.tenant.pk):
        asked = CollectedPayment.objects.filter(
            recording=CollectedPayment.Recording.AWAITING_APPROVAL
        )
        decisions.approve_payments(list(asked.values_list("pk", flat=True)), cause=cause())
        went_back = CollectedPayment.objects.filter(lowering_proposed_minor__isnull=False)
        decisions.approve_lowering(list(went_back.values_list("pk", flat=True)), cause=cause())
    shop.settle()


def requests_since(record: Path, start: int) -> list[dict[str, Any]]:
    """The product's writing requests to either vendor's books from here on."""
    with record.open() as lines:
        lines.seek(start)
        rows = [json.loads(text) for text in lines]
    return [
        row
        for row in rows
        if row["method"] != "GET" and ("/accounting/" in row["path"] or row["vendor"] == "stripe")
    ]


# Looking -----------------------------------------------------------------------------------------


def look(shop: Shop, stories: Mapping[str, Story]) -> dict[str, Ending]:
    """How each case stands now."""
    fb_book, st_book = shop.fb_book(), shop.st_book()
    with tenant_scope(shop.tenant.pk):
        links = {link.freshbooks_invoice_id: link for link in InvoiceLink.objects.all()}
        totals = totals_of([link.pk for link in links.values()])
        return {
            name: _ending(
                links[story.invoice],
                totals.get(links[story.invoice].pk, Totals()),
                read_books(fb_book, st_book, story.invoice),
            )
            for name, story in stories.items()
        }


def _statement(shop: Shop) -> dict[int, list[InvoiceLine]]:
    """Of a month that has all that happened so far, whatever zone the books are kept in."""
    month = Month.of(timezone.now().date() + timedelta(days=1))
    with tenant_scope(shop.tenant.pk):
        statement = build_statement(shop.tenant, month)
    lines: dict[int, list[InvoiceLine]] = {}
    for row in statement.invoices:
        lines.setdefault(row.invoice, []).append(row)
    return lines


def _ending(link: InvoiceLink, totals: Totals, books: InvoiceBooks) -> Ending:
    def rows(model: Any, **only: Any) -> list[dict[str, Any]]:
        return [
            _lasting(row)
            for row in model.objects.filter(invoice=link, **only).order_by("pk").values()
        ]

    return Ending(
        books=books,
        link=_lasting(InvoiceLink.objects.values().get(pk=link.pk)),
        collected=rows(CollectedPayment),
        outside=rows(OutsidePayment),
        differences=rows(Discrepancy, state=Discrepancy.State.OPEN),
        totals=totals,
    )


def _lasting(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ALWAYS_NEW}
