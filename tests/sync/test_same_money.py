"""A payment in FreshBooks that may be Stripe's own money: somebody says what it is, and all follows."""

from __future__ import annotations

import pytest

from connector import decisions, decisions_outside
from connector.collection import rebuild
from connector.models import CollectedPayment, OutsidePayment
from connector.statement.building import build_statement
from connector.statement.months import Month
from connector.statement.records import InvoiceLine
from tenants.scope import tenant_scope
from tests.money.vendor_books import InvoiceBooks, read_books
from tests.pipeline.shop import Shop, cause
from tests.sync.test_outside import money, records


@pytest.fixture
def twins(shop: Shop) -> tuple[int, int]:
    """An invoice that Stripe collected 40.00 for, and the same amount entered by hand."""
    return make_twins(shop)


def make_twins(shop: Shop, total: str = "100.00") -> tuple[int, int]:
    invoice = shop.invoice(total)
    shop.sync(invoice)
    shop.pay(invoice, 4000)
    number = shop.cheque(invoice, "40.00")
    shop.sync(invoice)
    shop.sync(invoice)
    return invoice, number


def one(shop: Shop, invoice: int) -> tuple[CollectedPayment, OutsidePayment]:
    (paid,), (entered,) = shop.collected(invoice), shop.outside(invoice)
    return paid, entered


def books(shop: Shop, invoice: int) -> InvoiceBooks:
    return read_books(shop.fb_book(), shop.st_book(), invoice)


def say_same(shop: Shop, invoice: int) -> int:
    paid, entered = one(shop, invoice)
    return decide(shop, "same", entered, paid)


def decide(
    shop: Shop, what: str, entered: OutsidePayment, paid: CollectedPayment | None = None
) -> int:
    why, by = "I looked at the bank's page", cause()
    with tenant_scope(shop.tenant.pk):
        if what == "same":
            assert paid is not None
            done = decisions_outside.say_same_as(entered.pk, paid.pk, because=why, cause=by)
        elif what == "other":
            done = decisions_outside.say_other([entered.pk], because=why, cause=by)
        else:
            done = decisions_outside.take_back([entered.pk], because=why, cause=by)
    shop.settle()
    return done


def line_of(shop: Shop, invoice: int) -> InvoiceLine:
    with tenant_scope(shop.tenant.pk):
        link = shop.link(invoice)
        assert link.synced_at is not None
        statement = build_statement(shop.tenant, Month.of(link.synced_at.date()))
    (line,) = (line for line in statement.invoices if line.invoice == invoice)
    return line


def test_undecided_both_wait_for_a_person(shop: Shop, twins: tuple[int, int]) -> None:
    invoice, _ = twins
    paid, entered = one(shop, invoice)
    assert (paid.recording, entered.reporting) == ("needs_you", "needs_you")
    assert "payment_not_recorded" in shop.differences(invoice)


def test_the_same_money_counts_once_everywhere(shop: Shop, twins: tuple[int, int]) -> None:
    invoice, number = twins
    assert say_same(shop, invoice) == 1
    paid, entered = one(shop, invoice)
    assert (paid.recording, paid.freshbooks_amount_minor) == ("by_hand", 4000)
    assert str(number) in paid.reason
    assert (entered.reporting, entered.reason, entered.decided_by) == ("same_money", "", "test")
    link = shop.link(invoice)
    assert (link.collection_status, shop.differences(invoice)) == ("partly_paid", [])
    assert records(shop) == [], "Stripe is not told of its own money as a cheque"
    assert [row["id"] for row in books(shop, invoice).live] == [number], "not recorded again"
    assert shop.asking(invoice)["amount_remaining"] == 6000
    line = line_of(shop, invoice)
    assert (line.difference, line.explained, line.unexplained) == (0, (), 0)
    assert list(rebuild(shop.tenant.pk, save=False)) == []
    said = [name for name in shop.audited(f"invoice:{invoice}") if "said_same" in name]
    assert said == ["outside_payment.said_same_money"]
    before = len(shop.writes())
    shop.reconcile()
    assert (len(shop.writes()), shop.differences(invoice)) == (before, [])


