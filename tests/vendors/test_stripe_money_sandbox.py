"""Reading money against the simulated Stripe: both must read the contract alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.errors import CredentialRejected, VendorNotFound, VendorRefused
from connector.money import Money
from connector.vendors.gate import OpenGate
from connector.vendors.stripe.client import StripeAccountClient
from connector.vendors.stripe.pages import all_pages
from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.driving import Vendor

DAY_S = 86_400
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Desk:
    """One account: its people act, our client reads."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor
        opened = vendor.act("create_account", name="Maple", country="US", default_currency="usd")
        self.account_id = opened["account_id"]
        self.client = StripeAccountClient(
            base_url=vendor.url, api_key=opened["secret_key"], gate=OpenGate()
        )

    def act(self, do: str, **arguments: Any) -> dict[str, Any]:
        return self.vendor.act(do, account_id=self.account_id, **arguments)

    def payment(self, amount: int = 5000, **more: Any) -> dict[str, Any]:
        return self.act("create_payment", amount=amount, **more)


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    sandbox_process.stripe.switch(balance_transaction="at_once")
    yield Desk(sandbox_process.stripe)
    sandbox_process.stripe.reset()
    sandbox_process.stripe.control("POST", "clock", {"reset": True})


def test_a_payment_and_its_charge(desk: Desk) -> None:
    made = desk.payment(email="ann@birch.example", metadata={"order_id": "7"})
    intent = desk.client.get_payment_intent(made["payment_intent"])
    assert (intent.status, intent.amount_received) == ("succeeded", Money(5000, "USD"))
    assert intent.metadata == {"order_id": "7"}
    assert intent.latest_charge is not None
    assert intent.latest_charge.id == made["charge"]
    charge = desk.client.get_charge(made["charge"])
    assert charge == intent.latest_charge
    assert (charge.payer_email, charge.payment_intent_id) == ("ann@birch.example", intent.id)
    with pytest.raises(VendorNotFound):
        desk.client.get_payment_intent("pi_nobody")
    with pytest.raises(VendorNotFound):
        desk.client.get_charge("ch_nobody")


def test_what_a_payment_paid(desk: Desk) -> None:
    customer = desk.client.create_customer(
        {"name": "Birch", "email": "ap@birch.example"}, idempotency_key="c-1"
    )
    invoice = desk.act("create_invoice", customer=customer.id, amount=5000)
    desk.act("pay_invoice", invoice=invoice["id"], amount=2000)
    desk.act("pay_invoice", invoice=invoice["id"])
    second, first = desk.client.collection(invoice["id"])[1]
    (found,) = desk.client.list_invoice_payments_of(first.payment_intent_id).rows
    assert (found.id, found.invoice_id) == (first.id, invoice["id"])
    assert first.payment_intent_id != second.payment_intent_id
    alone = desk.payment()
    assert desk.client.list_invoice_payments_of(alone["payment_intent"]).rows == ()
    before = desk.vendor.calls()["total"]
    assert desk.client.list_invoice_payments_of(alone["charge"]).rows == ()
    assert desk.vendor.calls()["total"] == before


@pytest.mark.parametrize("by", ["payment_intent", "charge"])
def test_refunds_of_one_payment(desk: Desk, by: str) -> None:
    made, other = desk.payment(), desk.payment()
    desk.act("refund", charge=other["charge"])
    ids = [desk.act("refund", charge=made["charge"], amount=n)["id"] for n in (1000, 500)]
    listed = desk.client.list_refunds(made[by]).rows
    assert [row.id for row in listed] == ids[::-1]
    assert [row.amount for row in listed] == [Money(500, "USD"), Money(1000, "USD")]
    assert {row.payment_intent_id for row in listed} == {made["payment_intent"]}
    desk.act("fail_refund", refund=ids[0])
    failed = desk.client.get_refund(ids[0])
    assert (failed.status, failed.failure_reason) == ("failed", "expired_or_canceled_card")


@pytest.mark.parametrize("by", ["payment_intent", "charge"])
def test_disputes_of_one_payment(desk: Desk, by: str) -> None:
    made, other = desk.payment(), desk.payment()
    desk.act("dispute", charge=other["charge"], inquiry=True)
    dispute_id = desk.act("dispute", charge=made["charge"])["id"]
    (listed,) = desk.client.list_disputes(made[by]).rows
    assert (listed.id, listed.status) == (dispute_id, "needs_response")
    assert listed.due_by is not None
    assert [move.amount for move in listed.movements] == [Money(-5000, "USD")]
    assert [move.fee for move in listed.movements] == [Money(1500, "USD")]
    desk.act("win_dispute", dispute=dispute_id)
    won = desk.client.get_dispute(dispute_id)
    assert (won.status, len(won.movements)) == ("won", 2)


