"""A match of money without an invoice: FreshBooks shows it, Stripe asks for it no more, once."""

from __future__ import annotations

from typing import Any

import pytest

from connector import decisions_matching
from connector.allocating import MatchRefused
from connector.decisions_matching import Wish
from connector.models import Allocation, CollectedPayment
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause, open_shop
from tests.pipeline.simulators import Simulators
from tests.sync.matching_steps import (
    arrive,
    customer_of,
    decide,
    facts,
    look_up,
    match,
    only_stray,
    undo,
)


@pytest.fixture
def sent(shop: Shop) -> int:
    """An open invoice of 100.00 to the shop's usual client."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    return invoice


def set_mode(shop: Shop, **values: Any) -> None:
    Tenant.objects.filter(pk=shop.tenant.pk).update(**values)


def amounts(shop: Shop, invoice: int) -> list[str]:
    return sorted(row["amount"]["amount"] for row in shop.fb_payments(invoice))


def totals(shop: Shop, invoice: int) -> tuple[int, int]:
    """What Stripe's invoice counts as paid, and what it still asks for."""
    (row,) = shop.st_invoices(invoice)
    return row["amount_paid"], row["amount_remaining"]


def kinds_of_payments(shop: Shop, invoice: int) -> list[str]:
    (stripe,) = shop.st_invoices(invoice)
    rows = shop.st_book()["invoice_payments"]
    of_it = [row for row in rows if row["invoice"] == stripe["id"] and row["status"] == "paid"]
    return sorted(row["payment"]["type"] for row in of_it)


