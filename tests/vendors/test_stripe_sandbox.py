"""The Stripe client against the simulated Stripe: both must read the contract alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connector.errors import (
    ConnectorError,
    CredentialRejected,
    OutcomeUnknown,
    VendorContractBroken,
    VendorNotFound,
    VendorRateLimited,
    VendorRefused,
    VendorUnavailable,
)
from connector.money import Money
from connector.vendors.gate import OpenGate
from connector.vendors.http import Limits
from connector.vendors.stripe.client import StripeAccountClient
from connector.vendors.stripe.events import verify_event
from connector.vendors.stripe.pages import all_pages
from connector.vendors.stripe.records import StripeInvoice
from connector.vendors.stripe.subscriptions import ENABLED_EVENTS, POLLED_EVENTS
from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.driving import Receiver, Vendor, eventually, receiving
from tests.vendors.local_server import RecordingGate

HASTY = Limits(read_s=0.3)  # for simulated time-outs only; a busy machine is slow


@pytest.fixture
def book(sandbox_process: SandboxProcess) -> Iterator[Vendor]:
    yield sandbox_process.stripe
    sandbox_process.stripe.reset()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def opened(book: Vendor) -> dict[str, Any]:
    return book.act(
        "create_account", name="Maple", country="US", default_currency="usd", livemode=False
    )


@pytest.fixture
def client(book: Vendor, opened: dict[str, Any], gate: RecordingGate) -> StripeAccountClient:
    return StripeAccountClient(base_url=book.url, api_key=opened["secret_key"], gate=gate)


@pytest.fixture
def hasty(book: Vendor, opened: dict[str, Any]) -> StripeAccountClient:
    return StripeAccountClient(
        base_url=book.url, api_key=opened["secret_key"], gate=OpenGate(), limits=HASTY
    )


@pytest.fixture
def invoice(client: StripeAccountClient) -> StripeInvoice:
    """An open invoice of 126.00 USD with one line and its tax."""
    customer = client.create_customer(
        {"name": "Blue Fir LLC", "email": "ap@bluefir.example", "metadata": {"fb_client_id": "1"}},
        idempotency_key="customer-1",
    )
    made = client.create_invoice(
        {
            "customer": customer.id,
            "collection_method": "send_invoice",
            "due_date": int(time.time()) + 86400,
            "currency": "usd",
            "auto_advance": False,
            "metadata": {"fb_invoice_id": "1093"},
        },
        idempotency_key="invoice-1",
    )
    tax = {"display_name": "GST", "percentage": "5", "inclusive": False}
    lined = client.add_invoice_lines(
        made.id,
        [
            {
                "amount": 12000,
                "description": "1.5 × 80.00",
                "tax_amounts": [{"amount": 600, "taxable_amount": 12000, "tax_rate_data": tax}],
            }
        ],
        idempotency_key="lines-1",
    )
    assert lined.total == Money(12600, "USD")
    return client.finalize_invoice(made.id, idempotency_key="finalize-1")


def test_the_account_and_its_mode(client: StripeAccountClient, opened: dict[str, Any]) -> None:
    account = client.account()
    assert (account.account_id, account.country) == (opened["account_id"], "US")
    assert (account.default_currency, account.livemode) == ("USD", False)
    assert client.balance_mode() is False
    assert [check.area for check in client.probe_permissions() if not check.ok] == []


def test_a_restricted_key(book: Vendor, opened: dict[str, Any]) -> None:
    made = book.act(
        "create_restricted_key",
        account_id=opened["account_id"],
        permissions=["rak_customer_write", "rak_balance_read"],
    )
    key = made["restricted_key"]
    client = StripeAccountClient(base_url=book.url, api_key=key, gate=OpenGate())
    assert client.account().account_id in {opened["account_id"], ""}
    areas = {check.area: check.ok for check in client.probe_permissions()}
    assert areas["Customers: write"] is True
    assert areas["Invoices: write"] is False


def test_a_revoked_key(book: Vendor, client: StripeAccountClient, opened: dict[str, Any]) -> None:
    book.act("revoke_key", account_id=opened["account_id"])
    with pytest.raises(CredentialRejected) as raised:
        client.balance_mode()
    assert opened["secret_key"] not in str(raised.value)


def test_customers(client: StripeAccountClient) -> None:
    made = client.create_customer(
        {"name": "N", "email": "a@b.example", "metadata": {"k": "v"}}, idempotency_key="c-1"
    )
    again = client.create_customer(
        {"name": "N", "email": "a@b.example", "metadata": {"k": "v"}}, idempotency_key="c-1"
    )
    assert made == again
    with pytest.raises(VendorContractBroken) as raised:
        client.create_customer({"name": "Other"}, idempotency_key="c-1")
    assert raised.value.code == "idempotency_error"
    assert client.find_customers(email="a@b.example") == (made,)
    assert client.find_customers(email="A@b.example") == ()
    changed = client.update_customer(made.id, {"name": "M"}, idempotency_key="u-1")
    assert (changed.name, changed.metadata) == ("M", {"k": "v"})
    assert list(all_pages(lambda cursor: client.list_customers(cursor=cursor))) == [changed]
    with pytest.raises(VendorNotFound):
        client.update_customer("cus_nobody", {"name": "M"}, idempotency_key="u-2")


def test_tax_ids(client: StripeAccountClient) -> None:
    customer = client.create_customer({"name": "N"}, idempotency_key="c-1").id
    number = {"type": "eu_vat", "value": "DE123456789"}
    made = client.create_tax_id(customer, number, idempotency_key="t-1")
    assert (made.type, made.value) == ("eu_vat", "DE123456789")
    assert client.create_tax_id(customer, number, idempotency_key="t-1") == made
    assert client.list_tax_ids(customer).rows == (made,)
    with pytest.raises(VendorRefused):
        client.create_tax_id(customer, {"type": "no_such", "value": "1"}, idempotency_key="t-2")
    client.delete_tax_id(customer, made.id)
    assert client.list_tax_ids(customer).rows == ()
    with pytest.raises(VendorNotFound):
        client.delete_tax_id(customer, made.id)


def test_the_life_of_an_invoice(client: StripeAccountClient, invoice: StripeInvoice) -> None:
    assert (invoice.status, invoice.amount_remaining) == ("open", Money(12600, "USD"))
    assert invoice.finalized_at is not None
    assert client.get_invoice(invoice.id) == invoice
    sent = client.send_invoice(invoice.id, idempotency_key="send-1")
    assert sent.status == "open"
    noted = client.update_invoice(invoice.id, {"metadata": {"x": "1"}}, idempotency_key="up-1")
    assert noted.metadata == {"fb_invoice_id": "1093", "x": "1"}
    listed = client.list_invoices(
        created_gte=datetime(2020, 1, 1, tzinfo=UTC), customer=invoice.customer_id
    )
    assert [row.id for row in listed.rows] == [invoice.id]
    with pytest.raises(VendorRefused):
        client.delete_draft_invoice(invoice.id)
    assert client.void_invoice(invoice.id, idempotency_key="void-1").status == "void"


def test_a_draft_can_be_deleted(client: StripeAccountClient, invoice: StripeInvoice) -> None:
    made = client.create_invoice(
        {"customer": invoice.customer_id, "currency": "usd"}, idempotency_key="invoice-2"
    )
    client.delete_draft_invoice(made.id)
    with pytest.raises(VendorNotFound):
        client.delete_draft_invoice(made.id)


def test_what_was_collected(
    *,
    book: Vendor,
    client: StripeAccountClient,
    gate: RecordingGate,
    opened: dict[str, Any],
    invoice: StripeInvoice,
) -> None:
    before, none = client.collection(invoice.id)
    assert [payment.amount_paid for payment in none if payment.status == "paid"] == []
    assert before.id == invoice.id
    book.act(
        "pay_invoice",
        account_id=opened["account_id"],
        invoice=invoice.id,
        amount=5000,
        method="card",
        outcome="succeeds",
    )
    gate.asked.clear()
    after, payments = client.collection(invoice.id)
    assert gate.asked == [("stripe", "stripe.invoice_payments.collection")]  # one read
    assert after.amount_remaining == Money(7600, "USD")
    (paid,) = [payment for payment in payments if payment.status == "paid"]
    assert (paid.amount_paid, paid.payment_type) == (Money(5000, "USD"), "payment_intent")
    assert (paid.payment_intent_status, paid.method_type) == ("succeeded", "card")
    assert paid.card_brand
    assert paid.charge_id.startswith("ch_")
    listed = client.list_invoice_payments(created_gte=datetime(2020, 1, 1, tzinfo=UTC))
    assert paid.id in {row.id for row in listed.rows}


def test_money_from_elsewhere(client: StripeAccountClient, invoice: StripeInvoice) -> None:
    body = {
        "amount_requested": {"currency": "usd", "value": 2600},
        "initiated_at": int(time.time()),
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": int(time.time())},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Cheque"}},
        "processor_details": {"type": "custom", "custom": {"payment_reference": "fb-pay-1"}},
        "customer_details": {"customer": invoice.customer_id},
        "metadata": {"fb_payment_id": "1"},
    }
    record = client.report_payment_record(body, idempotency_key="record-1")
    assert (record.amount, record.payment_reference) == (Money(2600, "USD"), "fb-pay-1")
    assert client.get_payment_record(record.id) == record
    client.attach_payment_record(invoice.id, record.id, idempotency_key="attach-1")
    part, payments = client.collection(invoice.id)
    assert part.amount_remaining == Money(10000, "USD")
    assert record.id in {payment.payment_record_id for payment in payments}
    assert client.pay_invoice_out_of_band(invoice.id, idempotency_key="pay-1").status == "paid"


def test_events_and_endpoints(
    client: StripeAccountClient, invoice: StripeInvoice, receiver: Receiver
) -> None:
    endpoint = client.create_webhook_endpoint(
        url=f"{receiver.url}/stripe",
        enabled_events=ENABLED_EVENTS,
        description="connector",
        metadata={"fb_account": "x"},
        idempotency_key="endpoint-1",
    )
    assert (endpoint.api_version, endpoint.status) == ("2026-10-28.endive", "enabled")
    assert endpoint.secret
    (listed,) = client.list_webhook_endpoints().rows
    assert (listed.id, listed.secret) == (endpoint.id, "")
    client.void_invoice(invoice.id, idempotency_key="void-1")
    hook = eventually(lambda: [h for h in receiver.at("/stripe") if '"invoice.voided"' in h.body])[
        0
    ]
    event = verify_event(
        hook.body.encode(), hook.headers["Stripe-Signature"], [endpoint.secret], time.time()
    )
    assert (event.type, event.invoice_id) == ("invoice.voided", invoice.id)
    assert event.idempotency_key == "void-1"
    page = client.list_events(types=POLLED_EVENTS, created_gte=datetime(2020, 1, 1, tzinfo=UTC))
    assert event.id in {row.id for row in page.rows}
    client.delete_webhook_endpoint(endpoint.id)
    assert client.list_webhook_endpoints().rows == ()


@pytest.mark.parametrize("fault", ["reset_after", "timeout_after"])
def test_a_lost_answer_is_replayed_under_the_same_key(
    book: Vendor, client: StripeAccountClient, hasty: StripeAccountClient, fault: str
) -> None:
    book.fault(fault, {"method": "POST", "path_regex": "/v1/customers"})
    with pytest.raises(OutcomeUnknown):
        hasty.create_customer({"name": "N"}, idempotency_key="c-1")
    made = client.create_customer({"name": "N"}, idempotency_key="c-1")
    assert client.list_customers().rows == (made,)


@pytest.mark.parametrize(
    ("fault", "on_write", "on_read"),
    [
        ("status_500", OutcomeUnknown, VendorUnavailable),
        ("status_429", VendorRateLimited, VendorRateLimited),
        ("timeout_before", OutcomeUnknown, VendorUnavailable),
        ("error_200", OutcomeUnknown, VendorContractBroken),
    ],
)
def test_other_faults(
    *,
    book: Vendor,
    client: StripeAccountClient,
    hasty: StripeAccountClient,
    fault: str,
    on_write: type[ConnectorError],
    on_read: type[ConnectorError],
) -> None:
    book.fault(fault, {"method": "POST", "path_regex": "/v1/customers"})
    with pytest.raises(on_write):
        hasty.create_customer({"name": "N"}, idempotency_key="c-1")
    book.fault(fault, {"method": "GET", "path_regex": "/v1/customers"})
    with pytest.raises(on_read):
        hasty.list_customers()
    assert client.list_customers().rows == ()
