"""Lists that move, lie or hide while they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connector.errors import VendorContractBroken
from connector.jobs import kinds
from connector.models import ClientLink, CollectedPayment, PollFeed
from connector.vendors.freshbooks.pages import all_pages
from connector.vendors.freshbooks.records import FreshBooksInvoice, Page
from tenants.scope import tenant_scope
from tests.pipeline.interference import interfering
from tests.pipeline.shop import Shop


class Listing:
    """A list of numbered rows, newest first, that changes before some requests."""

    def __init__(self, rows: int, *, per_page: int = 10) -> None:
        self.rows = list(range(rows, 0, -1))
        self.per_page = per_page
        self.requests = 0
        self.before: dict[int, Callable[[], None]] = {}
        self.off_by = 0

    def fetch(self, number: int) -> Page[FreshBooksInvoice]:
        self.requests += 1
        self.before.pop(self.requests, lambda: None)()
        start = (number - 1) * self.per_page
        cut: Any = [Row(row) for row in self.rows[start : start + self.per_page]]
        return Page(
            rows=tuple(cut),
            page=number,
            pages=-(-len(self.rows) // self.per_page),
            per_page=self.per_page,
            total=len(self.rows) + self.off_by,
        )

    def read(self) -> list[int]:
        return [row.id for row in all_pages(self.fetch)]


class Row:
    def __init__(self, number: int) -> None:
        self.id = number


def test_a_quiet_list_is_read_once() -> None:
    listing = Listing(101)
    assert listing.read() == list(range(101, 0, -1))
    assert listing.requests == 11


@pytest.mark.parametrize("at", range(2, 11))
def test_a_row_deleted_while_one_reads_hides_no_other(at: int) -> None:
    """What follows it moves up: the first row of the next page would be skipped."""
    listing = Listing(95)
    listing.before[at] = lambda: listing.rows.remove(90)
    assert set(listing.read()) >= set(range(1, 96)) - {90}


@pytest.mark.parametrize("at", range(2, 11))
def test_a_row_made_while_one_reads_is_found_and_none_comes_twice(at: int) -> None:
    listing = Listing(95)
    listing.before[at] = lambda: listing.rows.insert(0, 96)
    read = listing.read()
    assert len(read) == len(set(read))
    assert set(read) == set(range(1, 97))


def test_a_list_that_never_adds_up_is_an_error_after_all_its_rows() -> None:
    listing = Listing(25)
    listing.off_by = -1
    read: list[int] = []
    with pytest.raises(VendorContractBroken, match="says that a list has"):
        read.extend(row.id for row in all_pages(listing.fetch))
    assert sorted(read) == list(range(1, 26))
    assert listing.requests == 9, "three walks and no more"


@pytest.mark.parametrize("hidden", [1, 100])
def test_a_list_may_count_rows_that_it_does_not_show(hidden: int) -> None:
    listing = Listing(25)
    listing.off_by = hidden
    assert listing.read() == list(range(25, 0, -1))
    assert listing.requests == 3, "and is read once"


def test_a_list_that_answers_another_page_is_an_error() -> None:
    listing = Listing(25)
    with pytest.raises(VendorContractBroken, match="answers page 1 when asked for page 2"):
        list(all_pages(lambda _: listing.fetch(1)))


def test_a_filter_for_deleted_rows_that_is_ignored_is_an_error_and_the_rest_is_done(
    shop: Shop,
) -> None:
    invoice = shop.invoice()

    def ignore_vis_state(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "list_invoices":
            return replace(answer, ignored_filters=("vis_state",))
        return answer

    with interfering(shop, ignore_vis_state):
        job = shop.run(kinds.POLL_FRESHBOOKS)
        shop.settle()
    job = shop.job(job.pk)
    assert (job.state, "ignored the filter vis_state" in job.failure_message) == ("dead", True)
    assert shop.link(invoice).state == "open"
    with tenant_scope(shop.tenant.pk):
        assert PollFeed.objects.get(feed="freshbooks").watermarks == {}


def test_a_day_that_is_ignored_is_told(shop: Shop) -> None:
    shop.invoice()

    def ignore_day(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "list_invoices":
            return replace(answer, ignored_filters=("updated_min",))
        return answer

    with interfering(shop, ignore_day):
        shop.poll()
    with tenant_scope(shop.tenant.pk):
        told = PollFeed.objects.get(feed="freshbooks").last_result
    assert told.endswith("FreshBooks ignored the day asked for, so all rows were read")


def swept(shop: Shop, *, days_ago: int) -> None:
    mark = (timezone.now() - timedelta(days=days_ago)).isoformat()
    with tenant_scope(shop.tenant.pk):
        PollFeed.objects.filter(feed="reconcile").update(watermarks={"swept": mark})


def test_a_payment_that_vanished_without_a_trace_is_found_once_a_week(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.poll()
    shop.pay(invoice)
    shop.poll()
    (row,) = shop.collected(invoice)
    with tenant_scope(shop.tenant.pk):
        CollectedPayment.objects.update(freshbooks_payment_id=987_654)
    swept(shop, days_ago=3)
    before = len(shop.jobs(kind="sync_invoice"))
    shop.enqueue(kinds.RECONCILE_ALL)
    shop.pump()
    assert len(shop.jobs(kind="sync_invoice")) == before, "not every day"
    swept(shop, days_ago=8)
    job = shop.run(kinds.RECONCILE_ALL)
    assert job.outcome == "1 invoices compared, 1 to look at"
    assert row.freshbooks_payment_id != 987_654


def test_a_client_that_vanished_is_looked_at(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.poll()
    with tenant_scope(shop.tenant.pk):
        ClientLink.objects.update(freshbooks_client_id=987_654)
    swept(shop, days_ago=8)
    shop.run(kinds.RECONCILE_ALL)
    assert [job.subject for job in shop.jobs(kind="sync_client", subject="987654")] == ["987654"]
    assert shop.link(invoice).state == "open"