def test_an_accepted_suggestion_is_recorded_and_attached_once(shop: Shop, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    stray = only_stray(shop)
    (suggestion,) = stray.suggestions
    assert suggestion["unique"]
    with tenant_scope(shop.tenant.pk):
        parts = [(part["invoice"], part["amount_minor"]) for part in suggestion["parts"]]
        assert decisions_matching.accept(stray.pk, parts, cause=cause()) == 1
    for _ in range(3):
        shop.settle()
        shop.poll()
        shop.sync(sent)
    assert amounts(shop, sent) == ["100.00"]
    assert totals(shop, sent) == (10000, 0)
    assert kinds_of_payments(shop, sent) == ["payment_intent"]
    (row,) = shop.collected(sent)
    assert row.stripe_invoice_payment_id.startswith("inpay_")
    assert row.allocation_id is not None
    assert only_stray(shop).state == "matched"
    assert shop.differences(sent) == []
    assert shop.link(sent).collection_status == "paid"
    assert facts(shop, "allocated") == [(shop.link(sent).pk, 10000)]
    assert facts(shop, "collected") == []


@pytest.mark.parametrize(
    ("switches", "payment"),
    [
        ({}, {"amount": 12000}),
        ({}, {"amount": 10000, "via": "charge"}),
        ({}, {"amount": 10000, "customer": None}),
        ({"attach_other_customer": "allowed"}, {"amount": 10000, "customer": None}),
        ({"payment_reference": "unique"}, {"amount": 12000}),
        ({"attach_more_than_remains": "refused"}, {"amount": 12000}),
        ({"out_of_band_event": "not_sent"}, {"amount": 12000}),
    ],
)
def test_what_is_not_the_whole_payment_of_its_customer_is_told_by_a_record(
    shop: Shop, sent: int, switches: dict[str, str], payment: dict[str, Any]
) -> None:
    shop.stripe.control("POST", "switches", switches)
    match(shop, arrive(shop, **{"customer": customer_of(shop), **payment}), (sent, 10000))
    shop.poll()
    shop.sync(sent)
    assert amounts(shop, sent) == ["100.00"]
    assert totals(shop, sent) == (10000, 0)
    assert kinds_of_payments(shop, sent) == ["payment_record"]
    (row,) = shop.collected(sent)
    assert row.stripe_invoice_payment_id == f"alloc_{row.allocation_id}"
    assert shop.outside(sent) == []
    assert shop.differences(sent) == []


def test_one_payment_over_several_invoices(shop: Shop, sent: int) -> None:
    second = shop.invoice("60.00")
    shop.sync(second)
    paid = arrive(shop, 16000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    assert only_stray(shop).suggestions[0]["title"].count("+") == 1
    match(shop, paid, (sent, 10000), (second, 6000))
    assert (amounts(shop, sent), amounts(shop, second)) == (["100.00"], ["60.00"])
    assert (totals(shop, sent)[1], totals(shop, second)[1]) == (0, 0)
    assert only_stray(shop).state == "matched"
    assert shop.differences(sent) == shop.differences(second) == []


def test_a_part_stays_unmatched(shop: Shop, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    match(shop, paid, (sent, 4000))
    assert only_stray(shop).state == "partly"
    assert (amounts(shop, sent), totals(shop, sent)) == (["40.00"], (4000, 6000))
    assert shop.link(sent).collection_status == "partly_paid"
    assert shop.differences(sent) == []


def test_the_rest_of_a_payment_is_left_alone_and_its_match_stays(shop: Shop, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    match(shop, paid, (sent, 4000))
    with tenant_scope(shop.tenant.pk):
        assert decisions_matching.ignore([only_stray(shop)], reason="A tip.", cause=cause()) == 1
    look_up(shop, paid["id"])
    shop.sync(sent)
    assert only_stray(shop).state == "ignored"
    assert (amounts(shop, sent), totals(shop, sent)) == (["40.00"], (4000, 6000))
    with tenant_scope(shop.tenant.pk):
        assert decisions_matching.stop_ignoring([only_stray(shop)], cause=cause()) == 1
    assert only_stray(shop).state == "partly"


@pytest.mark.parametrize(
    ("mode", "state"), [("observe", "observed"), ("approve", "awaiting_approval")]
)
def test_nothing_is_recorded_without_the_tenants_word(
    shop: Shop, sent: int, mode: str, state: str
) -> None:
    set_mode(shop, payment_mode=mode)
    match(shop, arrive(shop, 10000, customer=customer_of(shop)), (sent, 10000))
    assert amounts(shop, sent) == []
    assert [row.recording for row in shop.collected(sent)] == [state]
    assert totals(shop, sent) == (10000, 0)
    again = arrive(shop, 10000, customer=customer_of(shop))
    look_up(shop, again["id"])
    with tenant_scope(shop.tenant.pk):
        titles = list(CollectedPayment.objects.values_list("invoice__number", flat=True))
    assert len(titles) == 1, "an invoice that is paid by a match is not suggested for the next one"


@pytest.mark.parametrize("amount", [10000, 12000])
def test_a_match_that_is_taken_back_leaves_freshbooks_and_is_told(
    shop: Shop, sent: int, amount: int
) -> None:
    paid = arrive(shop, amount, customer=customer_of(shop))
    match(shop, paid, (sent, 10000))
    assert amounts(shop, sent) == ["100.00"]
    undo(shop, "It was for another invoice.")
    shop.poll()
    shop.sync(sent)
    assert amounts(shop, sent) == []
    assert only_stray(shop).state == "unmatched"
    assert shop.differences(sent) == ["payment_taken_back"]
    assert shop.link(sent).collection_status == "unpaid"
    assert [row.recording for row in shop.collected(sent)] == ["taken_back"]
    assert sum(minor for _, minor in facts(shop, "unallocated")) == -10000


def test_the_same_match_made_again_is_not_told_twice(shop: Shop, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    match(shop, paid, (sent, 10000))
    undo(shop, "Not sure.")
    match(shop, paid, (sent, 10000))
    shop.sync(sent)
    assert amounts(shop, sent) == ["100.00"]
    assert totals(shop, sent) == (10000, 0)
    assert shop.differences(sent) == []
    assert shop.link(sent).collection_status == "paid"


def test_money_taken_back_can_go_to_the_right_invoice(shop: Shop, sent: int) -> None:
    other = shop.invoice("100.00")
    shop.sync(other)
    paid = arrive(shop, 10000, customer=customer_of(shop))
    match(shop, paid, (sent, 10000))
    undo(shop, "It was for the other one.")
    match(shop, paid, (other, 10000))
    assert (amounts(shop, sent), amounts(shop, other)) == ([], ["100.00"])
    assert totals(shop, other) == (10000, 0)
    assert shop.differences(other) == []
    assert only_stray(shop).state == "matched"


@pytest.mark.parametrize(("refunded", "left"), [(2000, ["100.00"]), (5000, ["70.00"]), (12000, [])])
def test_a_refund_takes_what_nobody_matched_first(
    shop: Shop, sent: int, refunded: int, left: list[str]
) -> None:
    paid = arrive(shop, 12000, customer=customer_of(shop))
    match(shop, paid, (sent, 10000))
    shop.st("refund", charge=paid["charge"], amount=refunded)
    for _ in range(2):
        shop.poll()
    assert amounts(shop, sent) == left
    assert only_stray(shop).returned_minor == refunded


def test_a_lost_dispute_takes_the_match_with_it(shop: Shop, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    match(shop, paid, (sent, 10000))
    dispute = shop.st("dispute", charge=paid["charge"])
    shop.poll()
    assert shop.link(sent).collection_status == "disputed"
    assert amounts(shop, sent) == ["100.00"]
    shop.st("lose_dispute", dispute=dispute["id"])
    shop.poll()
    assert amounts(shop, sent) == []
    assert only_stray(shop).state == "returned"


def test_what_went_back_before_the_match_cannot_be_matched(shop: Shop, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    shop.st("refund", charge=paid["charge"], amount=3000)
    look_up(shop, paid["id"])
    with pytest.raises(MatchRefused, match="Only 70.00 CAD"):
        match(shop, paid, (sent, 10000))
    match(shop, paid, (sent, 7000))
    assert amounts(shop, sent) == ["70.00"]
    assert shop.differences(sent) == []


def test_guards(shop: Shop, simulators: Simulators, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    dollars = shop.invoice("50.00", currency="USD")
    shop.sync(dollars)
    number = {link: str(link) for link in (sent, dollars)}
    for wishes, why in (
        ([], "at least one"),
        ([Wish(invoice="nothing", amount_minor=1)], "no invoice"),
        ([Wish(invoice=number[sent], amount_minor=0)], "above zero"),
        ([Wish(invoice=number[sent], amount_minor=10001)], "only 100.00 CAD outstanding"),
        ([Wish(invoice=number[dollars], amount_minor=100)], "is in USD"),
        ([Wish(invoice=number[sent], amount_minor=50)] * 2, "only once"),
    ):
        with tenant_scope(shop.tenant.pk), pytest.raises(MatchRefused, match=why):
            decisions_matching.match(only_stray(shop).pk, wishes, cause=cause())
    with tenant_scope(shop.tenant.pk):
        assert Allocation.objects.count() == 0
    other = open_shop(simulators.freshbooks, simulators.stripe)
    foreign = other.invoice("100.00", number="ONLY-THERE")
    other.sync(foreign)
    wish = Wish(invoice="ONLY-THERE", amount_minor=100)
    with tenant_scope(shop.tenant.pk), pytest.raises(MatchRefused, match="no invoice"):
        decisions_matching.match(only_stray(shop).pk, [wish], cause=cause())


@pytest.mark.parametrize("wanted", [True, False])
def test_a_unique_exact_suggestion_applies_by_itself_where_the_tenant_wants_it(
    shop: Shop, sent: int, wanted: bool
) -> None:
    set_mode(shop, applies_exact_matches=wanted)
    paid = arrive(shop, 10000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    assert amounts(shop, sent) == (["100.00"] if wanted else [])
    if wanted:
        undo(shop, "Wrong.")
        look_up(shop, paid["id"])
        assert amounts(shop, sent) == [], "what a person took back is not applied again"


def test_two_equal_invoices_never_apply_by_themselves(shop: Shop, sent: int) -> None:
    set_mode(shop, applies_exact_matches=True)
    shop.sync(shop.invoice("100.00"))
    look_up(shop, arrive(shop, 10000, customer=customer_of(shop))["id"])
    stray = only_stray(shop)
    assert stray.state == "unmatched"
    assert [row["unique"] for row in stray.suggestions] == [False, False]
    assert all(row["rivals"] for row in stray.suggestions)


def test_reconciliation_looks_again_for_invoices(shop: Shop) -> None:
    shop.sync(shop.invoice("1.00"))
    look_up(shop, arrive(shop, 7700, customer=customer_of(shop))["id"])
    assert not any(row["exact"] for row in only_stray(shop).suggestions)
    shop.sync(shop.invoice("77.00"))
    shop.reconcile()
    assert only_stray(shop).suggestions[0]["unique"]


def test_left_alone_and_taken_up_again(shop: Shop, sent: int) -> None:
    paid = arrive(shop, 10000, customer=customer_of(shop))
    look_up(shop, paid["id"])
    with tenant_scope(shop.tenant.pk):
        assert decisions_matching.ignore([only_stray(shop)], reason="A gift.", cause=cause()) == 1
    look_up(shop, paid["id"])
    assert (only_stray(shop).state, only_stray(shop).reason) == ("ignored", "A gift.")
    with pytest.raises(MatchRefused, match="left alone"):
        match(shop, paid, (sent, 100))
    with tenant_scope(shop.tenant.pk):
        assert decisions_matching.stop_ignoring([only_stray(shop)], cause=cause()) == 1
    assert only_stray(shop).state == "unmatched"
    assert only_stray(shop).suggestions
    actions = shop.audited(f"payment:{paid['id']}")
    assert actions == ["money.without_invoice", "money.left_alone", "money.taken_up_again"]


def test_a_match_that_stripe_was_about_to_be_told_of_when_the_client_paid(
    shop: Shop, sent: int
) -> None:
    paid = arrive(shop, 10000)
    look_up(shop, paid["id"])
    shop.stripe.fault("status_429", {"method": "POST", "path_regex": "/attach_payment$"})
    decide(shop, paid, (sent, 10000))
    shop.pump()
    shop.pay(sent)
    shop.settle()
    shop.poll()
    assert shop.jobs(state="dead") == []
    assert totals(shop, sent) == (10000, 0)
    assert kinds_of_payments(shop, sent) == ["payment_intent"]
    assert [row.recording for row in shop.collected(sent)] == ["recorded", "needs_you"]
    assert "overpaid" in shop.differences(sent)
