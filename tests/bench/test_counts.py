"""What `make bench` counts, in small: calls and statements do not depend on how busy a machine is."""

from __future__ import annotations

from collections.abc import Callable

from bench.counting import counted_statements
from connector.jobs import kinds
from tenants.models import Tenant
from tests.factories import make_tenant
from tests.inbox.arriving import StripeEndpoint
from tests.pipeline.shop import Shop


def test_a_webhook_is_one_statement_and_two_when_its_address_was_not_seen_lately(
    no_jobs: None,
) -> None:
    tenant: Tenant = make_tenant(state="live")
    endpoint = StripeEndpoint(tenant)
    counts = []
    for number in range(3):
        body = endpoint.body(f"evt_{number}")
        with counted_statements() as statements:
            assert endpoint.post(body).status_code == 200
        counts.append(statements.count)
    assert counts == [2, 1, 1]


def test_a_duplicate_is_one_statement_too(no_jobs: None) -> None:
    endpoint = StripeEndpoint(make_tenant(state="live"))
    body = endpoint.body("evt_1")
    endpoint.post(body)
    with counted_statements() as statements:
        assert endpoint.post(body).status_code == 200
    assert statements.count == 1


def _calls(shop: Shop, do: Callable[[], object]) -> int:
    def total() -> int:
        return sum(int(vendor.calls()["total"]) for vendor in (shop.freshbooks, shop.stripe))

    before = total()
    do()
    return total() - before


def test_a_new_invoice_of_a_known_client_is_one_read_and_three_writes(shop: Shop) -> None:
    shop.sync(shop.invoice("100.00"))
    invoice = shop.invoice("100.00", "20.00", "3.00")
    assert _calls(shop, lambda: shop.look(invoice)) == 4


def test_new_invoices_that_a_poll_found_cost_few_statements(shop: Shop) -> None:
    """At most a claim and a beginning of its own for each: how many share them, the clock says."""
    shop.sync(shop.invoice("100.00"))
    first = _statements(shop, new=1)
    assert (_statements(shop, new=6) - first) / 5 <= 26


def _statements(shop: Shop, *, new: int) -> int:
    for _ in range(new):
        shop.invoice("100.00", "20.00")
    shop.enqueue(kinds.POLL_FRESHBOOKS)
    with counted_statements() as statements:
        shop.settle()
    return statements.count


def test_an_unchanged_invoice_costs_nothing_when_it_is_polled_again(shop: Shop) -> None:
    for _ in range(3):
        shop.enqueue_look(shop.invoice("100.00"))
    shop.settle()
    polled = _calls(shop, lambda: shop.run(kinds.POLL_FRESHBOOKS))
    assert polled == 4  # a page of clients, of invoices, and of what was deleted of either