def test_other_money_is_told_to_stripe_and_stops_no_recording(
    shop: Shop, twins: tuple[int, int]
) -> None:
    invoice, number = twins
    _, entered = one(shop, invoice)
    assert decide(shop, "other", entered) == 1
    paid, entered = one(shop, invoice)
    assert (paid.recording, entered.reporting) == ("recorded", "reported")
    assert records(shop) == [(4000, 0)]
    found = books(shop, invoice)
    assert (found.recorded, found.elsewhere) == (4000, 4000)
    link = shop.sync(invoice)
    assert (link.collection_status, shop.differences(invoice)) == ("partly_paid", [])
    assert shop.asking(invoice)["amount_remaining"] == 2000
    line = line_of(shop, invoice)
    assert (line.difference, line.unexplained) == (0, 0)
    shop.fb("delete_payment", id=number)
    for _ in range(2):
        shop.sync(invoice)
    assert records(shop) == [(4000, 4000)], "followed like any cheque"


@pytest.mark.parametrize("mode", ["observe", "approve"])
def test_other_modes_follow_the_decision_as_well(shop: Shop, mode: str) -> None:
    shop.tenant.payment_mode = mode
    shop.tenant.save()
    invoice, number = make_twins(shop)
    say_same(shop, invoice)
    assert one(shop, invoice)[0].recording == "by_hand"
    assert shop.differences(invoice) == []
    _, entered = one(shop, invoice)
    decide(shop, "back", entered)
    expected = {"observe": "observed", "approve": "awaiting_approval"}[mode]
    assert one(shop, invoice)[0].recording == expected
    decide(shop, "other", entered)
    paid, entered = one(shop, invoice)
    assert (paid.recording, entered.reporting) == (expected, "reported")
    assert records(shop) == [(4000, 0)]
    assert shop.differences(invoice) == ["payment_not_recorded"]
    assert [row["id"] for row in books(shop, invoice).live] == [number]


def test_a_decision_that_is_taken_back_asks_again(shop: Shop, twins: tuple[int, int]) -> None:
    invoice, _ = twins
    say_same(shop, invoice)
    decide(shop, "back", one(shop, invoice)[1])
    paid, entered = one(shop, invoice)
    assert (paid.recording, entered.reporting) == ("needs_you", "needs_you")
    assert entered.same_money_as_id is None
    assert "payment_not_recorded" in shop.differences(invoice)
    assert records(shop) == []
    decide(shop, "other", entered)
    assert (one(shop, invoice)[0].recording, records(shop)) == ("recorded", [(4000, 0)])


def test_a_refund_of_the_same_money_shows_until_freshbooks_is_lowered(
    shop: Shop, twins: tuple[int, int]
) -> None:
    invoice, number = twins
    say_same(shop, invoice)
    paid, _ = one(shop, invoice)
    shop.st("refund", charge=paid.stripe_charge_id, amount=1500)
    link = shop.sync(invoice)
    assert (link.returned_minor, shop.differences(invoice)) == (1500, ["paid_differs"])
    line = line_of(shop, invoice)
    assert [(part.kind, part.amount) for part in line.explained] == [("by_hand_differs", -1500)]
    assert line.unexplained == 0
    assert books(shop, invoice).elsewhere == 4000, "payments of people are never lowered"
    shop.fb("edit_payment", id=number, payment=money("25.00"))
    shop.sync(invoice)
    paid, entered = one(shop, invoice)
    assert (paid.recording, paid.freshbooks_amount_minor) == ("by_hand", 2500)
    assert entered.reporting == "same_money"
    # FreshBooks asks for it again, and the Stripe invoice, which is still open, does not.
    assert (shop.differences(invoice), records(shop)) == (["refunded"], [])


