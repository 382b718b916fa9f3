"""Money that cannot be right: set aside with the reason, everything else goes on, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from connector import inbox
from connector.journal import totals_of
from connector.models import CollectedPayment, Delivery, MoneyFact
from tenants.scope import tenant_scope
from tests.conformance.altering import Altered, altering
from tests.money.vendor_books import read_books
from tests.pipeline.shop import Shop, cause, open_shop
from tests.pipeline.simulators import Simulators

Change = Callable[[dict[str, Any]], None]


@dataclass
class Lies(Altered):
    """What is told wrongly of single objects, by their id, wherever in an answer they stand."""

    of: dict[Any, Change] = field(default_factory=dict)

    def change(self, body: Any) -> None:
        """Change every object in the answer of which something wrong is told."""
        if isinstance(body, dict):
            if "id" in body and body["id"] in self.of:
                self.of[body["id"]](body)
            for value in list(body.values()):
                self.change(value)
        elif isinstance(body, list):
            for value in body:
                self.change(value)


@pytest.fixture
def stripe_lies(simulators: Simulators, settings: Any) -> Iterator[dict[Any, Change]]:
    """The product talks to a Stripe that tells wrong things."""
    with altering(simulators.stripe.url, Lies()) as found:
        settings.STRIPE_API_BASE = found.url
        assert isinstance(found, Lies)
        yield found.of


@pytest.fixture
def freshbooks_lies(simulators: Simulators, settings: Any) -> Iterator[dict[Any, Change]]:
    """The product talks to a FreshBooks that tells wrong things."""
    with altering(simulators.freshbooks.url, Lies()) as found:
        settings.FRESHBOOKS_API_BASE = found.url
        assert isinstance(found, Lies)
        yield found.of


@pytest.fixture
def shop(
    stripe_lies: dict[Any, Change],
    freshbooks_lies: dict[Any, Change],
    simulators: Simulators,
    no_jobs: None,
) -> Shop:
    """Made after both, so that its clients talk to them."""
    del stripe_lies, freshbooks_lies
    return open_shop(simulators.freshbooks, simulators.stripe)


@pytest.fixture
def bad_and_good(shop: Shop) -> tuple[int, int]:
    """Two invoices that are being collected; something will be wrong with the first one's money."""
    bad, good = shop.invoice("100.00"), shop.invoice("55.00")
    shop.poll()
    return bad, good


def told(shop: Shop) -> list[str]:
    """Why jobs were set aside for a person."""
    return [job.failure_message for job in shop.jobs(state="dead")]


def recorded(shop: Shop, invoice: int) -> tuple[int, int]:
    """What Stripe kept of an invoice, and what of it stands in FreshBooks, by their own books."""
    books = read_books(shop.fb_book(), shop.st_book(), invoice)
    return books.net, books.recorded


def unknown_currency(row: dict[str, Any]) -> None:
    row["currency"] = "zzz"


def lost_digits(row: dict[str, Any]) -> None:
    row["amount_paid"] = 100.5


def another_currency(row: dict[str, Any]) -> None:
    row["currency"] = "usd"


@pytest.mark.parametrize("lie", [unknown_currency, lost_digits], ids=lambda lie: lie.__name__)
def test_a_stripe_payment_that_cannot_be_read_waits_until_it_can(
    shop: Shop, stripe_lies: dict[Any, Change], bad_and_good: tuple[int, int], lie: Change
) -> None:
    bad, good = bad_and_good
    paid = shop.pay(bad)
    shop.pay(good)
    stripe_lies[paid["invoice_payment"]] = lie
    shop.poll()
    assert recorded(shop, bad) == (10000, 0)
    assert recorded(shop, good) == (5500, 5500)
    assert told(shop), "the reason is shown"
    assert shop.collected(bad) == []
    stripe_lies.clear()
    shop.reconcile()
    assert recorded(shop, bad) == (10000, 10000)
    assert shop.differences(bad) == []


def test_a_stripe_payment_in_another_currency_is_left_to_a_person(
    shop: Shop, stripe_lies: dict[Any, Change], bad_and_good: tuple[int, int]
) -> None:
    bad, good = bad_and_good
    paid = shop.pay(bad)
    shop.pay(good)
    stripe_lies[paid["invoice_payment"]] = another_currency
    shop.poll()
    (row,) = shop.collected(bad)
    assert (row.recording, row.currency) == ("needs_you", "USD")
    assert "USD" in row.reason
    assert recorded(shop, bad) == (10000, 0)
    assert recorded(shop, good) == (5500, 5500)
    assert shop.differences(bad), "both ledgers do not agree, and it is said"


def fb_unknown_currency(row: dict[str, Any]) -> None:
    row["amount"] = {**row["amount"], "code": "ZZZ"}


def fb_lost_digits(row: dict[str, Any]) -> None:
    row["amount"] = {**row["amount"], "amount": "30.005"}


@pytest.mark.parametrize("lie", [fb_unknown_currency, fb_lost_digits], ids=lambda lie: lie.__name__)
def test_a_freshbooks_payment_that_cannot_be_read_holds_up_its_own_invoice_only(
    shop: Shop, freshbooks_lies: dict[Any, Change], bad_and_good: tuple[int, int], lie: Change
) -> None:
    bad, good = bad_and_good
    cheque = shop.cheque(bad, "30.00")
    shop.pay(good)
    freshbooks_lies[cheque] = lie
    shop.poll()
    assert told(shop), "the reason is shown"
    assert shop.st_invoices(bad)[0]["amount_remaining"] == 10000
    assert recorded(shop, good) == (5500, 5500)
    freshbooks_lies.clear()
    shop.reconcile()
    assert shop.st_invoices(bad)[0]["amount_remaining"] == 7000
    assert shop.differences(bad) == []


