"""Rare corners of money: each was wrong once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connector.admin.timeline import Parts, story
from connector.collection import rebuild
from connector.jobs import kinds
from connector.journal import totals_of
from connector.models import Allocation, ClientLink, Delivery, Discrepancy, InvoiceLink, MoneyFact
from connector.statement.building import build_statement
from connector.statement.months import Month
from connector.statement.records import HELD, Statement
from connector.sync.pair import _counted as counted
from tenants.scope import tenant_scope
from tests.conformance.altering import Altered, altering
from tests.money.vendor_books import read_books
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators
from tests.sync.matching_steps import arrive, customer_of, match, undo


@dataclass
class Disputes(Altered):
    """A Stripe that lists other disputes than the simulator knows: some of a payment, not one."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def change(self, body: Any) -> None:
        """Each of `told` is the simulator's dispute with these changes."""
        rows = body.get("data") if isinstance(body, dict) else None
        if self.told and rows and rows[0].get("object") == "dispute":
            body["data"] = [rows[0] | changes for changes in self.told]


@pytest.fixture
def disputes(simulators: Simulators, settings: Any) -> Iterator[list[dict[str, Any]]]:
    """What Stripe lists as disputes; as the simulator does while it is empty."""
    with altering(simulators.stripe.url, Disputes()) as found:
        settings.STRIPE_API_BASE = found.url
        assert isinstance(found, Disputes)
        yield found.told


@pytest.fixture
def shop(disputes: list[dict[str, Any]], simulators: Simulators, no_jobs: None) -> Shop:
    """Made after the changes, so that its clients see them."""
    del disputes
    return open_shop(simulators.freshbooks, simulators.stripe)


def disputed(shop: Shop) -> tuple[int, str]:
    """An invoice of 100.00 that was paid, recorded and then disputed; the dispute's id."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = shop.pay(invoice)
    shop.sync(invoice)
    dispute = str(shop.st("dispute", charge=paid["charge"])["id"])
    shop.sync(invoice)
    return invoice, dispute


def recorded(shop: Shop, invoice: int) -> int:
    return read_books(shop.fb_book(), shop.st_book(), invoice).recorded


def returned(shop: Shop, invoice: int) -> int:
    with tenant_scope(shop.tenant.pk):
        link = shop.link(invoice)
        return totals_of([link.pk])[link.pk].returned


def difference(shop: Shop, invoice: int, kind: str) -> Discrepancy:
    with tenant_scope(shop.tenant.pk):
        row: Discrepancy = Discrepancy.objects.get(
            invoice__freshbooks_invoice_id=invoice, kind=kind, state="open"
        )
        return row


def statement(shop: Shop) -> Statement:
    with tenant_scope(shop.tenant.pk):
        at = MoneyFact.objects.order_by("-happened_at")[0].happened_at
        return build_statement(shop.tenant, Month.of(at.date()))


def test_an_open_dispute_beside_a_lost_one_of_the_same_payment_is_shown(
    shop: Shop, disputes: list[dict[str, Any]]
) -> None:
    invoice, dispute = disputed(shop)
    disputes += [
        {"id": dispute, "amount": 3000, "status": "lost"},
        {"id": "du_open", "amount": 5000, "status": "needs_response"},
    ]
    link = shop.sync(invoice)
    assert link.collection_status == "disputed"
    assert link.dispute_due_at is not None
    row = difference(shop, invoice, "disputed")
    assert (row.stripe_minor, "needs_response" in row.explanation) == (5000, True)
    assert (returned(shop, invoice), recorded(shop, invoice)) == (3000, 7000)
    assert list(rebuild(shop.tenant.pk, save=False)) == []
    disputes[1]["status"] = "won"
    link = shop.sync(invoice)
    assert (link.collection_status, link.dispute_due_at) == ("partly_paid", None)
    assert "disputed" not in shop.differences(invoice)
    assert (returned(shop, invoice), recorded(shop, invoice)) == (3000, 7000)


def test_an_open_dispute_beside_a_lost_one_of_another_payment_is_shown(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    charges = [shop.pay(invoice, amount)["charge"] for amount in (4000, 6000)]
    shop.sync(invoice)
    lost, _ = (shop.st("dispute", charge=charge)["id"] for charge in charges)
    shop.st("lose_dispute", dispute=lost)
    link = shop.sync(invoice)
    assert link.collection_status == "disputed"
    assert difference(shop, invoice, "disputed").stripe_minor == 6000
    assert (returned(shop, invoice), recorded(shop, invoice)) == (4000, 6000)


@pytest.mark.parametrize("status", ["needs_response", "lost"])
def test_a_dispute_in_another_currency_waits_for_a_person(
    shop: Shop, disputes: list[dict[str, Any]], status: str
) -> None:
    """Nothing is converted, and its minor units are none of the payment's."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    charge = shop.pay(invoice)["charge"]
    shop.sync(invoice)
    dispute = shop.st("dispute", charge=charge)["id"]
    disputes.append({"id": dispute, "amount": 7300, "currency": "usd", "status": status})
    link = shop.sync(invoice)
    assert "refund_unclear" in shop.differences(invoice)
    assert (link.collection_status == "disputed") == (status == "needs_response")
    assert ("disputed" in shop.differences(invoice)) == (status == "needs_response")
    assert (returned(shop, invoice), recorded(shop, invoice)) == (0, 10000)
    with tenant_scope(shop.tenant.pk):
        facts = MoneyFact.objects.filter(kind__startswith="dispute_", currency="USD")
        assert {(fact.amount_minor, fact.about_minor) for fact in facts} == {(0, 7300)}
    assert [line.unexplained for line in statement(shop).invoices if line.unexplained] == []
    assert shop.jobs(state="dead") == []