def test_deleted_and_restored_in_freshbooks(shop: Shop, twins: tuple[int, int]) -> None:
    invoice, number = twins
    say_same(shop, invoice)
    shop.fb("delete_payment", id=number)
    shop.sync(invoice)
    paid, _ = one(shop, invoice)
    assert paid.recording == "needs_you", "nothing is recorded that a person took away"
    assert "was deleted there" in paid.reason
    assert shop.differences(invoice) == ["payment_not_recorded"]
    shop.fb("restore_payment", id=number)
    shop.sync(invoice)
    paid, entered = one(shop, invoice)
    assert (paid.recording, entered.reporting) == ("by_hand", "same_money")
    assert (shop.differences(invoice), records(shop)) == ([], [])
    shop.fb("delete_payment", id=number)
    shop.sync(invoice)
    with tenant_scope(shop.tenant.pk):
        decisions.approve_payments([paid.pk], cause=cause())
    shop.settle()
    assert books(shop, invoice).recorded == 4000
    assert shop.differences(invoice) == []


def test_what_stripe_was_told_before_is_taken_back(shop: Shop) -> None:
    """The cheque was told to Stripe first; then it turned out to be the card payment."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.cheque(invoice, "40.00")
    shop.sync(invoice)
    shop.pay(invoice, 4000)
    shop.sync(invoice)
    assert (records(shop), one(shop, invoice)[0].recording) == ([(4000, 0)], "needs_you")
    say_same(shop, invoice)
    shop.sync(invoice)
    paid, entered = one(shop, invoice)
    assert (paid.recording, entered.told_minor, records(shop)) == ("by_hand", 0, [(4000, 4000)])
    assert "Said to be Stripe's own money" in entered.reason
    assert shop.differences(invoice) == ["payment_taken_back"]
    line = line_of(shop, invoice)
    assert (line.difference, line.unexplained) == (0, 0)


def test_an_invoice_paid_twice_is_said_to_be(shop: Shop) -> None:
    """Other money over all of an invoice that Stripe collected: there is too much of it."""
    invoice, _ = make_twins(shop, "40.00")
    _, entered = one(shop, invoice)
    decide(shop, "other", entered)
    paid, entered = one(shop, invoice)
    assert "paid twice" in paid.reason
    assert "overpaid" in shop.differences(invoice)
    decide(shop, "back", entered)
    say_same(shop, invoice)
    assert shop.link(invoice).collection_status == "paid"
    assert shop.differences(invoice) == []


def test_what_cannot_be_decided_is_not(shop: Shop, twins: tuple[int, int]) -> None:
    invoice, _ = twins
    paid, entered = one(shop, invoice)
    other, _ = make_twins(shop)
    foreign, _ = one(shop, other)
    with tenant_scope(shop.tenant.pk):
        by = cause()
        assert decisions_outside.say_same_as(entered.pk, paid.pk, because=" ", cause=by) == 0
        assert decisions_outside.say_other([entered.pk], because=" ", cause=by) == 0
    assert decide(shop, "same", entered, foreign) == 0, "a payment of another invoice"
    assert decide(shop, "back", entered) == 0
    decide(shop, "other", entered)
    assert decide(shop, "same", entered, paid) == 0, "it was decided, and recorded"
    assert decide(shop, "other", entered) == 0


def test_in_a_list_only_what_is_beyond_doubt_is_decided(shop: Shop) -> None:
    clear, _ = make_twins(shop)
    doubtful, _ = make_twins(shop)
    shop.cheque(doubtful, "40.00")
    shop.sync(doubtful)
    with tenant_scope(shop.tenant.pk):
        ids = [shop.link(clear).pk, shop.link(doubtful).pk]
        assert decisions_outside.say_same(ids, because="seen", cause=cause()) == 1
    shop.settle()
    assert [row.recording for row in shop.collected(clear)] == ["by_hand"]
    assert [row.recording for row in shop.collected(doubtful)] == ["needs_you"]


def test_a_sync_that_runs_meanwhile_does_not_write_over_a_decision(
    shop: Shop, twins: tuple[int, int]
) -> None:
    """What a stale sync wrote of the rest of the row, the next one puts right."""
    invoice, _ = twins
    _, entered = one(shop, invoice)
    stale = entered.reason
    decide(shop, "other", entered)
    with tenant_scope(shop.tenant.pk):
        OutsidePayment.objects.update(reporting="needs_you", reason=stale)
        CollectedPayment.objects.update(recording="needs_you", freshbooks_payment_id=None)
    shop.sync(invoice)
    _, entered = one(shop, invoice)
    assert (entered.other_money, entered.reporting) == (True, "reported")
