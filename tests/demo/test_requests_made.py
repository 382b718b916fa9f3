"""The demo sees what it must see in the record of requests, were the connector to do it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from demo.requests_made import RequestsMade

PAYMENTS = "/accounting/account/AbC123/payments/payments"
INVOICE = "/accounting/account/AbC123/invoices/invoices/9"


def request(vendor: str, method: str, path: str, body: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "vendor": vendor,
        "method": method,
        "path": path,
        "headers": {"Idempotency-Key": more.get("key", "")},
        "json": body,
        "status": more.get("status", 200),
    }


def record(tmp_path: Path, *rows: dict[str, Any]) -> RequestsMade:
    file = tmp_path / "record.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return RequestsMade(file)


def test_any_write_of_an_invoice_or_a_status_is_seen(tmp_path: Path) -> None:
    made = record(
        tmp_path,
        request("freshbooks", "GET", INVOICE),
        request("freshbooks", "PUT", INVOICE, {"invoice": {"notes": "x"}}),
        request("freshbooks", "POST", PAYMENTS, {"payment": [{"v3_status": "paid"}]}),
    )
    assert made.status_writes() == [f"PUT {INVOICE}", f"POST {PAYMENTS}"]


def test_payments_are_seen_by_account_and_when_sent_twice(tmp_path: Path) -> None:
    payment = {"payment": {"note": "[mlc:AAAA]"}}
    made = record(
        tmp_path,
        request("freshbooks", "POST", PAYMENTS, payment, status=429),
        request("freshbooks", "POST", PAYMENTS, payment, status=None),
        request("freshbooks", "POST", PAYMENTS, payment),
    )
    assert len(made.payment_writes("AbC123")) == 3
    assert made.payment_writes("Other1") == []
    assert made.payments_sent_twice() == ["[mlc:AAAA]"]


def test_writes_that_make_an_invoice_are_counted_once_each(tmp_path: Path) -> None:
    made = record(
        tmp_path,
        request("stripe", "POST", "/v1/invoices/in_1/add_lines", {"a": 1}, key="lines"),
        request("stripe", "POST", "/v1/invoices/in_1/add_lines", {"a": 1}, key="lines"),
        request("stripe", "POST", "/v1/invoices/in_1/finalize", key="finalize"),
        request("stripe", "POST", "/v1/invoices/in_1/attach_payment", key="cheque"),
    )
    assert made.making_writes() == {"in_1": 3}
    assert made.altered_repeats() == []


def test_a_repeat_with_another_order_of_parameters_is_seen(tmp_path: Path) -> None:
    made = record(
        tmp_path,
        request("stripe", "POST", "/v1/invoices", {"a": 1, "b": 2}, key="k"),
        request("stripe", "POST", "/v1/invoices", {"b": 2, "a": 1}, key="k"),
    )
    assert made.altered_repeats() == ["k"]


def test_only_refreshes_that_worked_are_counted(tmp_path: Path) -> None:
    token = "/auth/oauth/token"
    made = record(
        tmp_path,
        request("freshbooks", "POST", token, {"grant_type": "authorization_code"}),
        request("freshbooks", "POST", token, {"grant_type": "refresh_token"}, status=401),
        request("freshbooks", "POST", token, {"grant_type": "refresh_token"}),
    )
    assert made.refreshes() == 1
