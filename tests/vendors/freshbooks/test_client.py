"""The FreshBooks client over real sockets: what goes out, what comes back, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from connector.errors import (
    CredentialRejected,
    GrantLost,
    OutcomeUnknown,
    VendorContractBroken,
    VendorNotFound,
    VendorRateLimited,
    VendorUnavailable,
)
from connector.money import Money
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.freshbooks.records import FreshBooksPaymentDraft
from connector.vendors.freshbooks.tokens import REFUSED_AGAIN, AccessToken, AccessTokenRejected
from tests.vendors.conftest import Tokens
from tests.vendors.local_server import (
    LocalVendor,
    RecordingGate,
    Reply,
    fixture,
    fixture_bytes,
)

DRAFT = FreshBooksPaymentDraft(
    invoice_id=987654,
    amount=Money(4194, "CAD"),
    paid_on=date(2021, 4, 16),
    type="VISA",
    note="Stripe inpay_1",
)
UNAUTHENTICATED = {"error": "unauthenticated", "error_description": "Log in."}


def result(**body: Any) -> dict[str, Any]:
    return {"response": {"result": body}}


def page(key: str, *rows: Any, number: int = 1, pages: int = 1) -> dict[str, Any]:
    return result(**{key: list(rows), "page": number, "pages": pages, "per_page": 100, "total": 9})


def row(name: str, **changes: Any) -> dict[str, Any]:
    body = fixture(f"freshbooks/{name}.json")
    return {**body["response"]["result"][name], **changes}


Do = Callable[[FreshBooksAccountClient], object]
CLIENTS = "/accounting/account/ACM123/users/clients"
INVOICES = "/accounting/account/ACM123/invoices/invoices"
PAYMENTS = "/accounting/account/ACM123/payments/payments"
CALLBACKS = "/events/account/ACM123/events/callbacks"
ONLINE = "/payments/account/ACM123"
PAGED = [("page", "2"), ("per_page", "100")]
LINES = ("include[]", "lines")


@pytest.mark.parametrize(
    ("do", "operation", "method", "path", "query", "reply"),
    [
        (lambda c: c.list_clients(page=2), "clients.list", "GET", CLIENTS, PAGED, page("clients")),
        (
            lambda c: c.list_clients(page=2, updated_min=date(2026, 3, 9), vis_state=1),
            "clients.list",
            "GET",
            CLIENTS,
            [*PAGED, ("search[updated_min]", "2026-03-09"), ("search[vis_state]", "1")],
            page("clients"),
        ),
        (
            lambda c: c.get_client(client_id=12345),
            "clients.get",
            "GET",
            f"{CLIENTS}/12345",
            [],
            fixture("freshbooks/client.json"),
        ),
        (
            lambda c: c.list_invoices(page=2),
            "invoices.list",
            "GET",
            INVOICES,
            [*PAGED, LINES],
            page("invoices"),
        ),
        (
            lambda c: c.list_invoices(
                page=2, updated_min=date(2026, 3, 9), vis_state=1, client_id=7
            ),
            "invoices.list",
            "GET",
            INVOICES,
            [
                *PAGED,
                ("search[updated_min]", "2026-03-09"),
                ("search[vis_state]", "1"),
                ("search[customerid]", "7"),
                LINES,
            ],
            page("invoices"),
        ),
        (
            lambda c: c.get_invoice(invoice_id=987654),
            "invoices.get",
            "GET",
            f"{INVOICES}/987654",
            [LINES],
            fixture("freshbooks/invoice.json"),
        ),
        (
            lambda c: c.list_payments(page=2, invoice_id=7, updated_min=date(2026, 3, 9)),
            "payments.list",
            "GET",
            PAYMENTS,
            [*PAGED, ("search[updated_min]", "2026-03-09"), ("search[invoiceid]", "7")],
            page("payments"),
        ),
        (
            lambda c: c.get_payment(payment_id=235435),
            "payments.get",
            "GET",
            f"{PAYMENTS}/235435",
            [],
            fixture("freshbooks/payment.json"),
        ),
        (
            lambda c: c.list_callbacks(page=2),
            "callbacks.list",
            "GET",
            CALLBACKS,
            PAGED,
            fixture("freshbooks/callbacks_empty.json"),
        ),
        (
            lambda c: c.payment_options(invoice_id=7),
            "payment_options.get",
            "GET",
            f"{ONLINE}/invoice/7/payment_options",
            [],
            fixture("freshbooks/payment_options.json"),
        ),
        (
            lambda c: c.gateway(),
            "gateway.get",
            "GET",
            f"{ONLINE}/gateway",
            [],
            fixture("freshbooks/gateway_connections.json"),
        ),
    ],
)
def test_reads_go_where_the_contract_says(
    *,
    freshbooks: FreshBooksAccountClient,
    vendor: LocalVendor,
    gate: RecordingGate,
    do: Do,
    operation: str,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    reply: Any,
) -> None:
    vendor.answers_json(reply, X_Request_Id="r-1")
    do(freshbooks)
    (seen,) = vendor.seen
    assert (seen.method, seen.path, seen.query, seen.body) == (method, path, query, b"")
    assert seen.headers["authorization"] == "Bearer token-1"
    assert gate.asked == [("freshbooks", f"freshbooks.{operation}")]
    (report,) = gate.reports
    assert (report.outcome, report.status, report.request_id) == ("ok", 200, "r-1")


PAYMENT = fixture("freshbooks/payment.json")
CALLBACK = fixture("freshbooks/callback.json")


@pytest.mark.parametrize(
    ("do", "operation", "method", "path", "body", "reply"),
    [
        (
            lambda c: c.create_payment(draft=DRAFT),
            "payments.create",
            "POST",
            PAYMENTS,
            {
                "payment": {
                    "invoiceid": 987654,
                    "amount": {"amount": "41.94", "code": "CAD"},
                    "date": "2021-04-16",
                    "type": "VISA",
                    "note": "Stripe inpay_1",
                    "send_client_notification": False,
                }
            },
            PAYMENT,
        ),
        (
            lambda c: c.update_payment_amount(
                payment_id=235435, amount=Money(1000, "CAD"), note="n"
            ),
            "payments.update",
            "PUT",
            f"{PAYMENTS}/235435",
            {
                "payment": {
                    "amount": {"amount": "10.00", "code": "CAD"},
                    "note": "n",
                    "send_client_notification": False,
                }
            },
            PAYMENT,
        ),
        (
            lambda c: c.delete_payment(payment_id=235435),
            "payments.delete",
            "PUT",
            f"{PAYMENTS}/235435",
            {"payment": {"vis_state": 1}},
            result(payment=row("payment", vis_state=1)),
        ),
        (
            lambda c: c.create_callback(event="payment.create", uri="https://h.example/1"),
            "callbacks.create",
            "POST",
            CALLBACKS,
            {"callback": {"event": "payment.create", "uri": "https://h.example/1"}},
            CALLBACK,
        ),
        (
            lambda c: c.verify_callback(callback_id=123, verifier="v"),
            "callbacks.verify",
            "PUT",
            f"{CALLBACKS}/123",
            {"callback": {"callback_id": 123, "verifier": "v"}},
            CALLBACK,
        ),
        (
            lambda c: c.delete_callback(callback_id=123),
            "callbacks.delete",
            "DELETE",
            f"{CALLBACKS}/123",
            None,
            {"response": {}},
        ),
    ],
)
def test_writes_carry_exactly_this_and_a_lost_answer_is_unknown(
    *,
    freshbooks: FreshBooksAccountClient,
    vendor: LocalVendor,
    gate: RecordingGate,
    do: Do,
    operation: str,
    method: str,
    path: str,
    body: Any,
    reply: Any,
) -> None:
    vendor.answers_json(reply)
    do(freshbooks)
    (seen,) = vendor.seen
    assert (seen.method, seen.path, seen.query) == (method, path, [])
    assert (json.loads(seen.body) if seen.body else None) == body
    if body is not None:
        assert seen.headers["content-type"] == "application/json"
    assert b"status" not in seen.body
    for lost in (
        Reply(how="reset"),
        Reply(status=500, body=b"oops"),
        Reply(body=b"<html>"),
        Reply(body=b'{"response": {"result": {"payment": {"id": 1}, "callback": {}'),
    ):
        vendor.answers(lost)
        with pytest.raises(OutcomeUnknown):
            do(freshbooks)
    assert gate.asked == [("freshbooks", f"freshbooks.{operation}")] * 5
    assert gate.outcomes == ["ok", *["unknown"] * 4]


def test_no_method_can_write_an_invoice() -> None:
    writers = [
        name
        for name in dir(FreshBooksAccountClient)
        if "invoice" in name and not name.startswith(("_", "get_", "list_"))
    ]
    assert writers == []


def test_a_rejected_token_is_replaced_once_and_the_call_repeated(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor, tokens: Tokens, gate: RecordingGate
) -> None:
    vendor.answers_json(UNAUTHENTICATED, status=401)
    vendor.answers_json(PAYMENT)
    assert freshbooks.create_payment(draft=DRAFT).id == 235435
    assert [seen.headers["authorization"] for seen in vendor.seen] == [
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert vendor.seen[0].body == vendor.seen[1].body
    assert tokens.rejected == [AccessToken("token-1", 1)]
    assert gate.outcomes == ["refused", "ok"]


def test_a_second_rejection_is_final(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor, tokens: Tokens
) -> None:
    for _ in range(2):
        vendor.answers_json(UNAUTHENTICATED, status=401)
    with pytest.raises(AccessTokenRejected) as raised:
        freshbooks.get_client(client_id=1)
    assert isinstance(raised.value, CredentialRejected)
    assert raised.value.code == REFUSED_AGAIN
    assert len(tokens.rejected) == 1
    assert raised.value.__context__ is None


def test_a_lost_grant_ends_the_call(
    freshbooks: FreshBooksAccountClient,
    vendor: LocalVendor,
    tokens: Tokens,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lost(_rejected: AccessToken) -> AccessToken:
        raise GrantLost("gone")

    monkeypatch.setattr(tokens, "after_rejection", lost)
    vendor.answers_json(UNAUTHENTICATED, status=401)
    with pytest.raises(GrantLost):
        freshbooks.get_client(client_id=1)
    assert len(vendor.seen) == 1


def test_an_answer_about_another_object_is_refused(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor
) -> None:
    vendor.answers(Reply(body=fixture_bytes("freshbooks/client.json")))
    with pytest.raises(VendorContractBroken, match="expected id 1, found a number"):
        freshbooks.get_client(client_id=1)
    vendor.answers(Reply(body=fixture_bytes("freshbooks/payment.json")))
    with pytest.raises(VendorContractBroken):
        freshbooks.get_payment(payment_id=1)


@pytest.mark.parametrize(
    ("do", "payment"),
    [
        (lambda c: c.create_payment(draft=DRAFT), row("payment", invoiceid=1)),
        (lambda c: c.create_payment(draft=DRAFT), row("payment", amount=None)),
        (
            lambda c: c.create_payment(draft=DRAFT),
            row("payment", amount={"amount": "1.005", "code": "CAD"}),
        ),
        (lambda c: c.delete_payment(payment_id=1), row("payment", vis_state=1)),
        (lambda c: c.delete_payment(payment_id=235435), row("payment", vis_state=0)),
    ],
)
def test_a_write_answered_with_something_else_is_unknown(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor, do: Do, payment: Any
) -> None:
    vendor.answers_json(result(payment=payment))
    with pytest.raises(OutcomeUnknown):
        do(freshbooks)


def test_an_overpayment_shows_in_the_returned_amount(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor
) -> None:
    stored = row("payment", amount={"amount": "1.94", "code": "CAD"}, overpaymentid=9)
    vendor.answers_json(result(payment=stored))
    payment = freshbooks.create_payment(draft=DRAFT)
    assert (payment.amount, payment.overpayment_id) == (Money(194, "CAD"), 9)


def test_rows_that_do_not_satisfy_an_id_filter_are_never_trusted(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor
) -> None:
    vendor.answers_json(page("payments", row("payment")))
    with pytest.raises(VendorContractBroken, match="only rows of invoice 7"):
        freshbooks.list_payments(page=1, invoice_id=7)
    vendor.answers_json(page("invoices", row("invoice")))
    with pytest.raises(VendorContractBroken, match="only rows of client 7"):
        freshbooks.list_invoices(page=1, client_id=7)


def test_rows_that_do_not_satisfy_other_filters_stay_and_are_told(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor
) -> None:
    old, new = row("invoice"), row("invoice", id=2, updated="2026-03-10 00:00:00", vis_state=1)
    vendor.answers_json(page("invoices", old, new))
    found = freshbooks.list_invoices(page=1, updated_min=date(2026, 3, 10), vis_state=1)
    assert len(found.rows) == 2
    assert found.ignored_filters == ("updated_min", "vis_state")
    vendor.answers_json(page("invoices", new))
    kept = freshbooks.list_invoices(page=1, updated_min=date(2026, 3, 10), vis_state=1)
    assert kept.ignored_filters == ()


def test_a_row_that_cannot_be_read_does_not_hold_up_the_others(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor, gate: RecordingGate
) -> None:
    exotic = row("invoice", id=5, amount={"amount": "1.00", "code": "ZZZ"})
    vendor.answers_json(page("invoices", row("invoice"), exotic, {"nothing": 1}))
    found = freshbooks.list_invoices(page=1)
    assert [invoice.id for invoice in found.rows] == [987654]
    assert [bad.object_id for bad in found.unreadable] == ["5", ""]
    assert gate.outcomes == ["ok"]


@pytest.mark.parametrize("missing", ["clients", "page", "pages", "per_page", "total"])
def test_a_page_needs_its_figures(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor, missing: str
) -> None:
    body = page("clients")
    del body["response"]["result"][missing]
    vendor.answers_json(body)
    with pytest.raises(VendorContractBroken, match=missing):
        freshbooks.list_clients(page=1)


def test_failures_reach_the_gate_with_what_it_needs(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor, gate: RecordingGate
) -> None:
    limited = fixture("freshbooks/errors/rate_limited.json")
    vendor.answers_json(limited, status=429, Retry_After="7")
    vendor.answers_json(fixture("freshbooks/errors/accounting_old.json"), status=404)
    vendor.answers(Reply(status=503), Reply(how="reset"), Reply(body=b"<html>"))
    kinds = [
        VendorRateLimited,
        VendorNotFound,
        VendorUnavailable,
        VendorUnavailable,
        VendorContractBroken,
    ]
    for kind in kinds:
        with pytest.raises(kind):
            freshbooks.get_client(client_id=1)
    assert gate.outcomes == ["rate_limited", "refused", "unavailable", "unavailable", "broken"]
    assert [report.status for report in gate.reports] == [429, 404, 503, None, 200]
    assert gate.reports[0].retry_after_s == 7


def test_the_gate_can_keep_a_call_from_happening(
    freshbooks: FreshBooksAccountClient, vendor: LocalVendor, gate: RecordingGate
) -> None:
    gate.refusal = VendorRateLimited("Our own bucket is empty.")
    with pytest.raises(VendorRateLimited):
        freshbooks.create_payment(draft=DRAFT)
    assert vendor.seen == []


@pytest.mark.parametrize("account_id", ["", "a/b", "a b", "../x", "é"])
def test_an_account_id_that_would_bend_the_path_is_refused(
    account_id: str, tokens: Tokens, gate: RecordingGate
) -> None:
    with pytest.raises(ValueError, match="account id"):
        FreshBooksAccountClient(
            base_url="https://api.freshbooks.com", account_id=account_id, tokens=tokens, gate=gate
        )


def test_pages_are_counted_from_one(freshbooks: FreshBooksAccountClient) -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        freshbooks.list_clients(page=0)


def test_a_token_never_shows_in_repr() -> None:
    assert "secret" not in repr(AccessToken("secret", 3))
