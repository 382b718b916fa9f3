"""What becomes of an invoice besides being paid: tiny, archived, written off, given up, overdue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.pipeline.shop import Shop


def test_an_invoice_over_nothing_is_settled_and_never_sent(shop: Shop) -> None:
    invoice = shop.invoice("0.00")
    shop.sync(invoice)
    link = shop.sync(invoice)
    assert shop.st_invoices(invoice) == []
    assert (link.state, link.collection_status) == ("settled", "paid")
    assert "Nothing is outstanding" in link.reason
    assert shop.differences(invoice) == []


def test_an_invoice_that_is_lowered_to_nothing_is_no_longer_asked_for(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.edit(invoice, "0.00")
    link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["void"]
    assert (link.state, shop.differences(invoice)) == ("settled", [])


def test_below_the_least_charge_nothing_is_finalized_and_a_person_is_told(shop: Shop) -> None:
    invoice = shop.invoice("0.49")
    link = shop.sync(invoice)
    assert shop.st_book()["invoices"] == []
    assert link.state == "blocked"
    assert "Collect it another way" in link.reason
    assert shop.differences(invoice) == ["not_representable"]
    shop.cheque(invoice, "0.49")
    link = shop.sync(invoice)
    assert (link.state, shop.differences(invoice)) == ("settled", [])


def test_the_least_charge_itself_is_collected(shop: Shop) -> None:
    invoice = shop.invoice("0.50")
    assert shop.sync(invoice).state == "open"
    shop.pay(invoice)
    assert shop.sync(invoice).collection_status == "paid"


def test_a_rest_that_nobody_can_pay_in_stripe_is_told(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.cheque(invoice, "99.80")
    shop.sync(invoice)
    shop.sync(invoice)
    assert shop.asking(invoice)["amount_remaining"] == 20
    assert shop.differences(invoice) == ["rest_too_small"]
    shop.cheque(invoice, "0.20")
    shop.sync(invoice)
    assert (shop.statuses(invoice), shop.differences(invoice)) == (["paid"], [])


@pytest.mark.parametrize(
    ("deposit", "words"),
    [
        ({"deposit_amount": {"amount": "30.00", "code": "CAD"}}, "30.00 CAD"),
        ({"deposit_percentage": "25"}, "25 %"),
    ],
)
def test_a_deposit_is_told_and_its_payment_lowers_the_rest(
    shop: Shop, deposit: dict[str, Any], words: str
) -> None:
    invoice = shop.invoice("100.00", **deposit)
    link = shop.sync(invoice)
    assert [words in note for note in link.notes] == [True]
    assert shop.asking(invoice)["amount_remaining"] == 10000
    shop.cheque(invoice, "30.00")
    link = shop.sync(invoice)
    assert shop.asking(invoice)["amount_remaining"] == 7000
    assert (link.collection_status, shop.differences(invoice)) == ("partly_paid", [])


def test_partly_paid_at_first_sight_the_earlier_part_is_a_record_of_ours(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    cheque = shop.cheque(invoice, "30.00")
    shop.sync(invoice)
    shop.poll()
    (record,) = shop.st_book()["payment_records"]
    assert record["metadata"]["fb_payment_id"] == str(cheque)
    assert record["amount_requested"]["value"] == 3000
    assert shop.collected(invoice) == [], "it does not come back as Stripe's money"
    assert len(shop.fb_payments(invoice)) == 1


def test_overdue_at_first_sight_is_sent_with_its_own_due_date_shown(shop: Shop) -> None:
    issued = timezone.now().date() - timedelta(days=90)
    invoice = shop.invoice("100.00", create_date=issued.isoformat(), due_offset_days=30)
    link = shop.sync(invoice)
    assert (link.state, link.freshbooks_status) == ("open", "overdue")
    due = (issued + timedelta(days=30)).isoformat()
    shown = shop.asking(invoice)["custom_fields"]
    assert {"name": "Due date", "value": due} in shown
    assert any(due in note for note in link.notes)
    assert shop.differences(invoice) == []


def test_an_archived_invoice_is_collected_all_the_same(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.fb("archive_invoice", id=invoice)
    link = shop.sync(invoice)
    assert (link.state, link.freshbooks_vis_state) == ("open", 2)
    assert shop.statuses(invoice) == ["open"]
    shop.pay(invoice)
    link = shop.sync(invoice)
    assert (link.collection_status, shop.differences(invoice)) == ("paid", [])
    assert len(shop.fb_payments(invoice)) == 1


def test_a_write_off_by_credit_in_freshbooks_closes_the_stripe_invoice(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 6000)
    shop.sync(invoice)
    credit = shop.fb("give_credit", clientid=shop.client_id, amount="40.00")
    shop.fb("apply_credit", creditid=credit["id"], invoiceid=invoice, amount="40.00")
    link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert (link.collection_status, shop.differences(invoice)) == ("paid", [])


def test_given_up_in_stripe_is_told_and_can_still_be_paid(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    link = shop.sync(invoice)
    shop.st("mark_uncollectible", invoice=link.stripe_invoice_id)
    shop.sync(invoice)
    link = shop.sync(invoice)
    assert (link.stripe_status, link.collection_status) == ("uncollectible", "not_collected")
    assert shop.statuses(invoice) == ["uncollectible"], "it is neither replaced nor made again"
    assert shop.differences(invoice) == ["uncollectible"]
    shop.st("pay_invoice", invoice=link.stripe_invoice_id)
    link = shop.sync(invoice)
    assert (link.state, link.collection_status) == ("settled", "paid")
    assert shop.differences(invoice) == []
    assert len(shop.fb_payments(invoice)) == 1


def test_a_cheque_for_what_was_given_up_in_stripe_is_told_to_stripe(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    link = shop.sync(invoice)
    shop.st("mark_uncollectible", invoice=link.stripe_invoice_id)
    shop.cheque(invoice, "100.00")
    link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert (link.collection_status, shop.differences(invoice)) == ("paid_outside", [])


def test_voided_in_stripe_and_then_paid_in_freshbooks_is_settled(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    link = shop.sync(invoice)
    shop.st("void_invoice", invoice=link.stripe_invoice_id)
    assert shop.sync(invoice).state == "blocked"
    shop.cheque(invoice, "100.00")
    link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["void"]
    assert (link.state, link.collection_status) == ("settled", "paid_outside")
    assert shop.differences(invoice) == []
