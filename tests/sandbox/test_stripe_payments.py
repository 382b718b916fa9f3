"""Paying invoices in full, in part, too much, late; payments from elsewhere; no invoice at all."""

from collections.abc import Iterator

import pytest
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def payments(desk: Desk, invoice: str) -> list[tuple[str, int | None, bool]]:
    rows = desk.client().v1.invoice_payments.list({"invoice": invoice}).data
    return [(row.status, row.amount_paid, row.is_default) for row in rows]


def test_paying_all_by_card(desk: Desk) -> None:
    invoice = desk.open_invoice()
    before = len(desk.event_types())
    done = desk.act("pay_invoice", invoice=invoice.id)
    paid = desk.invoice(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 12_600, 0)
    assert (paid.attempted, paid.attempt_count) == (True, 1)
    assert payments(desk, invoice.id) == [("paid", 12_600, True)]
    assert desk.event_types()[before:] == [
        "payment_intent.succeeded",
        "charge.succeeded",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice.updated",
    ]
    charge = desk.client().v1.charges.retrieve(done["charge"])
    assert (charge.payment_intent, charge.customer) == (done["payment_intent"], invoice.customer)
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.type == "card"
    (found,) = desk.client().v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": done["payment_intent"]}}
    )
    assert (found.id, found.invoice) == (done["invoice_payment"], invoice.id)


def test_paying_in_parts_keeps_the_default_payment_at_the_remainder(desk: Desk) -> None:
    invoice = desk.open_invoice()
    desk.act("pay_invoice", invoice=invoice.id, amount=5000)
    part = desk.invoice(invoice.id)
    assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 5000, 7600)
    shown = desk.client().v1.invoice_payments.list(
        {"invoice": invoice.id, "expand": ["data.payment.payment_intent"]}
    )
    first, default = shown.data
    assert (first.amount_paid, first.is_default) == (5000, False)
    intent = default.payment.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (default.amount_requested, intent.amount) == (7600, 7600)
    assert "invoice.paid" not in desk.event_types()
    desk.act("pay_invoice", invoice=invoice.id)
    assert payments(desk, invoice.id) == [("paid", 5000, False), ("paid", 7600, True)]
    assert desk.event_types().count("invoice.paid") == 1


def test_paying_too_much_goes_to_the_credit_balance(desk: Desk) -> None:
    invoice = desk.open_invoice()
    desk.act("pay_invoice", invoice=invoice.id, amount=13_000)
    paid = desk.invoice(invoice.id)
    assert (paid.amount_paid, paid.amount_overpaid, paid.amount_remaining) == (12_600, 400, 0)
    assert payments(desk, invoice.id) == [("paid", 13_000, True)]
    assert desk.client().v1.customers.retrieve(str(invoice.customer)).balance == -400
    assert "invoice.overpaid" in desk.event_types()
    desk.switch(overpayment_in_invoice_payment="left_out")
    other = desk.open_invoice()
    desk.act("pay_invoice", invoice=other.id, amount=13_000)
    assert payments(desk, other.id) == [("paid", 12_600, True)]


def test_a_bank_debit_settles_later(desk: Desk) -> None:
    invoice = desk.open_invoice()
    done = desk.act("pay_invoice", invoice=invoice.id, method="us_bank_account")
    assert done["status"] == "processing"
    waiting = desk.invoice(invoice.id)
    assert (waiting.status, waiting.amount_paid, waiting.attempted) == ("open", 0, True)
    charge = desk.client().v1.charges.retrieve(done["charge"])
    assert (charge.status, charge.paid) == ("pending", False)
    assert "invoice_payment.paid" not in desk.event_types()
    with pytest.raises(stripe.InvalidRequestError):
        desk.client().v1.invoices.void_invoice(invoice.id)
    desk.act("settle_payment", payment_intent=done["payment_intent"])
    assert desk.invoice(invoice.id).status == "paid"
    assert "not processing" in desk.refused_act(
        "settle_payment", payment_intent=done["payment_intent"]
    )


def test_a_bank_debit_fails_later_and_can_be_tried_again(desk: Desk) -> None:
    invoice = desk.open_invoice()
    done = desk.act("pay_invoice", invoice=invoice.id, method="sepa_debit")
    before = len(desk.event_types())
    desk.act("fail_payment", payment_intent=done["payment_intent"])
    assert desk.event_types()[before:] == [
        "payment_intent.payment_failed",
        "charge.failed",
        "invoice.payment_failed",
    ]
    intent = desk.client().v1.payment_intents.retrieve(done["payment_intent"])
    assert intent.last_payment_error is not None
    assert desk.client().v1.charges.retrieve(done["charge"]).failure_code == "insufficient_funds"
    desk.act("pay_invoice", invoice=invoice.id)
    assert desk.invoice(invoice.id).status == "paid"


def test_a_declined_card_pays_nothing(desk: Desk) -> None:
    invoice = desk.open_invoice()
    done = desk.act("pay_invoice", invoice=invoice.id, outcome="fails", amount=20_000)
    assert done["status"] == "requires_payment_method"
    assert payments(desk, invoice.id) == [("open", None, True)]
    intent = desk.client().v1.payment_intents.retrieve(done["payment_intent"])
    assert intent.amount == 12_600