def test_credit_notes_of_an_invoice(desk: Desk) -> None:
    customer = desk.client.create_customer(
        {"name": "Birch", "email": "ap@birch.example"}, idempotency_key="c"
    )
    invoice = desk.act("create_invoice", customer=customer.id, amount=5000)
    other = desk.act("create_invoice", customer=customer.id, amount=5000)
    desk.act("credit_invoice", invoice=other["id"], amount=100)
    note = desk.act("credit_invoice", invoice=invoice["id"], amount=600)
    (found,) = desk.client.list_credit_notes(invoice["id"]).rows
    assert (found.id, found.invoice_id) == (note["id"], invoice["id"])
    assert (found.pre_payment, found.post_payment) == (Money(600, "USD"), Money(0, "USD"))


def test_the_cash_balance_of_a_customer(desk: Desk) -> None:
    customer = desk.client.create_customer(
        {"name": "Birch", "email": "ap@birch.example"}, idempotency_key="c"
    )
    desk.act("fund_cash_balance", customer=customer.id, amount=700)
    (funded,) = desk.client.list_cash_movements(customer.id).rows
    assert (funded.type, funded.net_amount) == ("funded", Money(700, "USD"))
    assert funded.customer_id == customer.id


def test_movements_with_fee_and_rate(desk: Desk) -> None:
    desk.payment(10000, currency="eur")
    desk.act("charge_fee", amount=299, description="Radar")
    fee, charge = desk.client.list_balance_transactions().rows
    assert (fee.type, fee.net, fee.source_id) == ("stripe_fee", Money(-299, "USD"), "")
    assert fee.description == "Radar"
    assert charge.exchange_rate is not None
    assert round(10000 * charge.exchange_rate) == charge.amount.amount_minor
    assert charge.net == charge.amount - charge.fee
    assert charge.amount.currency == "USD"


def test_movements_since_a_time_page_by_page(desk: Desk) -> None:
    for number in range(105):
        desk.act("charge_fee", amount=number + 1)
    desk.vendor.advance(DAY_S)
    desk.act("charge_fee", amount=999)
    first = desk.client.list_balance_transactions()
    assert (len(first.rows), bool(first.next_cursor)) == (100, True)
    every = list(all_pages(lambda cursor: desk.client.list_balance_transactions(cursor=cursor)))
    assert len({row.id for row in every}) == 106
    since = every[0].created_at - timedelta(hours=1)
    (late,) = desk.client.list_balance_transactions(created_gte=since).rows
    assert late.amount == Money(-999, "USD")


def test_a_payout_and_what_it_is_made_of(desk: Desk) -> None:
    desk.payment()
    desk.act("hold_reserve", amount=1000)
    desk.vendor.advance(3 * DAY_S)
    desk.payment()  # not yet available
    made = desk.act("pay_out")
    (payout,) = desk.client.list_payouts(created_gte=LONG_AGO).rows
    assert (payout.id, payout.status, payout.automatic) == (made["id"], "in_transit", True)
    assert payout.reconciliation == "completed"
    parts = desk.client.list_balance_transactions(payout_id=payout.id).rows
    assert [part.type for part in parts] == ["payout", "reserve_hold", "charge"]
    assert sum(part.net.amount_minor for part in parts) == 0
    assert -parts[0].net == payout.amount
    desk.act("settle_payout", payout=payout.id)
    assert desk.client.list_payouts().rows[0].status == "paid"
    desk.act("fail_payout", payout=payout.id)
    assert desk.client.list_payouts().rows[0].status == "failed"
    back = desk.client.list_balance_transactions().rows[0]
    assert (back.type, back.source_id, back.net) == ("payout_failure", payout.id, payout.amount)
    later = payout.created_at + timedelta(days=1)
    assert desk.client.list_payouts(created_gte=later).rows == ()


def test_of_a_manual_payout_the_parts_are_refused(desk: Desk) -> None:
    desk.payment()
    desk.vendor.advance(3 * DAY_S)
    made = desk.act("pay_out", amount=1000)
    (payout,) = desk.client.list_payouts().rows
    assert (payout.automatic, payout.reconciliation) == (False, "not_applicable")
    with pytest.raises(VendorRefused, match="automatic"):
        desk.client.list_balance_transactions(payout_id=made["id"])


def test_what_a_key_may_not_read_is_said(desk: Desk) -> None:
    desk.vendor.switch(unnamed_permissions="enforced")
    made = desk.act("create_restricted_key", permissions=["rak_customer_read"])
    client = StripeAccountClient(
        base_url=desk.vendor.url, api_key=made["restricted_key"], gate=OpenGate()
    )
    for read in (client.list_balance_transactions, client.list_payouts):
        with pytest.raises(CredentialRejected) as raised:
            read()
        assert raised.value.status == 403
    areas = {check.area: check.ok for check in client.probe_permissions()}
    assert areas["Customers: read"] is True
    assert areas["Balance: read"] is areas["Payouts: read"] is areas["Credit notes: read"] is False
