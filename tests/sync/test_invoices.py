"""A FreshBooks invoice becomes one Stripe invoice, equal to the cent, and stays in step."""

from __future__ import annotations

from typing import Any

import pytest

from connector.jobs import kinds
from connector.models import VendorWrite
from tests.pipeline.interference import interfering
from tests.pipeline.shop import Shop
from tests.pipeline.vendor_side import line


def stripe_writes(shop: Shop) -> int:
    return len(shop.writes(vendor="stripe", state=VendorWrite.State.CONFIRMED))


def test_a_sent_invoice_is_one_open_invoice_equal_to_the_cent(shop: Shop) -> None:
    invoice = shop.invoice("33.33", "0.01", "1999.99")
    link = shop.sync(invoice)
    (made,) = shop.st_invoices(invoice)
    assert (made["status"], made["total"], made["currency"]) == ("open", 203333, "cad")
    assert made["auto_advance"] is False
    assert (link.state, link.collection_status) == ("open", "unpaid")
    assert link.stripe_total_minor == link.freshbooks_total_minor == 203333
    assert shop.differences(invoice) == []


@pytest.mark.parametrize(
    ("currency", "amount", "total"), [("JPY", "3000", 3000), ("KWD", "1.230", 1230)]
)
def test_currencies_of_other_digits_keep_their_amount(
    shop: Shop, currency: str, amount: str, total: int
) -> None:
    shop.freshbooks.switch(money_precision="iso")
    client = shop.client(currency_code=currency)
    invoice = shop.invoice(amount, currency=currency, client=client)
    link = shop.sync(invoice)
    assert [row["total"] for row in shop.st_invoices(invoice)] == [total]
    assert link.stripe_total_minor == link.freshbooks_total_minor == total


