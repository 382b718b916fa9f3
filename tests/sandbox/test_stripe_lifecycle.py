"""From draft to paid, void or uncollectible: what each step allows and raises."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk, refusal


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def refused(call: Any, *arguments: Any) -> tuple[int | None, str | None, str]:
    with pytest.raises(stripe.InvalidRequestError) as error:
        call(*arguments)
    status, code, _param = refusal(error.value)
    return status, code, str(error.value)


def test_finalizing_opens_without_collecting(desk: Desk) -> None:
    invoice = desk.open_invoice(number="FB-1")
    assert (invoice.status, invoice.number, invoice.amount_remaining) == ("open", "FB-1", 12_600)
    assert (invoice.attempted, invoice.attempt_count, invoice.ending_balance) == (False, 0, 0)
    assert invoice.hosted_invoice_url is not None
    assert invoice.hosted_invoice_url.startswith(desk.url)
    shown = desk.invoice(invoice.id, "payments", "confirmation_secret", "amount_paid_off_stripe")
    assert shown.payments is not None
    (payment,) = shown.payments.data
    assert (payment.status, payment.is_default, payment.amount_requested) == ("open", True, 12_600)
    assert (payment.amount_paid, shown.amount_paid_off_stripe) == (None, 0)
    assert desk.event_types()[-3:] == [
        "payment_intent.created",
        "invoice.finalized",
        "invoice.updated",
    ]
    assert desk.book()["emails"] == []
    status, _code, text = refused(desk.client().v1.invoices.finalize_invoice, invoice.id)
    assert (status, "already finalized" in text) == (400, True)


def test_numbers_are_counted_per_customer(desk: Desk) -> None:
    customer = desk.customer(invoice_prefix="BLF").id
    numbers = [desk.open_invoice(customer=customer).number for _ in range(2)]
    assert numbers == ["BLF-0001", "BLF-0002"]


def test_nothing_due_means_paid_at_once(desk: Desk) -> None:
    invoice = desk.open_invoice(0)
    assert (invoice.status, invoice.attempted) == ("paid", False)
    assert desk.event_types()[-4:] == [
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.updated",
    ]


def test_what_is_too_small_to_charge_is_paid_and_owed(desk: Desk) -> None:
    customer = desk.customer()
    invoice = desk.open_invoice(49, customer=customer.id)
    assert (invoice.status, invoice.amount_due, invoice.ending_balance) == ("paid", 0, 49)
    assert desk.client().v1.customers.retrieve(customer.id).balance == 49
    following = desk.open_invoice(100, customer=customer.id)
    assert (following.starting_balance, following.amount_due) == (49, 149)
    assert desk.client().v1.customers.retrieve(customer.id).balance == 0


def test_credit_lowers_what_is_due(desk: Desk) -> None:
    customer = desk.customer(balance=-1000)
    invoice = desk.open_invoice(5000, customer=customer.id)
    assert (invoice.starting_balance, invoice.ending_balance) == (-1000, 0)
    assert (invoice.total, invoice.amount_due) == (5000, 4000)
    in_euro = desk.open_invoice(5000, customer=customer.id, currency="eur")
    assert in_euro.amount_due == 5000
    desk.client().v1.invoices.void_invoice(invoice.id)
    assert desk.client().v1.customers.retrieve(customer.id).balance == -1000
    rows = desk.client().v1.customers.balance_transactions.list(customer.id).data
    assert [row.type for row in rows] == [
        "unapplied_from_invoice",
        "applied_to_invoice",
        "adjustment",
    ]
    negative = desk.open_invoice(-700, customer=desk.customer().id)
    assert (negative.status, negative.amount_due, negative.ending_balance) == ("paid", 0, -700)


def test_sending_mails_the_invoice(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.draft()
    client.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 500}]})
    sent = client.v1.invoices.send_invoice(invoice.id)
    assert sent.status == "open"
    assert [mail["to"] for mail in desk.book()["emails"]] == ["ap@bluefir.example"]
    assert desk.event_types()[-1] == "invoice.sent"
    client.v1.invoices.send_invoice(invoice.id)
    assert len(desk.book()["emails"]) == 2
    desk.switch(send_again="no_mail")
    client.v1.invoices.send_invoice(invoice.id)
    assert len(desk.book()["emails"]) == 2
    desk.switch(send_again="refused")
    assert refused(client.v1.invoices.send_invoice, invoice.id)[0] == 400
    desk.switch(send_again="mails_again")
    desk.act("pay_invoice", invoice=invoice.id)
    assert refused(client.v1.invoices.send_invoice, invoice.id)[0] == 400
    desk.switch(send_paid="allowed")
    assert client.v1.invoices.send_invoice(invoice.id).status == "paid"


def test_an_automatic_invoice_is_not_sent_by_hand(desk: Desk) -> None:
    customer = desk.customer().id
    invoice = desk.client().v1.invoices.create({"customer": customer})
    assert "collection method" in refused(desk.client().v1.invoices.send_invoice, invoice.id)[2]


def test_finalized_invoices_are_frozen_but_for_metadata(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.open_invoice()
    changed = client.v1.invoices.update(invoice.id, {"metadata": {"k": "v"}})
    assert changed.metadata is not None
    assert changed.metadata["k"] == "v"
    text = refused(client.v1.invoices.update, invoice.id, {"description": "new"})[2]
    assert "Finalized invoices can't be updated in this way" in text
    status, code, _ = refused(client.v1.invoices.add_lines, invoice.id, {"lines": [{"amount": 1}]})
    assert (status, code) == (400, "invoice_not_editable")
    assert refused(client.v1.invoices.delete, invoice.id)[0] == 400
    due: Any = {"due_date": desk.advance(0) + 86_400}
    assert refused(client.v1.invoices.update, invoice.id, due)[0] == 400
    desk.switch(due_date_on_open="allowed")
    assert client.v1.invoices.update(invoice.id, due).due_date == due["due_date"]


def test_void_and_uncollectible(desk: Desk) -> None:
    client = desk.client()
    draft = desk.draft()
    assert refused(client.v1.invoices.void_invoice, draft.id)[0] == 400
    assert refused(client.v1.invoices.mark_uncollectible, draft.id)[0] == 400
    void = client.v1.invoices.void_invoice(desk.open_invoice().id)
    assert (void.status, void.amount_remaining) == ("void", 12_600)
    assert desk.event_types()[-3:] == [
        "payment_intent.canceled",
        "invoice.voided",
        "invoice.updated",
    ]
    assert refused(client.v1.invoices.pay, void.id, {"paid_out_of_band": True})[0] == 400
    bad = client.v1.invoices.mark_uncollectible(desk.open_invoice().id)
    assert bad.status == "uncollectible"
    assert refused(client.v1.invoices.void_invoice, bad.id)[0] == 400
    desk.switch(void_uncollectible="allowed")
    assert client.v1.invoices.void_invoice(bad.id).status == "void"
    late = client.v1.invoices.mark_uncollectible(desk.open_invoice().id)
    desk.act("pay_invoice", invoice=late.id)
    assert desk.invoice(late.id).status == "paid"


def test_whether_a_partly_paid_invoice_can_be_voided_is_a_switch(desk: Desk) -> None:
    invoice = desk.open_invoice()
    desk.act("pay_invoice", invoice=invoice.id, amount=5000)
    text = refused(desk.client().v1.invoices.void_invoice, invoice.id)[2]
    assert "Invoices with `paid` payments cannot be voided." in text
    desk.switch(void_partly_paid="allowed")
    assert desk.act("void_invoice", invoice=invoice.id)["status"] == "void"


def test_paying_out_of_band(desk: Desk) -> None:
    client = desk.client()
    paid = client.v1.invoices.pay(desk.open_invoice().id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.attempted) == ("paid", 12_600, False)
    assert desk.book()["charges"] == []
    shown = desk.invoice(paid.id, "payments", "amount_paid_off_stripe")
    assert shown.amount_paid_off_stripe == 12_600
    assert shown.payments is not None
    assert [(p.status, p.payment.type) for p in shown.payments.data] == [
        ("paid", "payment_record"),
        ("canceled", "payment_intent"),
    ]
    assert "invoice_payment.paid" in desk.event_types()
    assert "Invoice is already paid" in refused(client.v1.invoices.pay, paid.id)[2]


def test_what_out_of_band_leaves_behind_is_a_switch(desk: Desk) -> None:
    desk.switch(out_of_band_payment="nothing")
    invoice = desk.open_invoice()
    desk.client().v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    rows = desk.client().v1.invoice_payments.list({"invoice": invoice.id}).data
    assert [row.payment.type for row in rows] == ["payment_intent"]
    desk.switch(out_of_band_payment="payment_record", out_of_band_event="not_sent")
    invoice = desk.open_invoice()
    desk.client().v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert "invoice_payment.paid" not in desk.event_types()
    assert desk.event_types().count("invoice.paid") == 2


def test_paying_a_draft_finalizes_it_first(desk: Desk) -> None:
    invoice = desk.draft()
    desk.client().v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 900}]})
    paid = desk.client().v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})
    assert (paid.status, paid.attempted) == ("paid", True)


def test_a_declined_card_is_402_and_leaves_the_invoice_open(desk: Desk) -> None:
    invoice = desk.open_invoice()
    with pytest.raises(stripe.CardError) as declined:
        desk.client().v1.invoices.pay(invoice.id, {"payment_method": "pm_card_chargeDeclined"})
    assert refusal(declined.value)[:2] == (402, "card_declined")
    assert desk.invoice(invoice.id).status == "open"
    assert desk.event_types().count("invoice.payment_failed") == 1
    assert refused(desk.client().v1.invoices.pay, invoice.id)[0] == 400


def test_drafts_advance_by_themselves_only_when_told(desk: Desk) -> None:
    invoice = desk.draft(auto_advance=True)
    desk.client().v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 900}]})
    still = desk.draft()
    desk.advance(3602)
    assert desk.invoice(invoice.id).status == "open"
    assert desk.invoice(still.id).status == "draft"
    assert len(desk.book()["emails"]) == 1


def test_an_overdue_invoice_says_so_and_an_overdue_draft_is_a_switch(desk: Desk) -> None:
    draft = desk.draft(days_until_due=1)
    desk.open_invoice(days_until_due=1)
    desk.advance(86_500)
    assert desk.invoice(draft.id).status == "draft"
    assert desk.event_types().count("invoice.overdue") == 1
    desk.switch(finalize_overdue_draft="refused")
    assert refused(desk.client().v1.invoices.finalize_invoice, draft.id)[0] == 400
    desk.switch(finalize_overdue_draft="allowed")
    assert desk.client().v1.invoices.finalize_invoice(draft.id).status == "paid"


def test_a_revision_replaces_an_open_invoice(desk: Desk) -> None:
    client = desk.client()
    original = desk.open_invoice()
    fresh = client.v1.invoices.create(
        {"from_invoice": {"action": "revision", "invoice": original.id}}
    )
    assert (fresh.status, fresh.total) == ("draft", 12_600)
    client.v1.invoices.finalize_invoice(fresh.id)
    old = desk.invoice(original.id)
    assert (old.status, old.latest_revision) == ("void", fresh.id)
    partly = desk.open_invoice()
    desk.act("pay_invoice", invoice=partly.id, amount=600)
    params: Any = {"from_invoice": {"action": "revision", "invoice": partly.id}}
    assert refused(client.v1.invoices.create, params)[0] == 400
    desk.switch(revise_partly_paid="allowed")
    assert client.v1.invoices.create(params).status == "draft"


def test_invoice_ids_in_the_path_are_404_with_the_param_of_the_call(desk: Desk) -> None:
    client = desk.client()
    for call, param in (
        (client.v1.invoices.retrieve, "invoice"),
        (client.v1.invoices.send_invoice, "invoice"),
        (client.v1.invoices.finalize_invoice, "id"),
        (client.v1.invoices.void_invoice, "id"),
    ):
        with pytest.raises(stripe.InvalidRequestError) as error:
            call("in_none")
        assert refusal(error.value) == (404, "resource_missing", param)
