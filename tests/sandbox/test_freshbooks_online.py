"""Online payments: flat bodies, string ids, the silent wrapped no-op."""

from __future__ import annotations

from tests.sandbox.driving import Account

BASE = "/payments/account/{acct}"


def test_options_of_an_invoice(account: Account) -> None:
    invoice = account.invoice()["id"]
    path = f"{BASE}/invoice/{invoice}/payment_options"
    before = account.call("GET", path)
    assert before.headers["Content-Type"] == "application/vnd.api+json"
    assert before.json()["payment_options"]["has_credit_card"] is False
    body = {
        "gateway_name": "stripe",
        "entity_id": invoice,
        "entity_type": "invoice",
        "has_credit_card": True,
        "allow_partial_payments": True,
    }
    wrapped = account.call("POST", path, {"payment_options": body})
    assert wrapped.status_code == 200
    assert account.call("GET", path).json() == before.json()
    flat = account.call("POST", path, body).json()["payment_options"]
    assert (flat["gateway_name"], flat["has_credit_card"], flat["has_ach_transfer"]) == (
        "stripe",
        True,
        False,
    )
    assert flat["entity_id"] == str(invoice)
    assert account.call("GET", path).json()["payment_options"] == flat
    shown = account.result(
        "GET",
        "/accounting/account/{acct}/invoices/invoices/" + f"{invoice}?include[]=allowed_gateways",
    )
    assert shown["invoice"]["allowed_gateways"][0]["gatewayid"] == 26


def test_unknown_gateway_and_unknown_invoice(account: Account) -> None:
    invoice = account.invoice()["id"]
    path = f"{BASE}/invoice/{invoice}/payment_options"
    assert account.call("POST", path, {"gateway_name": "pigeon"}).status_code == 422
    missing = account.call("GET", f"{BASE}/invoice/1/payment_options")
    assert (missing.status_code, missing.json()["error_type"]) == (404, "not_found")


def test_defaults_and_gateway_follow_the_connection(account: Account) -> None:
    path = f"{BASE}/payment_options?entity_type=invoice"
    assert account.call("GET", f"{BASE}/gateway").json() == {"gateway_connections": []}
    assert account.call("GET", path).json()["payment_options"]["has_credit_card"] is False
    account.freshbooks.act(
        "connect_gateway", account_id=account.id, stripe_account_id="acct_1ABC", country="CA"
    )
    unified = account.call("GET", f"{BASE}/gateway").json()["gateway_connections"][0]
    assert unified["stripe_unified"]["stripe_account_id"] == "acct_1ABC"
    assert unified["stripe_unified"]["stripe_charges_enabled"] is True
    assert account.call("GET", path).json()["payment_options"]["has_credit_card"] is True
    assert account.call("GET", f"{BASE}/payment_options").status_code == 422
    invoice = account.invoice()["id"]
    options = account.call("GET", f"{BASE}/invoice/{invoice}/payment_options").json()
    assert options["payment_options"]["has_credit_card"] is False
    account.freshbooks.act("disconnect_gateway", account_id=account.id)
    assert account.call("GET", f"{BASE}/gateway").json() == {"gateway_connections": []}


def test_people_can_set_options(account: Account) -> None:
    invoice = account.invoice()["id"]
    account.freshbooks.act(
        "set_payment_options",
        account_id=account.id,
        invoiceid=invoice,
        payment_options={"gateway_name": "fbpay", "has_credit_card": True},
    )
    options = account.call("GET", f"{BASE}/invoice/{invoice}/payment_options").json()
    assert options["payment_options"]["gateway_name"] == "fbpay"