def test_an_invoice_that_freshbooks_no_longer_has_shows_what_became_of_its_money(
    shop: Shop,
) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = shop.pay(invoice)
    shop.sync(invoice)
    gone = 999_999_001
    with tenant_scope(shop.tenant.pk):
        InvoiceLink.objects.filter(freshbooks_invoice_id=invoice).update(freshbooks_invoice_id=gone)
    shop.st("refund", charge=paid["charge"])
    link = shop.sync(gone)
    assert shop.differences(gone) == ["missing_in_freshbooks"]
    assert (link.collection_status, link.returned_minor) == ("refunded", 10000)
    assert (link.stripe_status, link.stripe_paid_minor) == ("paid", 10000)
    assert list(rebuild(shop.tenant.pk, save=False)) == []


def test_a_crash_before_it_was_noted_that_stripe_was_told_of_a_match(shop: Shop) -> None:
    """Stripe counts the record, and the match is taken back before we know that it does."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    paid = arrive(shop, 9000, customer=customer_of(shop))
    match(shop, paid, (invoice, 4000))
    assert shop.asking(invoice)["amount_remaining"] == 6000
    with tenant_scope(shop.tenant.pk):
        assert Allocation.objects.exclude(told_on="").update(told_on="") == 1
    undo(shop, "Wrong invoice.")
    shop.sync(invoice)
    assert shop.differences(invoice) == ["payment_taken_back"]
    assert len(shop.st_book()["payment_records"]) == 1
    match(shop, paid, (invoice, 4000))
    assert shop.differences(invoice) == [], "Stripe counted it all the time"
    assert len(shop.st_book()["payment_records"]) == 1


@pytest.mark.parametrize("client_first", [True, False])
def test_an_invoice_that_was_settled_before_connecting_shows_its_client(
    shop: Shop, client_first: bool
) -> None:
    invoice = shop.invoice("100.00")
    shop.cheque(invoice, "100.00")
    if client_first:
        shop.run(kinds.SYNC_CLIENT, shop.client_id)
    shop.sync(invoice)
    if not client_first:
        shop.run(kinds.SYNC_CLIENT, shop.client_id)
    link = shop.link(invoice)
    assert (link.state, link.stripe_invoice_id) == ("settled", "")
    with tenant_scope(shop.tenant.pk):
        client = ClientLink.objects.get(freshbooks_client_id=shop.client_id)
    assert link.client_id == client.pk


def test_a_delivery_that_came_often_is_told_plainly(shop: Shop) -> None:
    """The same hint again is nothing to look into."""
    invoice = shop.invoice("100.00")
    shop.poll()
    shop.poll()
    with tenant_scope(shop.tenant.pk):
        Delivery.objects.update(duplicates=44)
    link = shop.link(invoice)
    with tenant_scope(shop.tenant.pk):
        steps = story(Parts.of(link), Everything())
    told = " ".join(step.note for step in steps)
    assert ("heard of 45 times" in told, "more of the same" in told) == (True, False)


class Everything:
    """Somebody who may see all."""

    def has_perm(self, _: str) -> bool:
        return True


def test_one_of_something_is_no_plural() -> None:
    assert [counted(number) for number in (0, 1, 2)] == [
        "0 differences",
        "1 difference",
        "2 differences",
    ]


def test_money_in_the_cash_balance_stands_in_the_statement(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    customer = customer_of(shop)
    shop.st("fund_cash_balance", customer=customer, amount=6000, currency="cad")
    shop.poll()
    (line,) = statement(shop).unmatched
    assert (line.payment, line.state, line.moved, line.closing) == (customer, HELD, 6000, 6000)
    assert line.payer
    (total,) = statement(shop).totals
    assert (total.loose_closing, total.loose_held) == (6000, 6000)
    shop.st("fund_cash_balance", customer=customer, amount=5000, currency="cad")
    shop.poll()
    shop.poll()
    made = statement(shop)
    (line,) = made.unmatched
    assert line.closing == 1000, "100.00 of 110.00 paid the invoice"
    (total,) = made.totals
    assert (total.closing["collected"], total.loose_held, total.unexplained) == (10000, 1000, 0)
    held = [move.amount for move in made.movements if move.kind == "held"]
    assert sorted(held) == [-10000, 5000, 6000]