def test_a_second_look_writes_nothing(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    before = shop.stripe.calls(), stripe_writes(shop)
    for _ in range(3):
        assert shop.look(invoice).state == "done"
    posts = [row for row in shop.stripe.calls()["calls"] if row["method"] != "GET"]
    assert posts == [row for row in before[0]["calls"] if row["method"] != "GET"]
    assert stripe_writes(shop) == before[1]


def test_a_known_clients_invoice_costs_three_stripe_writes(shop: Shop) -> None:
    shop.sync(shop.invoice())
    before = stripe_writes(shop)
    shop.sync(shop.invoice("1.00", "2.00", "3.00"))
    assert stripe_writes(shop) - before == 3


def test_more_lines_than_one_call_takes(shop: Shop) -> None:
    invoice = shop.invoice(*["1.00"] * 130)
    shop.sync(invoice)
    (made,) = shop.st_invoices(invoice)
    assert (made["status"], made["total"]) == ("open", 13000)


def test_a_draft_is_kept_in_step_and_finalized_when_it_is_sent(shop: Shop) -> None:
    invoice = shop.invoice("100.00", send=False)
    assert shop.sync(invoice).state == "draft"
    assert shop.statuses(invoice) == ["draft"]
    shop.edit(invoice, "120.00")
    shop.sync(invoice)
    living = [row for row in shop.st_invoices(invoice) if row["status"] == "draft"]
    assert [row["total"] for row in living] == [12000]
    shop.fb("send_invoice", id=invoice)
    assert shop.sync(invoice).state == "open"
    assert [row["total"] for row in shop.st_invoices(invoice) if row["status"] == "open"] == [12000]
    assert len([r for r in shop.revisions(invoice) if r.state != "gone"]) == 1


def test_an_edit_after_sending_voids_and_replaces(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.edit(invoice, "80.00")
    link = shop.sync(invoice)
    old, new = shop.st_invoices(invoice)
    assert (old["status"], old["total"]) == ("void", 10000)
    assert (new["status"], new["total"]) == ("open", 8000)
    assert link.stripe_invoice_id == new["id"]
    assert [row.state for row in shop.revisions(invoice)] == ["gone", "open"]


def test_an_edit_that_changes_nothing_of_value_replaces_nothing(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.edit(invoice, "100.00")
    shop.sync(invoice)
    assert shop.statuses(invoice) == ["open"]


def test_an_edit_after_a_payment_needs_a_person(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, 4000)
    shop.edit(invoice, "80.00")
    link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["open"]
    assert link.state == "blocked"
    assert "after money was paid" in link.reason
    assert "changed_after_payment" in shop.differences(invoice)
    shop.edit(invoice, "100.00")
    assert shop.sync(invoice).state == "open"
    assert shop.differences(invoice) == []


def test_an_edit_while_a_bank_debit_is_under_way_needs_a_person(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.pay(invoice, method="us_bank_account", outcome="processing")
    assert shop.sync(invoice).collection_status == "pending"
    shop.edit(invoice, "80.00")
    assert shop.sync(invoice).state == "blocked"
    assert shop.statuses(invoice) == ["open"]


@pytest.mark.parametrize(("send", "ends"), [(False, []), (True, ["void"])])
def test_deleted_in_freshbooks_is_no_longer_asked_for(
    shop: Shop, send: bool, ends: list[str]
) -> None:
    invoice = shop.invoice(send=send)
    shop.sync(invoice)
    shop.fb("delete_invoice", id=invoice)
    link = shop.sync(invoice)
    assert [status for status in shop.statuses(invoice) if status != "deleted"] == ends
    assert link.state == "removed"
    assert shop.differences(invoice) == []


def test_deleted_in_freshbooks_after_it_was_paid_is_told(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    shop.pay(invoice)
    shop.fb("delete_invoice", id=invoice)
    shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert shop.differences(invoice) == ["deleted_in_freshbooks"]
    assert [row.recording for row in shop.collected(invoice)] == ["needs_you"]


def test_restored_in_freshbooks_is_asked_for_again(shop: Shop) -> None:
    invoice = shop.invoice()
    shop.sync(invoice)
    shop.fb("delete_invoice", id=invoice)
    shop.sync(invoice)
    shop.fb("restore_invoice", id=invoice)
    assert shop.sync(invoice).state == "open"
    assert shop.statuses(invoice) == ["void", "open"]


def test_voided_in_stripe_by_a_person_is_not_made_again(shop: Shop) -> None:
    invoice = shop.invoice()
    link = shop.sync(invoice)
    shop.st("void_invoice", invoice=link.stripe_invoice_id)
    for _ in range(2):
        link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["void"]
    assert link.state == "blocked"
    assert "voided" in link.reason
    assert shop.differences(invoice) == ["not_representable"]
    shop.edit(invoice, "50.00")
    shop.sync(invoice)
    assert shop.statuses(invoice) == ["void"], "an edit does not make it again either"


def test_a_client_who_pays_while_we_void_keeps_a_paid_invoice(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.sync(invoice)
    shop.edit(invoice, "80.00")

    def pay_first(name: str, call: Any) -> Any:
        if name == "void_invoice":
            shop.pay(invoice)
        return call()

    with interfering(shop, pay_first):
        link = shop.sync(invoice)
    assert shop.statuses(invoice) == ["paid"]
    assert link.state == "blocked"
    shop.sync(invoice)  # as the event of the payment asks for
    assert [row.amount_minor for row in shop.collected(invoice)] == [10000]
    assert shop.statuses(invoice) == ["paid"]
    assert "changed_after_payment" in shop.differences(invoice)


def test_an_amount_below_the_minimum_is_not_sent(shop: Shop) -> None:
    invoice = shop.invoice("0.30")
    link = shop.sync(invoice)
    assert shop.st_invoices(invoice) == []
    assert link.state == "blocked"
    assert "below" in link.reason


def test_a_client_without_email_blocks_until_it_has_one(shop: Shop) -> None:
    client = shop.client(email="")
    invoice = shop.invoice(client=client)
    link = shop.sync(invoice)
    assert (link.state, shop.st_invoices(invoice)) == ("blocked", [])
    assert "e-mail" in link.reason
    shop.fb("edit_client", id=client, client={"email": "new@haddad.example"})
    shop.run(kinds.SYNC_CLIENT, client)
    shop.settle()
    assert shop.link(invoice).state == "open"
    assert shop.statuses(invoice) == ["open"]
    assert shop.differences(invoice) == []


def test_an_invoice_dated_before_the_start_is_left_alone(shop: Shop) -> None:
    invoice = shop.invoice(create_date="2026-01-05")
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(start_date="2026-06-01")
    assert shop.sync(invoice).state == "skipped"
    assert shop.st_invoices(invoice) == []


def test_an_invoice_already_partly_paid_asks_for_the_rest_only(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.cheque(invoice, "30.00")
    link = shop.sync(invoice)
    (made,) = shop.st_invoices(invoice)
    assert (made["status"], made["total"], made["amount_remaining"]) == ("open", 10000, 7000)
    assert link.collection_status == "partly_paid"
    assert shop.differences(invoice) == []


def test_an_invoice_already_paid_is_not_sent_to_stripe(shop: Shop) -> None:
    invoice = shop.invoice("100.00")
    shop.cheque(invoice, "100.00")
    link = shop.sync(invoice)
    assert shop.st_invoices(invoice) == []
    assert (link.state, link.collection_status) == ("settled", "paid_outside")
    assert shop.differences(invoice) == []


def test_a_number_that_stripe_has_already_stays_visible(shop: Shop) -> None:
    first = shop.invoice("10.00", invoice_number="2026-1")
    shop.sync(first)
    shop.freshbooks.switch(duplicate_invoice_number="allowed")
    second = shop.invoice("20.00", invoice_number="2026-1")
    assert shop.sync(second).state == "open"
    (made,) = shop.st_invoices(second)
    assert made["number"] != "2026-1"
    assert {"name": "Invoice number", "value": "2026-1"} in made["custom_fields"]


def test_a_replaced_invoice_keeps_its_number_visible(shop: Shop) -> None:
    invoice = shop.invoice("10.00", invoice_number="2026-9")
    shop.sync(invoice)
    shop.edit(invoice, "20.00")
    shop.sync(invoice)
    _, new = shop.st_invoices(invoice)
    shown = [new["number"], *[field["value"] for field in new["custom_fields"] or []]]
    assert "2026-9" in shown


@pytest.mark.parametrize("sender", ["stripe", "freshbooks"])
def test_stripe_mails_once_per_revision_or_never(shop: Shop, sender: str) -> None:
    type(shop.tenant).objects.filter(pk=shop.tenant.pk).update(email_sender=sender)
    invoice = shop.invoice("10.00")
    for _ in range(3):
        shop.sync(invoice)
    assert len(shop.st_book()["emails"]) == (1 if sender == "stripe" else 0)
    assert shop.fb_book()["emails"] == []


def test_a_due_date_in_the_past_moves_to_the_soonest_allowed(shop: Shop) -> None:
    invoice = shop.invoice("10.00", create_date="2025-01-01", due_offset_days=10)
    assert shop.sync(invoice).state == "open"
    (made,) = shop.st_invoices(invoice)
    assert made["due_date"] > made["created"]


def test_lines_with_taxes_and_a_discount_come_to_the_same_total(shop: Shop) -> None:
    lines = [
        line("85.00", qty="1.5", taxName1="GST", taxAmount1="5"),
        line("5.35", qty="7", taxName1="GST", taxAmount1="5", taxName2="PST", taxAmount2="7"),
    ]
    invoice = shop.invoice(lines=lines, discount_value="12.5")
    link = shop.sync(invoice)
    assert link.state == "open"
    assert link.stripe_total_minor == link.freshbooks_total_minor
    assert [row["total"] for row in shop.st_invoices(invoice)] == [link.freshbooks_total_minor]
