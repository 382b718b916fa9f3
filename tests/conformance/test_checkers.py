"""The checkers find what they are for: one wrong request each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import freshbooks_requests, stripe_requests
from tests.conformance.checking import check_record
from tests.conformance.record import FRESHBOOKS, STRIPE, Sent

PINNED = {
    "stripe-version": "2026-10-28.endive",
    "idempotency-key": "k",
    "content-type": "application/x-www-form-urlencoded",
}


def stripe_problems(
    path: str, form: dict[str, Any] | None, *, method: str = "POST", **changes: Any
) -> list[str]:
    values = {
        "vendor": STRIPE,
        "method": method,
        "path": path,
        "query": {},
        "headers": PINNED,
        "form": form,
        "body": None,
        "status": 200,
    }
    return stripe_requests.problems(Sent(**(values | changes)))


def freshbooks_problems(
    method: str, path: str, body: Any = None, query: dict[str, Any] | None = None
) -> list[str]:
    sent = Sent(
        vendor=FRESHBOOKS,
        method=method,
        path=path,
        query=query or {},
        headers={},
        form=None,
        body=body,
        status=200,
    )
    return freshbooks_requests.problems(sent)


INVOICE = {
    "customer": "cus_1",
    "collection_method": "send_invoice",
    "due_date": "1900000000",
    "auto_advance": "false",
    "currency": "cad",
    "discounts": "",
    "custom_fields[0][name]": "PO number",
    "custom_fields[0][value]": "1",
    "metadata[fb_invoice_id]": "1",
}
LINES = {
    "lines[0][amount]": "-5",
    "lines[0][tax_amounts][0][amount]": "1",
    "lines[0][tax_amounts][0][taxable_amount]": "1",
    "lines[0][tax_amounts][0][tax_rate_data][display_name]": "GST",
    "lines[0][tax_amounts][0][tax_rate_data][percentage]": "9.975",
    "lines[0][tax_amounts][0][tax_rate_data][inclusive]": "false",
}


def test_good_requests_pass() -> None:
    assert stripe_problems("/v1/invoices", INVOICE) == []
    assert stripe_problems("/v1/invoices/in_1/add_lines", LINES) == []
    assert stripe_problems("/v1/invoices/in_1/void", None) == []
    query = {"limit": "100", "created[gte]": "5", "expand[0]": "data.invoice"}
    expanded = "data.payment.payment_intent.latest_charge"
    query |= {"expand[1]": expanded, "invoice": "in_1"}
    assert stripe_problems("/v1/invoice_payments", None, method="GET", query=query) == []


@pytest.mark.parametrize(
    "change",
    [
        {"no_such": "1"},
        {"customer_name": "x"},
        {"auto_advance": "False"},
        {"due_date": "tomorrow"},
        {"days_until_due": "3"},
        {"currency": "CAD"},
        {"collection_method": "by_post"},
        {"description": "x" * 1501},
        {"number": "x" * 27},
        {"footer": "x\x00"},
        {"custom_fields[2][name]": "x"},
        {"custom_fields[0][value]": "x" * 141},
        {"metadata[x]": "x" * 501},
        {"discounts": ["", ""]},
        {"expand[0]": "customer.nothing"},
        {"lines]": "1"},
    ],
)
def test_a_wrong_invoice_is_found(change: dict[str, Any]) -> None:
    assert stripe_problems("/v1/invoices", INVOICE | change) != []


@pytest.mark.parametrize(
    "change",
    [
        {"lines[0][quantity]": "1"},
        {"lines[0][amount]": "1.5"},
        {"lines[0][tax_amounts][0][tax_rate_data][percentage]": "a tenth"},
        {"lines[0][tax_amounts][0][no_such]": "1"},
        {"lines[1][price_data][currency]": "cad", "lines[1][price_data][unit_amount]": "-1"},
        {"lines[1][tax_amounts][0][amount]": "1"},
    ],
)
def test_a_wrong_line_is_found(change: dict[str, str]) -> None:
    assert stripe_problems("/v1/invoices/in_1/add_lines", LINES | change) != []


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/v1/no_such"},
        {"method": "DELETE", "path": "/v1/invoices"},
        {"headers": PINNED | {"stripe-version": "2024-01-01"}},
        {"headers": PINNED | {"idempotency-key": ""}},
        {"headers": PINNED | {"x-stripe-client-telemetry": "{}"}},
        {"headers": PINNED | {"content-type": "application/json"}},
        {"method": "GET"},
    ],
)
def test_a_wrong_call_is_found(changes: dict[str, Any]) -> None:
    given = {"path": "/v1/invoices"} | changes
    assert stripe_problems(given.pop("path"), INVOICE, **given) != []


def test_a_wrong_query_is_found() -> None:
    for query in ({"limit": "101"}, {"per_page": "5"}, {"created[since]": "5"}):
        assert stripe_problems("/v1/invoices", None, method="GET", query=query) != []


PAYMENTS = "/accounting/account/Kq3ZrP/payments/payments"
INVOICES = "/accounting/account/Kq3ZrP/invoices/invoices"
PAYMENT = {
    "invoiceid": 1,
    "amount": {"amount": "5.00", "code": "CAD"},
    "date": "2026-03-10",
    "type": "VISA",
    "note": "",
    "send_client_notification": False,
}


def test_good_freshbooks_requests_pass() -> None:
    assert freshbooks_problems("POST", PAYMENTS, {"payment": PAYMENT}) == []
    assert freshbooks_problems("PUT", f"{PAYMENTS}/1", {"payment": {"vis_state": 1}}) == []
    query = {"search[updated_min]": "2026-03-03", "page": "1", "include[]": "lines"}
    assert freshbooks_problems("GET", INVOICES, query=query) == []


@pytest.mark.parametrize(
    "change",
    [
        {"status": 4},
        {"payment_status": "paid"},
        {"gateway": "Stripe"},
        {"vis_state": 1},
        {"send_client_notification": True},
        {"send_client_notification": None},
        {"amount": {"amount": 5.0, "code": "CAD"}},
        {"amount": {"amount": "1e5", "code": "CAD"}},
        {"amount": {"amount": "-5", "code": "CAD"}},
        {"amount": {"amount": "5.00", "code": "cad"}},
        {"date": "2026-03-10 12:00:00"},
        {"type": "Stripe"},
        {"invoiceid": "1"},
        {"note": "\x00"},
    ],
)
def test_a_wrong_payment_is_found(change: dict[str, Any]) -> None:
    assert freshbooks_problems("POST", PAYMENTS, {"payment": PAYMENT | change}) != []


@pytest.mark.parametrize(
    ("method", "path", "body", "query"),
    [
        ("PUT", f"{INVOICES}/1", {"invoice": {"status": 4}}, None),
        ("POST", INVOICES, {"invoice": {}}, None),
        ("DELETE", f"{PAYMENTS}/1", None, None),
        ("POST", PAYMENTS, PAYMENT, None),
        ("GET", PAYMENTS, {"payment": PAYMENT}, None),
        ("GET", PAYMENTS, None, {"search[vis_state]": "1"}),
        ("GET", PAYMENTS, None, {"search[updated_min]": "2026-03-03T00:00:00"}),
        ("GET", INVOICES, None, {"include": "lines"}),
        ("GET", INVOICES, None, {"include[]": "payments"}),
        ("GET", INVOICES, None, {"search[status]": "2"}),
        ("GET", INVOICES, None, {"page": "0"}),
        ("GET", INVOICES, None, {"per_page": "101"}),
        ("GET", f"{INVOICES}/1", None, {"page": "1"}),
        ("GET", "/accounting/account/Kq3ZrP/expenses/expenses", None, None),
    ],
)
def test_a_wrong_freshbooks_call_is_found(
    method: str, path: str, body: Any, query: dict[str, Any] | None
) -> None:
    assert freshbooks_problems(method, path, body, query) != []


def test_only_the_products_own_requests_count(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    line = {
        "vendor": "freshbooks",
        "method": "GET",
        "path": "/no/such",
        "query": {},
        "headers": {"User-Agent": "somebody else"},
        "status": 404,
        "at": 0,
    }
    record.write_text(json.dumps(line) + "\n")
    assert check_record(record) == (0, 0)
    with pytest.raises(AssertionError, match="only"):
        check_record(record, at_least=1)
    ours = line | {"headers": {"User-Agent": "ml-connector"}}
    record.write_text(json.dumps(ours) + "\n")
    with pytest.raises(AssertionError, match="no documented call"):
        check_record(record)