def test_a_refund_over_more_than_was_paid_is_set_aside(
    shop: Shop, stripe_lies: dict[Any, Change], bad_and_good: tuple[int, int]
) -> None:
    bad, good = bad_and_good
    paid = {number: shop.pay(number) for number in bad_and_good}
    shop.poll()
    refunds = {
        number: shop.st("refund", charge=paid[number]["charge"], amount=1000)["id"]
        for number in bad_and_good
    }
    stripe_lies[refunds[bad]] = lambda row: row.update(amount=15000)
    shop.poll()
    assert any("15000" in why or "150.00" in why for why in told(shop)), told(shop)
    assert recorded(shop, bad) == (9000, 10000), "nothing is done on a figure that cannot be"
    assert recorded(shop, good) == (4500, 4500)
    with tenant_scope(shop.tenant.pk):
        link = shop.link(bad)
        assert totals_of([link.pk])[link.pk].returned == 0
    stripe_lies.clear()
    shop.reconcile()
    assert recorded(shop, bad) == (9000, 9000)


def test_a_refund_in_another_currency_is_set_aside(
    shop: Shop, stripe_lies: dict[Any, Change], bad_and_good: tuple[int, int]
) -> None:
    bad, good = bad_and_good
    paid = {number: shop.pay(number) for number in bad_and_good}
    shop.poll()
    refunds = {
        number: shop.st("refund", charge=paid[number]["charge"], amount=1000)["id"]
        for number in bad_and_good
    }
    stripe_lies[refunds[bad]] = another_currency
    shop.poll()
    assert any("USD" in why for why in told(shop)), told(shop)
    assert (recorded(shop, bad), recorded(shop, good)) == ((9000, 10000), (4500, 4500))
    stripe_lies.clear()
    shop.reconcile()
    assert recorded(shop, bad) == (9000, 9000)


def test_an_impossible_refund_of_a_payment_that_nobody_saw_yet(
    shop: Shop, stripe_lies: dict[Any, Change], bad_and_good: tuple[int, int]
) -> None:
    """Then nothing is recorded at all, and nothing is lost."""
    bad, good = bad_and_good
    charges = {number: shop.pay(number)["charge"] for number in bad_and_good}
    refund = shop.st("refund", charge=charges[bad], amount=1000)["id"]
    stripe_lies[refund] = lambda row: row.update(amount=15000)
    shop.poll()
    assert told(shop), "the reason is shown"
    assert (recorded(shop, bad), recorded(shop, good)) == ((9000, 0), (5500, 5500))
    stripe_lies.clear()
    shop.reconcile()
    assert recorded(shop, bad) == (9000, 9000)
    assert [row.refunded_minor for row in shop.collected(bad)] == [1000]


def test_a_refund_and_a_lost_dispute_of_the_same_money(
    shop: Shop, bad_and_good: tuple[int, int]
) -> None:
    """More went back than came: that can be, and no payment in FreshBooks can show less than none."""
    bad, _ = bad_and_good
    paid = shop.pay(bad)
    shop.poll()
    dispute = shop.st("dispute", charge=paid["charge"])["id"]
    shop.poll()
    if shop.stripe.control(
        "POST",
        "act",
        {"do": "refund", "account_id": shop.stripe_account_id, "charge": paid["charge"]},
    ).ok:
        shop.poll()
    shop.st("lose_dispute", dispute=dispute)
    shop.poll()
    assert recorded(shop, bad)[1] == 0
    assert shop.collected(bad)[0].kept_minor == 0


def test_an_invoice_payment_of_a_foreign_invoice_touches_no_invoice_of_ours(
    shop: Shop, bad_and_good: tuple[int, int]
) -> None:
    """Made by hand in Stripe, even if somebody copied our metadata from another business."""
    bad, good = bad_and_good
    customer = shop.st_invoices(good)[0]["customer"]
    foreign = [shop.st("create_invoice", customer=customer, amount=4321) for _ in range(2)]
    metadata = {"fb_invoice_id": str(bad), "fb_account": "ANOTHER"}
    shop.st("edit_invoice_metadata", invoice=foreign[1]["id"], metadata=metadata)
    for invoice in foreign:
        shop.st("pay_invoice", invoice=invoice["id"])
    shop.pay(good)
    shop.poll()
    assert shop.collected(bad) == []
    assert recorded(shop, good) == (5500, 5500)
    assert told(shop) == []
    with tenant_scope(shop.tenant.pk):
        facts = MoneyFact.objects.filter(invoice__isnull=False, about_minor=4321)
        assert not facts.exists()


def test_events_in_any_order_and_number_change_nothing_more(
    shop: Shop, bad_and_good: tuple[int, int]
) -> None:
    invoice, _ = bad_and_good
    paid = shop.pay(invoice)
    shop.poll()
    refund = shop.st("refund", charge=paid["charge"], amount=2500)["id"]
    shop.poll()
    shop.st("fail_refund", refund=refund)
    shop.poll()
    before = state(shop)
    with tenant_scope(shop.tenant.pk):
        events = list(Delivery.objects.order_by("-pk").values_list("pk", flat=True))
        assert len(events) > 5
    for _ in range(2):
        for event in events:
            with tenant_scope(shop.tenant.pk):
                inbox.replay([event], cause=cause())
            shop.settle()
    assert state(shop) == before
    assert recorded(shop, invoice) == (10000, 10000)


def state(shop: Shop) -> tuple[Any, ...]:
    with tenant_scope(shop.tenant.pk):
        return (
            list(CollectedPayment.objects.order_by("pk").values()),
            list(MoneyFact.objects.order_by("pk").values()),
            len(shop.writes()),
        )
