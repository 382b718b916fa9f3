"""The Stripe client over real sockets: what goes out, under which key, and what comes back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from connector.errors import (
    CredentialRejected,
    OutcomeUnknown,
    VendorContractBroken,
    VendorRateLimited,
)
from connector.money import Money
from connector.vendors.stripe.api import path_to
from connector.vendors.stripe.client import StripeAccountClient
from connector.vendors.stripe.records import StripeAccount
from tests.vendors.local_server import LocalVendor, RecordingGate, Reply, fixture

V = "stripe/2026-10-28.endive"
CUSTOMER, INVOICE = fixture(f"{V}/customer.json"), fixture(f"{V}/invoice.json")
INVOICE_PAYMENT, EVENT = fixture(f"{V}/invoice_payment.json"), fixture(f"{V}/event.json")
RECORD, ENDPOINT = fixture(f"{V}/payment_record.json"), fixture(f"{V}/webhook_endpoint.json")
TAX_ID = {"id": "txi_1", "object": "tax_id", "type": "eu_vat", "value": "DE1", "created": 1}
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
PAGED = {"limit": "100", "starting_after": "x_9"}
Do = Callable[[StripeAccountClient], object]


def listed(*rows: Any, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(rows), "has_more": has_more, "url": "/v1/x"}


@pytest.mark.parametrize(
    ("do", "operation", "path", "query", "reply"),
    [
        (
            lambda c: c.list_tax_ids("cus_1", cursor="x_9"),
            "tax_ids.list",
            "/v1/customers/cus_1/tax_ids",
            PAGED,
            listed(TAX_ID),
        ),
        (
            lambda c: c.list_customers(cursor="x_9"),
            "customers.list",
            "/v1/customers",
            PAGED,
            listed(CUSTOMER),
        ),
        (
            lambda c: c.find_customers(email="Ap@BlueFir.example"),
            "customers.find",
            "/v1/customers",
            {"limit": "100", "email": "Ap@BlueFir.example"},
            listed(CUSTOMER),
        ),
        (lambda c: c.get_invoice("in_1"), "invoices.get", "/v1/invoices/in_1", {}, INVOICE),
        (
            lambda c: c.list_invoices(cursor="x_9", created_gte=SINCE, customer="cus_1"),
            "invoices.list",
            "/v1/invoices",
            {**PAGED, "created[gte]": "1793491200", "customer": "cus_1"},
            listed(INVOICE),
        ),
        (
            lambda c: c.list_invoice_payments(cursor="x_9", created_gte=SINCE),
            "invoice_payments.list",
            "/v1/invoice_payments",
            {
                **PAGED,
                "created[gte]": "1793491200",
                "expand[0]": "data.payment.payment_intent.latest_charge",
            },
            listed(INVOICE_PAYMENT),
        ),
        (
            lambda c: c.get_payment_record("pr_1"),
            "payment_records.get",
            "/v1/payment_records/pr_1",
            {},
            RECORD,
        ),
        (
            lambda c: c.list_events(types=["a.b", "c.d"], created_gte=SINCE, cursor="x_9"),
            "events.list",
            "/v1/events",
            {**PAGED, "created[gte]": "1793491200", "types[0]": "a.b", "types[1]": "c.d"},
            listed(EVENT),
        ),
        (
            lambda c: c.list_webhook_endpoints(cursor="x_9"),
            "webhook_endpoints.list",
            "/v1/webhook_endpoints",
            PAGED,
            listed(ENDPOINT),
        ),
        (
            lambda c: c.balance_mode(),
            "balance.get",
            "/v1/balance",
            {},
            {"object": "balance", "livemode": False},
        ),
        (
            lambda c: c.account(),
            "account.get",
            "/v1/account",
            {},
            {"id": "acct_1", "object": "account"},
        ),
    ],
)
def test_reads_go_where_the_contract_says(
    *,
    stripe_client: StripeAccountClient,
    vendor: LocalVendor,
    gate: RecordingGate,
    do: Do,
    operation: str,
    path: str,
    query: dict[str, str],
    reply: Any,
) -> None:
    vendor.answers(Reply(body=reply, headers={"Request-Id": "req_1"}))
    do(stripe_client)
    (seen,) = vendor.seen
    assert (seen.method, seen.path, dict(seen.query), seen.body) == ("GET", path, query, b"")
    assert "idempotency-key" not in seen.headers
    (report,) = gate.reports
    assert (report.operation, report.outcome) == (f"stripe.{operation}", "ok")
    assert (report.method, report.request_id) == ("GET", "req_1")


@pytest.mark.parametrize(
    ("do", "operation", "path", "form", "reply"),
    [
        (
            lambda c: c.create_customer(
                {"name": "N", "metadata": {"a": "1"}, "address": ""}, idempotency_key="k"
            ),
            "customers.create",
            "/v1/customers",
            [("name", "N"), ("metadata[a]", "1"), ("address", "")],
            CUSTOMER,
        ),
        (
            lambda c: c.update_customer("cus_1", {"name": "É"}, idempotency_key="k"),
            "customers.update",
            "/v1/customers/cus_1",
            [("name", "É")],
            CUSTOMER,
        ),
        (
            lambda c: c.create_invoice({"auto_advance": False}, idempotency_key="k"),
            "invoices.create",
            "/v1/invoices",
            [("auto_advance", "false")],
            INVOICE,
        ),
        (
            lambda c: c.update_invoice("in_1", {"metadata": {"a": ""}}, idempotency_key="k"),
            "invoices.update",
            "/v1/invoices/in_1",
            [("metadata[a]", "")],
            INVOICE,
        ),
        (
            lambda c: c.add_invoice_lines(
                "in_1",
                [{"amount": 5, "tax_amounts": [{"amount": 1}]}, {"amount": -2}],
                idempotency_key="k",
            ),
            "invoices.add_lines",
            "/v1/invoices/in_1/add_lines",
            [
                ("lines[0][amount]", "5"),
                ("lines[0][tax_amounts][0][amount]", "1"),
                ("lines[1][amount]", "-2"),
            ],
            INVOICE,
        ),
        (
            lambda c: c.finalize_invoice("in_1", idempotency_key="k"),
            "invoices.finalize",
            "/v1/invoices/in_1/finalize",
            [("auto_advance", "false")],
            INVOICE,
        ),
        (
            lambda c: c.send_invoice("in_1", idempotency_key="k"),
            "invoices.send",
            "/v1/invoices/in_1/send",
            [],
            INVOICE,
        ),
        (
            lambda c: c.void_invoice("in_1", idempotency_key="k"),
            "invoices.void",
            "/v1/invoices/in_1/void",
            [],
            INVOICE,
        ),
        (
            lambda c: c.pay_invoice_out_of_band("in_1", idempotency_key="k"),
            "invoices.pay",
            "/v1/invoices/in_1/pay",
            [("paid_out_of_band", "true")],
            INVOICE,
        ),
        (
            lambda c: c.report_payment_record({"outcome": "guaranteed"}, idempotency_key="k"),
            "payment_records.report",
            "/v1/payment_records/report_payment",
            [("outcome", "guaranteed")],
            RECORD,
        ),
        (
            lambda c: c.attach_payment_record("in_1", "pr_1", idempotency_key="k"),
            "invoices.attach_payment",
            "/v1/invoices/in_1/attach_payment",
            [("payment_record", "pr_1")],
            INVOICE,
        ),
        (
            lambda c: c.create_webhook_endpoint(
                url="https://h.example/1",
                enabled_events=["a.b"],
                description="d",
                metadata={"m": "1"},
                idempotency_key="k",
            ),
            "webhook_endpoints.create",
            "/v1/webhook_endpoints",
            [
                ("url", "https://h.example/1"),
                ("enabled_events[0]", "a.b"),
                ("api_version", "2026-10-28.endive"),
                ("description", "d"),
                ("metadata[m]", "1"),
            ],
            ENDPOINT,
        ),
        (
            lambda c: c.create_tax_id("cus_1", {"type": "eu_vat"}, idempotency_key="k"),
            "tax_ids.create",
            "/v1/customers/cus_1/tax_ids",
            [("type", "eu_vat")],
            TAX_ID,
        ),
    ],
)
def test_writes_carry_our_key_and_an_unreadable_answer_is_unknown(
    *,
    stripe_client: StripeAccountClient,
    vendor: LocalVendor,
    gate: RecordingGate,
    do: Do,
    operation: str,
    path: str,
    form: list[tuple[str, str]],
    reply: Any,
) -> None:
    vendor.answers_json(reply)
    do(stripe_client)
    (seen,) = vendor.seen
    assert (seen.method, seen.path, seen.form) == ("POST", path, form)
    assert seen.headers["idempotency-key"] == "k"
    assert gate.asked == [("stripe", f"stripe.{operation}")]
    vendor.answers_json({**reply, "id": None})
    with pytest.raises(OutcomeUnknown):
        do(stripe_client)


@pytest.mark.parametrize(
    "do",
    [
        lambda c: c.delete_draft_invoice("in_1"),
        lambda c: c.delete_webhook_endpoint("we_1"),
    ],
)
def test_deletions(stripe_client: StripeAccountClient, vendor: LocalVendor, do: Do) -> None:
    vendor.answers_json({"id": "x_1", "deleted": True})
    do(stripe_client)
    assert vendor.seen[0].method == "DELETE"
    vendor.answers_json({"id": "x_1"})
    with pytest.raises(OutcomeUnknown):
        do(stripe_client)


def test_every_call_is_pinned_and_authorised_and_tells_nothing_else(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    vendor.answers_json(INVOICE, Request_Id="req_1")
    vendor.answers_json(INVOICE, Request_Id="req_2")
    for _ in range(2):
        stripe_client.get_invoice("in_1")
    for seen in vendor.seen:
        assert seen.headers["stripe-version"] == "2026-10-28.endive"
        assert seen.headers["authorization"] == "Bearer sk_test_secret0key"
        assert "x-stripe-client-telemetry" not in seen.headers
        assert "telemetry_id" not in seen.headers["x-stripe-client-user-agent"]
    assert stripe.api_key is None


def test_two_tenants_do_not_share_a_key(vendor: LocalVendor, gate: RecordingGate) -> None:
    for number in (1, 2):
        vendor.answers_json(INVOICE)
        client = StripeAccountClient(base_url=vendor.url, api_key=f"rk_test_{number}", gate=gate)
        client.get_invoice("in_1")
    keys = [seen.headers["authorization"] for seen in vendor.seen]
    assert keys == ["Bearer rk_test_1", "Bearer rk_test_2"]


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_write_without_a_proper_key_never_leaves(
    stripe_client: StripeAccountClient, vendor: LocalVendor, key: str
) -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        stripe_client.create_customer({}, idempotency_key=key)
    assert vendor.seen == []


@pytest.mark.parametrize("name", ["api_key", "stripe_account", "headers", "base"])
def test_a_body_cannot_change_the_call_itself(
    stripe_client: StripeAccountClient, vendor: LocalVendor, name: str
) -> None:
    with pytest.raises(ValueError, match="reserved"):
        stripe_client.create_customer({name: "x"}, idempotency_key="k")
    assert vendor.seen == []


@pytest.mark.parametrize("api_key", ["", "pk_test_1", "sk", "Bearer sk_test_1", "sk_test_1\n"])
def test_a_key_that_is_none_is_refused(api_key: str, gate: RecordingGate) -> None:
    with pytest.raises(ValueError, match="starts with sk_ or rk_"):
        StripeAccountClient(base_url="https://api.stripe.com", api_key=api_key, gate=gate)


def test_ids_cannot_bend_the_path(stripe_client: StripeAccountClient, vendor: LocalVendor) -> None:
    vendor.answers_json(INVOICE)
    stripe_client.get_invoice("in_1/../../customers?x=1#y")
    assert vendor.seen[0].path == "/v1/invoices/in_1%2F..%2F..%2Fcustomers%3Fx%3D1%23y"
    for part in ("", ".", ".."):
        with pytest.raises(ValueError, match="no id"):
            path_to("invoices", part)


def test_the_gate_can_keep_a_call_from_happening(
    stripe_client: StripeAccountClient, vendor: LocalVendor, gate: RecordingGate
) -> None:
    gate.refusal = VendorRateLimited("Our own bucket is empty.")
    with pytest.raises(VendorRateLimited):
        stripe_client.send_invoice("in_1", idempotency_key="k")
    assert vendor.seen == []


def test_customers_with_one_address_are_read_to_the_end(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    vendor.answers_json(listed(CUSTOMER, has_more=True))
    vendor.answers_json(listed({**CUSTOMER, "id": "cus_2"}))
    found = stripe_client.find_customers(email="ap@bluefir.example")
    assert [customer.id for customer in found] == [CUSTOMER["id"], "cus_2"]
    assert dict(vendor.seen[1].query)["starting_after"] == CUSTOMER["id"]


def test_a_look_up_does_not_pass_over_what_it_cannot_read(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    vendor.answers_json(listed(CUSTOMER, {"id": None}))
    with pytest.raises(VendorContractBroken, match="could not be read"):
        stripe_client.find_customers(email="ap@bluefir.example")


@pytest.mark.parametrize("count", [0, 21])
def test_events_are_asked_for_by_twenty_types(
    stripe_client: StripeAccountClient, vendor: LocalVendor, count: int
) -> None:
    with pytest.raises(ValueError, match="event types"):
        stripe_client.list_events(types=["a.b"] * count)
    assert vendor.seen == []


def test_the_account_shows_its_dashboard_name(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    vendor.answers_json(
        {
            "id": "acct_1",
            "country": "US",
            "default_currency": "usd",
            "settings": {"dashboard": {"display_name": "Maple"}},
            "business_profile": {"name": "Other"},
        }
    )
    assert stripe_client.account() == StripeAccount(
        account_id="acct_1", name="Maple", country="US", default_currency="USD", livemode=False
    )
    vendor.answers_json({"id": "acct_1", "business_profile": {"name": "Other"}})
    assert stripe_client.account().name == "Other"


@pytest.mark.parametrize(
    ("told", "account_id"),
    [
        ("The key does not have permissions on account 'acct_1Qx'. Having 'rak_x' ...", "acct_1Qx"),
        ("Permission denied.", ""),
    ],
)
def test_a_restricted_key_learns_its_account_from_the_refusal(
    stripe_client: StripeAccountClient, vendor: LocalVendor, told: str, account_id: str
) -> None:
    error = {"error": {"type": "invalid_request_error", "message": told}}
    vendor.answers_json(error, status=403)
    assert stripe_client.account().account_id == account_id


def test_a_dead_key_has_no_account(stripe_client: StripeAccountClient, vendor: LocalVendor) -> None:
    error = {"error": {"type": "invalid_request_error", "message": "on account 'acct_1'"}}
    vendor.answers_json(error, status=401)
    with pytest.raises(CredentialRejected):
        stripe_client.account()


@pytest.mark.parametrize(
    ("api_key", "live"), [("sk_live_1", True), ("rk_live_1", True), ("rk_test_live_1", False)]
)
def test_the_prefix_tells_the_mode(api_key: str, live: bool, gate: RecordingGate) -> None:
    client = StripeAccountClient(base_url="https://api.stripe.com", api_key=api_key, gate=gate)
    assert client.key_is_live is live


def test_permissions_are_probed_without_changing_anything(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    missing = {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
    denied = {"error": {"type": "invalid_request_error", "message": "Needs 'rak_x'."}}
    vendor.answers_json({"livemode": False})
    for _ in range(9):
        vendor.answers_json(listed())
    vendor.answers_json(denied, status=403)  # webhook endpoints: read
    vendor.answers_json(missing, status=404)
    vendor.answers_json(denied, status=403)  # invoices: write
    vendor.answers_json(missing, status=404)
    vendor.answers_json(missing, status=400)
    checks = stripe_client.probe_permissions()
    assert len(vendor.seen) == len(checks) == 15
    assert [check.area for check in checks if not check.ok] == [
        "Webhook endpoints: read",
        "Invoices: write",
    ]
    assert "Needs 'rak_x'." in next(check.message for check in checks if not check.ok)
    posts = [seen for seen in vendor.seen if seen.method == "POST"]
    assert all("connectorprobe" in seen.path for seen in posts)
    assert len({seen.headers["idempotency-key"] for seen in posts}) == 4


def test_amounts_are_ours_not_stripes(
    stripe_client: StripeAccountClient, vendor: LocalVendor
) -> None:
    vendor.answers_json(
        {
            **INVOICE,
            "currency": "isk",
            "amount_due": 50000,
            **dict.fromkeys(
                ("total", "amount_paid", "amount_remaining", "amount_overpaid", "starting_balance"),
                0,
            ),
        }
    )
    assert stripe_client.get_invoice("in_1").amount_due == Money(500, "ISK")


def test_importing_writes_no_telemetry_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("home")
    script = "import connector.vendors.stripe.client, stripe; assert not stripe.enable_telemetry"
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert list(home.rglob("*")) == []
