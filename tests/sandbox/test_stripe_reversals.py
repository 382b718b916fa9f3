"""Refunds, disputes and credit notes of the simulated Stripe."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk, refusal


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def paid(desk: Desk, amount: int = 5000) -> tuple[str, Any]:
    invoice = desk.open_invoice(amount)
    return invoice.id, desk.act("pay_invoice", invoice=invoice.id)


def test_refunds_add_up_on_the_charge(desk: Desk) -> None:
    client = desk.client()
    invoice, done = paid(desk)
    before = len(desk.event_types())
    refund = client.v1.refunds.create({"payment_intent": done["payment_intent"], "amount": 1000})
    assert (refund.status, refund.charge) == ("succeeded", done["charge"])
    assert desk.event_types()[before:] == ["refund.created", "charge.refunded", "charge.updated"]
    booked = client.v1.balance_transactions.retrieve(str(refund.balance_transaction))
    assert (booked.amount, booked.fee, booked.type) == (-1000, 0, "refund")
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        client.v1.refunds.create({"charge": done["charge"], "amount": 4001})
    desk.act("refund", charge=done["charge"])
    charge = client.v1.charges.retrieve(done["charge"], {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded) == (5000, True)
    assert charge.refunds is not None
    assert [row.amount for row in charge.refunds.data] == [4000, 1000]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": done["charge"]})
    assert refusal(refused.value)[1] == "charge_already_refunded"
    assert "refunds" not in client.v1.charges.retrieve(done["charge"])
    assert (desk.invoice(invoice).status, desk.invoice(invoice).amount_paid) == ("paid", 5000)
    assert len(client.v1.refunds.list({"charge": done["charge"]}).data) == 2


def test_a_refund_can_fail_days_later(desk: Desk) -> None:
    _, done = paid(desk)
    refund = desk.act("refund", charge=done["charge"], amount=2000, status="pending")
    assert refund["status"] == "pending"
    desk.act("settle_refund", refund=refund["id"])
    before = len(desk.event_types())
    desk.act("fail_refund", refund=refund["id"])
    assert desk.event_types()[before:] == ["refund.failed", "refund.updated", "charge.updated"]
    failed = desk.client().v1.refunds.retrieve(refund["id"])
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")
    assert desk.client().v1.charges.retrieve(done["charge"]).amount_refunded == 0
    assert "already failed" in desk.refused_act("fail_refund", refund=refund["id"])


def test_whether_a_refund_touches_the_invoice_is_a_switch(desk: Desk) -> None:
    desk.switch(refund_effect_on_invoice="lowers_amount_paid")
    invoice, done = paid(desk)
    desk.act("refund", charge=done["charge"], amount=2000)
    shown = desk.invoice(invoice)
    assert (shown.status, shown.amount_paid, shown.amount_remaining) == ("open", 3000, 2000)


def test_a_dispute_takes_the_money_and_blocks_refunds(desk: Desk) -> None:
    client = desk.client()
    invoice, done = paid(desk)
    before = len(desk.event_types())
    opened = desk.act("dispute", charge=done["charge"])
    assert desk.event_types()[before:] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
        "charge.updated",
    ]
    dispute = client.v1.disputes.retrieve(opened["id"])
    (taken,) = dispute.balance_transactions
    assert (taken.amount, taken.fee, taken.type) == (-5000, 1500, "adjustment")
    assert client.v1.balance_transactions.list({"source": dispute.id}).data == []
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": done["charge"]})
    assert refusal(refused.value)[1] == "charge_disputed"
    before = len(desk.event_types())
    desk.act("win_dispute", dispute=dispute.id)
    assert desk.event_types()[before:] == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    won = client.v1.disputes.list({"charge": done["charge"]}).data[0]
    assert (won.status, len(won.balance_transactions)) == ("won", 2)
    assert client.v1.charges.retrieve(done["charge"]).disputed is True
    assert desk.invoice(invoice).status == "paid"
    assert "already won" in desk.refused_act("lose_dispute", dispute=dispute.id)


def test_an_inquiry_moves_no_money_and_a_loss_may_reach_the_invoice(desk: Desk) -> None:
    _, done = paid(desk)
    opened = desk.act("dispute", charge=done["charge"], inquiry=True)
    assert (opened["status"], opened["balance_transactions"]) == ("warning_needs_response", [])
    assert desk.act("win_dispute", dispute=opened["id"])["status"] == "warning_closed"
    invoice, done = paid(desk)
    lost = desk.act("lose_dispute", dispute=desk.act("dispute", charge=done["charge"])["id"])
    assert lost["status"] == "lost"
    assert desk.invoice(invoice).status == "paid"
    desk.switch(lost_dispute_effect_on_invoice="lowers_amount_paid")
    invoice, done = paid(desk)
    desk.act("lose_dispute", dispute=desk.act("dispute", charge=done["charge"])["id"])
    assert desk.invoice(invoice).status == "open"


def test_a_credit_note_lowers_what_is_due_then_says_where_the_money_went(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.open_invoice(5000)
    note = client.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 600, "reason": "order_change", "email_type": "none"}
    )
    assert (note.type, note.pre_payment_amount, note.number) == (
        "pre_payment",
        600,
        f"{invoice.number}-CN-01",
    )
    shown = desk.invoice(invoice.id)
    assert (shown.amount_due, shown.amount_remaining, shown.total) == (4400, 4400, 5000)
    assert shown.pre_payment_credit_notes_amount == 600
    assert desk.book()["emails"] == []
    client.v1.credit_notes.void_credit_note(note.id)
    assert desk.invoice(invoice.id).amount_due == 5000
    desk.act("pay_invoice", invoice=invoice.id, amount=4000)
    with pytest.raises(stripe.InvalidRequestError, match="must equal"):
        client.v1.credit_notes.create({"invoice": invoice.id, "amount": 1500})
    mixed = client.v1.credit_notes.create(
        {"invoice": invoice.id, "amount": 1500, "refund_amount": 300, "credit_amount": 200}
    )
    assert (mixed.type, mixed.post_payment_amount, len(mixed.refunds)) == ("mixed", 500, 1)
    assert len(desk.book()["emails"]) == 1
    shown = desk.invoice(invoice.id)
    assert (shown.status, shown.amount_due, shown.amount_paid) == ("paid", 4000, 4000)
    assert client.v1.customers.retrieve(str(invoice.customer)).balance == -200
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.credit_notes.create(
            {"invoice": invoice.id, "amount": 3501, "credit_amount": 3501}
        )
    assert len(client.v1.credit_notes.list({"invoice": invoice.id}).data) == 2
    renamed = client.v1.credit_notes.update(mixed.id, {"memo": "sorry"})
    assert client.v1.credit_notes.retrieve(mixed.id).memo == renamed.memo


def test_credit_notes_may_have_lines(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.open_invoice(5000)
    line = desk.invoice(invoice.id).lines.data[0].id
    note = client.v1.credit_notes.create(
        {
            "invoice": invoice.id,
            "lines": [
                {"type": "invoice_line_item", "invoice_line_item": line, "amount": 700},
                {"type": "custom_line_item", "unit_amount": 100, "quantity": 2, "description": "x"},
            ],
        }
    )
    assert note.amount == 900
    assert [row.amount for row in client.v1.credit_notes.line_items.list(note.id).data] == [
        700,
        200,
    ]
    assert desk.act("credit_invoice", invoice=invoice.id, amount=4100)["type"] == "pre_payment"
    assert desk.invoice(invoice.id).status == "paid"
