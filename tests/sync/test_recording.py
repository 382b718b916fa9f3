"""Protocol R5: what Stripe collected stands in FreshBooks once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from connector.errors import OutcomeUnknown
from connector.idempotency import find_marker
from connector.models import CollectedPayment
from tenants.scope import tenant_scope
from tests.pipeline.interference import Killed, interfering, recover, run_killed
from tests.pipeline.shop import Shop

PAYMENTS = r"/payments/payments$"


@pytest.fixture
def paid(shop: Shop) -> int:
    """An invoice of 100.00 that its client has just paid in Stripe."""
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice)
    return invoice


def posts(shop: Shop) -> int:
    """How often a payment was posted to FreshBooks, whatever became of it."""
    return sum(
        row["count"]
        for row in shop.freshbooks.calls()["calls"]
        if row["method"] == "POST" and row["route"].endswith("/payments/payments")
    )


def recording(shop: Shop, invoice: int) -> str:
    (row,) = shop.collected(invoice)
    return str(row.recording)


def test_a_collected_payment_is_recorded_once_with_its_marker(shop: Shop, paid: int) -> None:
    for _ in range(3):
        shop.sync(paid)
    (payment,) = shop.fb_payments(paid)
    (row,) = shop.collected(paid)
    assert payment["amount"]["amount"] == "100.00"
    assert find_marker(payment["note"]) == row.marker
    assert row.stripe_invoice_payment_id in payment["note"]
    assert (row.recording, row.freshbooks_payment_id) == ("recorded", payment["id"])
    assert posts(shop) == 1
    link = shop.link(paid)
    assert (link.state, link.collection_status) == ("settled", "paid")
    assert shop.differences(paid) == []
    assert shop.fb_book()["emails"] == []


@pytest.mark.parametrize(
    ("mode", "ends"), [("observe", "observed"), ("approve", "awaiting_approval")]
)
def test_without_the_tenants_word_nothing_is_written(shop: Shop, mode: str, ends: str) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(payment_mode=mode)
    invoice = shop.invoice()
    shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    assert (recording(shop, invoice), shop.fb_payments(invoice), posts(shop)) == (ends, [], 0)
    assert shop.link(invoice).collection_status == "paid"
    assert shop.differences(invoice) == ["payment_not_recorded"]


def test_an_approved_payment_is_recorded(shop: Shop) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(payment_mode="approve")
    invoice = shop.invoice()
    shop.sync(invoice)
    shop.pay(invoice)
    shop.sync(invoice)
    with tenant_scope(shop.tenant.pk):
        CollectedPayment.objects.update(recording=CollectedPayment.Recording.APPROVED)
    shop.sync(invoice)
    assert len(shop.fb_payments(invoice)) == 1
    assert shop.differences(invoice) == []


def test_parts_are_recorded_as_parts(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    for amount in (2500, 2500, 1000):
        shop.pay(invoice, amount)
        shop.sync(invoice)
    amounts = sorted(row["amount"]["amount"] for row in shop.fb_payments(invoice))
    assert amounts == ["10.00", "25.00", "25.00"]
    assert shop.link(invoice).collection_status == "partly_paid"
    assert shop.differences(invoice) == []


def test_a_bank_debit_is_recorded_when_it_arrives_and_not_before(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    debit = shop.pay(invoice, method="us_bank_account", outcome="processing")
    shop.sync(invoice)
    assert (shop.link(invoice).collection_status, posts(shop)) == ("pending", 0)
    shop.st("settle_payment", payment_intent=debit["payment_intent"])
    shop.sync(invoice)
    assert [row["type"] for row in shop.fb_payments(invoice)] == ["ACH"]


def test_a_bank_debit_that_fails_is_never_recorded(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    debit = shop.pay(invoice, method="us_bank_account", outcome="processing")
    shop.sync(invoice)
    shop.st("fail_payment", payment_intent=debit["payment_intent"])
    shop.sync(invoice)
    assert (shop.link(invoice).collection_status, posts(shop)) == ("unpaid", 0)


def test_an_answer_lost_after_the_commit_is_found_again_by_its_marker(
    shop: Shop, paid: int
) -> None:
    shop.freshbooks.fault("reset_after", {"method": "POST", "path_regex": PAYMENTS})
    shop.look(paid)
    assert recording(shop, paid) == "unknown"
    shop.settle()
    assert recording(shop, paid) == "recorded"
    assert (len(shop.fb_payments(paid)), posts(shop)) == (1, 1)
    assert shop.differences(paid) == []


def lose(times: int) -> Callable[[str, Callable[[], Any]], Any]:
    """The first payments never reach FreshBooks, and nobody can know."""
    left = [times]

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "create_payment" and left[0]:
            left[0] -= 1
            raise OutcomeUnknown("no answer")
        return call()

    return around


def test_an_attempt_that_never_arrived_is_made_again_after_three_looks(
    shop: Shop, paid: int
) -> None:
    looks: list[int] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "list_payments":
            looks.append(posts(shop))
        return losing(name, call)

    losing = lose(1)
    with interfering(shop, around):
        shop.look(paid)
        assert (recording(shop, paid), posts(shop)) == ("unknown", 0)
        looks.clear()
        shop.settle()
    assert (recording(shop, paid), posts(shop)) == ("recorded", 1)
    assert looks.count(0) >= 3, "looked at three times before it was sent again"
    (row,) = shop.collected(paid)
    assert row.attempts == 2


def test_nothing_is_sent_again_before_freshbooks_had_its_time(
    shop: Shop, paid: int, settings: Any
) -> None:
    settings.PAYMENT_SETTLE_S = 3600
    with interfering(shop, lose(1)):
        shop.look(paid)
        for _ in range(6):
            shop.hurry()
            shop.pump()
        assert (recording(shop, paid), posts(shop)) == ("unknown", 0)
        assert "payment_unknown_outcome" in shop.differences(paid)
        with tenant_scope(shop.tenant.pk):
            CollectedPayment.objects.update(sent_at=timezone.now() - timedelta(hours=2))
        settings.PAYMENT_SETTLE_S = 0
        shop.settle()
    assert (recording(shop, paid), posts(shop)) == ("recorded", 1)


def test_a_worker_killed_after_freshbooks_took_the_payment_does_not_double_it(
    shop: Shop, paid: int
) -> None:
    def die_after(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == "create_payment":
            raise Killed
        return answer

    shop.enqueue_look(paid)
    with interfering(shop, die_after):
        assert run_killed(shop)
    recover()
    shop.settle()
    assert (recording(shop, paid), len(shop.fb_payments(paid)), posts(shop)) == ("recorded", 1, 1)


def test_a_late_commit_is_adopted_and_not_doubled(shop: Shop, paid: int, settings: Any) -> None:
    """FreshBooks commits after our first look: the settle time covers it."""
    settings.PAYMENT_SETTLE_S = 3600
    late: list[Callable[[], Any]] = []

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "create_payment":
            late.append(call)
            raise OutcomeUnknown("no answer")
        return call()

    with interfering(shop, around):
        shop.look(paid)
        shop.hurry()
        shop.pump()
        assert shop.fb_payments(paid) == []
        late[0]()
        shop.hurry()
        shop.pump()
    assert (recording(shop, paid), len(shop.fb_payments(paid)), len(late)) == ("recorded", 1, 1)


def test_a_refusal_is_final_and_told(shop: Shop, paid: int) -> None:
    shop.freshbooks.switch(unknown_payment_type="refused")

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "create_payment":
            shop.fb("delete_invoice", id=paid)  # refused: the invoice is gone at this moment
        return call()

    with interfering(shop, around):
        shop.sync(paid)
    (row,) = shop.collected(paid)
    assert (row.recording, shop.fb_payments(paid)) == ("rejected", [])
    assert row.reason


def test_a_twin_entered_by_hand_needs_a_person(shop: Shop, paid: int) -> None:
    shop.cheque(paid, "100.00", type="Credit Card")
    shop.sync(paid)
    (row,) = shop.collected(paid)
    assert (row.recording, len(shop.fb_payments(paid)), posts(shop)) == ("needs_you", 1, 0)
    assert row.reason


def test_a_partial_twin_entered_by_hand_needs_a_person(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 3000)
    shop.cheque(invoice, "30.00", type="Credit Card")
    shop.sync(invoice)
    (row,) = shop.collected(invoice)
    assert (row.recording, len(shop.fb_payments(invoice))) == ("needs_you", 1)
    assert "three days" in row.reason
    assert shop.st_invoices(invoice)[0]["amount_remaining"] == 7000, "not reported as a second one"


def test_an_observing_tenant_that_enters_stripes_money_by_hand_is_not_told_on(
    shop: Shop,
) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(payment_mode="observe")
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    for _ in range(2):
        shop.pay(invoice, 3000)
        shop.cheque(invoice, "30.00", type="Credit Card")
        shop.sync(invoice)
    assert shop.st_invoices(invoice)[0]["amount_remaining"] == 4000
    shop.cheque(invoice, "30.00", type="Check")
    shop.sync(invoice)
    assert shop.st_invoices(invoice)[0]["amount_remaining"] == 1000, "a third one is other money"


def test_freshbooks_own_gateway_on_the_invoice_needs_a_person(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 3000)
    shop.fb("record_gateway_payment", invoiceid=invoice, amount="20.00")
    shop.sync(invoice)
    (row,) = shop.collected(invoice)
    assert row.recording == "needs_you"
    assert "own payment processing" in row.reason


def test_more_than_is_outstanding_needs_a_person(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 12000)
    shop.sync(invoice)
    assert "overpaid" in shop.differences(invoice)
    paid_in_books = sum(float(row["amount"]["amount"]) for row in shop.fb_payments(invoice))
    assert paid_in_books <= 100, "FreshBooks is never told of more than was outstanding"
    assert shop.link(invoice).collection_status == "overpaid"


def test_a_payment_split_by_freshbooks_is_remembered_with_what_it_kept(
    shop: Shop, paid: int
) -> None:
    """Somebody enters a cheque between our look and our post: FreshBooks splits off a credit."""

    def around(name: str, call: Callable[[], Any]) -> Any:
        if name == "create_payment":
            shop.cheque(paid, "60.00")
        return call()

    with interfering(shop, around):
        shop.sync(paid)
    (row,) = shop.collected(paid)
    assert (row.recording, row.amount_minor, row.freshbooks_amount_minor) == (
        "recorded",
        10000,
        4000,
    )
    assert "40.00" in row.reason
    shop.sync(paid)
    assert posts(shop) == 1
    assert shop.differences(paid) != [], "160.00 were paid on 100.00"


def test_deleted_by_a_person_is_not_made_again(shop: Shop, paid: int) -> None:
    shop.sync(paid)
    (payment,) = shop.fb_payments(paid)
    shop.fb("delete_payment", id=payment["id"])
    for _ in range(3):
        shop.sync(paid)
    assert (recording(shop, paid), shop.fb_payments(paid), posts(shop)) == (
        "deleted_by_person",
        [],
        1,
    )
    assert shop.differences(paid) == ["payment_not_recorded"]


def test_changed_by_a_person_is_taken_over(shop: Shop, paid: int) -> None:
    shop.sync(paid)
    (payment,) = shop.fb_payments(paid)
    shop.fb("edit_payment", id=payment["id"], payment={"amount": "90.00"})
    shop.sync(paid)
    (row,) = shop.collected(paid)
    assert (row.recording, row.freshbooks_amount_minor) == ("recorded", 9000)
    assert posts(shop) == 1
    assert shop.differences(paid) == ["payment_not_recorded"]


def test_a_marker_edited_away_does_not_double_the_payment(shop: Shop, paid: int) -> None:
    """F: the id is known, so the note is the person's to change."""
    shop.sync(paid)
    (payment,) = shop.fb_payments(paid)
    shop.fb("edit_payment", id=payment["id"], payment={"note": "thanks"})
    shop.sync(paid)
    assert (recording(shop, paid), len(shop.fb_payments(paid)), posts(shop)) == ("recorded", 1, 1)
    assert shop.outside(paid) == []