def test_the_fee_becomes_known_later(desk: Desk) -> None:
    done = desk.act("pay_invoice", invoice=desk.open_invoice(5000).id)
    client = desk.client()
    assert client.v1.charges.retrieve(done["charge"]).balance_transaction is None
    desk.advance(3)
    charge = client.v1.charges.retrieve(done["charge"], {"expand": ["balance_transaction"]})
    booked = charge.balance_transaction
    assert isinstance(booked, stripe.BalanceTransaction)
    assert (booked.amount, booked.fee, booked.net) == (5000, 175, 4825)
    assert desk.event_types()[-1] == "charge.updated"
    assert client.v1.balance.retrieve().pending[0].amount == 4825
    assert client.v1.balance_transactions.list({"source": charge.id}).data[0].id == booked.id
    desk.advance(3 * 86_400)
    assert client.v1.balance.retrieve().available[0].amount == 4825
    payout = desk.act("pay_out")
    assert client.v1.payouts.retrieve(payout["id"]).amount == 4825
    rows = client.v1.balance_transactions.list({"payout": payout["id"]}).data
    assert [row.type for row in rows] == ["payout", "charge"]
    assert [row.id for row in client.v1.payouts.list().data] == [payout["id"]]
    desk.switch(balance_transaction="at_once")
    done = desk.act("pay_invoice", invoice=desk.open_invoice(currency="eur").id)
    charge = client.v1.charges.retrieve(done["charge"], {"expand": ["balance_transaction"]})
    assert isinstance(charge.balance_transaction, stripe.BalanceTransaction)
    assert (charge.balance_transaction.currency, charge.balance_transaction.amount) == (
        "usd",
        13_608,
    )


def test_one_payment_pays_two_invoices(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer().id
    first = desk.open_invoice(1000, customer=customer)
    second = desk.open_invoice(2000, customer=customer)
    intent = client.v1.payment_intents.create(
        {"amount": 2500, "currency": "usd", "customer": customer}
    )
    for invoice in (first, second):
        opened = client.v1.invoices.attach_payment(invoice.id, {"payment_intent": intent.id})
        assert opened.amount_paid == 0
    paid = client.v1.payment_intents.create(
        {
            "amount": 2500,
            "currency": "usd",
            "customer": customer,
            "confirm": True,
            "payment_method": "pm_card_visa",
        }
    )
    assert (paid.status, paid.amount_received) == ("succeeded", 2500)
    third = desk.open_invoice(2500, customer=customer)
    done = client.v1.invoices.attach_payment(third.id, {"payment_intent": paid.id})
    assert done.status == "paid"


def test_payment_intents_can_be_changed_unless_they_are_the_default(desk: Desk) -> None:
    client = desk.client()
    intent = client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    changed = client.v1.payment_intents.update(intent.id, {"amount": 600})
    assert changed.amount == 600
    assert client.v1.payment_intents.cancel(intent.id).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError, match="minimum|at least"):
        client.v1.payment_intents.create({"amount": 49, "currency": "usd"})
    invoice = desk.open_invoice()
    (linked,) = client.v1.invoice_payments.list({"invoice": invoice.id}).data
    default = str(linked.payment.payment_intent)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(default)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.update(default, {"amount": 1})


@pytest.mark.parametrize("via", ["payment_intent", "checkout", "payment_link", "charge"])
def test_payments_without_an_invoice(desk: Desk, via: str) -> None:
    client = desk.client()
    done = desk.act("create_payment", amount=2000, currency="usd", via=via, email="p@x.example")
    charge = client.v1.charges.retrieve(done["charge"])
    assert (charge.amount_captured, charge.payment_intent) == (2000, done["payment_intent"])
    if via == "charge":
        assert desk.event_types() == ["charge.succeeded"]
        return
    rows = client.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": done["payment_intent"]}}
    )
    assert rows.data == []
    sessions = client.v1.checkout.sessions.list({"payment_intent": done["payment_intent"]}).data
    assert len(sessions) == (0 if via == "payment_intent" else 1)
    if sessions:
        assert sessions[0].amount_total == 2000
        assert (sessions[0].payment_link is not None) == (via == "payment_link")
        assert client.v1.checkout.sessions.retrieve(sessions[0].id).payment_status == "paid"


def test_bank_transfers_fund_whole_invoices_only(desk: Desk) -> None:
    client = desk.client()
    customer = desk.customer().id
    old = desk.open_invoice(3000, customer=customer)
    exact = desk.open_invoice(2000, customer=customer)
    short = desk.act("pay_invoice", invoice=old.id, amount=1000, method="customer_balance")
    assert short["status"] == "unapplied"
    assert desk.invoice(old.id).amount_paid == 0
    done = desk.act("fund_cash_balance", customer=customer, amount=1000)
    assert (done["paid_invoices"], done["left"]) == ([exact.id], 0)
    done = desk.act("fund_cash_balance", customer=customer, amount=3500)
    assert (done["paid_invoices"], done["left"]) == ([old.id], 500)
    rows = client.v1.customers.cash_balance_transactions.list(customer).data
    assert [row.type for row in rows][:2] == ["applied_to_payment", "funded"]
    balance = client.v1.customers.cash_balance.retrieve(customer)
    assert balance.available is not None
    assert balance.available["usd"] == 500
    client.v1.customers.cash_balance.update(
        customer, {"settings": {"reconciliation_mode": "manual"}}
    )
    last = desk.open_invoice(500, customer=customer)
    assert desk.act("fund_cash_balance", customer=customer, amount=1)["paid_invoices"] == []
    assert desk.invoice(last.id).status == "open"