def test_a_marker_edited_away_before_we_knew_the_id_needs_a_person(shop: Shop, paid: int) -> None:
    shop.freshbooks.fault("reset_after", {"method": "POST", "path_regex": PAYMENTS})
    shop.look(paid)
    (payment,) = shop.fb_payments(paid)
    shop.fb("edit_payment", id=payment["id"], payment={"note": "thanks"})
    shop.settle()
    assert (recording(shop, paid), len(shop.fb_payments(paid)), posts(shop)) == ("needs_you", 1, 1)


@pytest.mark.parametrize("fault", ["status_500", "error_200", "status_429"])
def test_a_vendor_in_trouble_delays_and_doubles_nothing(shop: Shop, paid: int, fault: str) -> None:
    shop.freshbooks.fault(fault, {"method": "POST", "path_regex": PAYMENTS}, times=2)
    shop.sync(paid)
    assert (recording(shop, paid), len(shop.fb_payments(paid))) == ("recorded", 1)
    assert shop.differences(paid) == []


@pytest.fixture
def half_paid(shop: Shop) -> int:
    """An invoice of 200.00, of which 100.00 was paid in Stripe and recorded."""
    invoice = shop.invoice("200.00")
    shop.sync(invoice)
    shop.pay(invoice, 10000)
    shop.sync(invoice)
    return invoice


def double_of(shop: Shop, invoice: int, **changes: Any) -> dict[str, Any]:
    """As if an attempt that was given up for lost landed after all."""
    (payment,) = shop.fb_payments(invoice)
    fields = {
        "amount": payment["amount"]["amount"],
        "date": payment["date"],
        "type": payment["type"],
    }
    return shop.fb("record_payment", invoiceid=invoice, note=payment["note"], **(fields | changes))


def test_a_double_that_lands_late_is_removed(shop: Shop, half_paid: int) -> None:
    (first,) = shop.fb_payments(half_paid)
    double_of(shop, half_paid)
    shop.reconcile()
    assert [row["id"] for row in shop.fb_payments(half_paid)] == [first["id"]]
    assert shop.collected(half_paid)[0].freshbooks_payment_id == first["id"]
    assert "payment.double_removed" in shop.audited(f"invoice:{half_paid}")
    assert shop.differences(half_paid) == []


def test_a_copy_with_other_fields_is_somebodys_and_shown(shop: Shop, half_paid: int) -> None:
    double_of(shop, half_paid, type="Cash")
    shop.reconcile()
    assert len(shop.fb_payments(half_paid)) == 2
    assert shop.differences(half_paid) != []
