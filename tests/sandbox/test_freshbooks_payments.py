"""Payments: overpayment, bump of the invoice, edits, soft delete, credit, searching."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.driving import CREDIT_NOTES, INVOICES, PAYMENTS, Account


def _put(account: Account, payment_id: int, **fields: Any) -> dict[str, Any]:
    result = account.result("PUT", f"{PAYMENTS}/{payment_id}", {"payment": fields})
    payment: dict[str, Any] = result["payment"]
    return payment


def _ids(account: Account, query: str) -> list[int]:
    return [row["id"] for row in account.result("GET", f"{PAYMENTS}?{query}")["payments"]]


def _credits(account: Account) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = account.result("GET", CREDIT_NOTES)["credit_notes"]
    return rows


def test_create_shows_all_fields_and_bumps_the_invoice(account: Account) -> None:
    invoice = account.invoice(status=2)
    account.freshbooks.advance(3600)
    payment = account.payment(invoice["id"], "40.00", note="Stripe ch_1", type="VISA")
    assert payment == {
        "id": payment["logid"],
        "logid": payment["id"],
        "accounting_systemid": account.id,
        "invoiceid": invoice["id"],
        "clientid": invoice["customerid"],
        "amount": {"amount": "40.00", "code": "CAD"},
        "date": "2026-03-10",
        "type": "VISA",
        "note": "Stripe ch_1",
        "gateway": None,
        "transactionid": None,
        "orderid": None,
        "creditid": None,
        "overpaymentid": None,
        "bulk_paymentid": None,
        "from_credit": False,
        "send_client_notification": None,
        "updated": payment["updated"],
        "vis_state": 0,
    }
    after = account.read_invoice(invoice["id"])
    assert after["updated"] == payment["updated"] > invoice["updated"]
    assert (after["paid"]["amount"], after["outstanding"]["amount"]) == ("40.00", "60.00")
    assert (after["status"], after["payment_status"]) == (2, "partial")


@pytest.mark.parametrize(
    ("fields", "status", "errno"),
    [
        ({"invoiceid": None}, 422, 1001),
        ({"amount": None}, 422, 1001),
        ({"date": None}, 422, 1001),
        ({"type": None}, 422, 1001),
        ({"invoiceid": 1}, 404, 1012),
        ({"amount": "40.00"}, 422, 1004),
        ({"amount": {"amount": "forty"}}, 422, 1015),
        ({"amount": {"amount": "-1.00"}}, 422, 1025),
        ({"amount": {"amount": "1.005"}}, 422, 1004),
        ({"amount": {"amount": "1.00", "code": "USD"}}, 422, 1004),
        ({"date": "10.3.2026"}, 422, 1033),
        ({"type": "Stripe"}, 422, 1004),
        ({"type": "visa"}, 422, 1004),
        ({"note": 7}, 422, 1004),
        ({"note": "x" * 65536}, 422, 1017),
        ({"gateway": "stripe"}, 403, 1038),
    ],
)
def test_bad_input(account: Account, fields: dict[str, Any], status: int, errno: int) -> None:
    invoice = account.invoice()
    data = {
        "invoiceid": invoice["id"],
        "amount": {"amount": "40.00"},
        "date": "2026-03-10",
        "type": "Check",
        **fields,
    }
    assert account.errno("POST", PAYMENTS, {"payment": data}) == (status, errno)
    assert _ids(account, "") == []
    assert account.read_invoice(invoice["id"]) == invoice


def test_payments_on_drafts_are_accepted(account: Account) -> None:
    invoice = account.invoice()["id"]
    account.payment(invoice, "10.00")
    after = account.read_invoice(invoice)
    assert (after["status"], after["payment_status"]) == (1, "partial")


def test_overpayment_is_split(account: Account) -> None:
    invoice = account.invoice(status=2)
    account.payment(invoice["id"], "80.00")
    over = account.payment(invoice["id"], "50.00")
    assert over["amount"]["amount"] == "20.00"
    assert over["overpaymentid"] == over["id"] + 1
    credit = _credits(account)[0]
    assert (credit["credit_type"], credit["amount"]["amount"]) == ("overpayment", "30.00")
    assert credit["clientid"] == str(invoice["customerid"])
    nothing = account.payment(invoice["id"], "5.00")
    assert nothing["amount"]["amount"] == "0.00"
    assert nothing["overpaymentid"] is not None
    after = account.read_invoice(invoice["id"])
    assert (after["paid"]["amount"], after["outstanding"]["amount"]) == ("100.00", "0.00")


def test_overpaymentid_may_be_the_credit(account: Account) -> None:
    account.freshbooks.switch(overpaymentid_target="credit_id")
    over = account.payment(account.invoice()["id"], "130.00")
    assert over["overpaymentid"] == _credits(account)[0]["creditid"]


def test_edit_changes_only_what_is_sent_and_bumps(account: Account) -> None:
    invoice = account.invoice()["id"]
    payment = account.payment(invoice, "40.00", note="first")
    account.freshbooks.advance(60)
    changed = _put(account, payment["id"], amount={"amount": "25.00"})
    assert (changed["amount"]["amount"], changed["note"]) == ("25.00", "first")
    after = account.read_invoice(invoice)
    assert after["updated"] == changed["updated"] > payment["updated"]
    assert after["outstanding"]["amount"] == "75.00"
    assert _put(account, payment["id"], amount={"amount": "0.00"})["amount"]["amount"] == "0.00"
    assert account.read_invoice(invoice)["payment_status"] == "unpaid"


def test_edit_beyond_outstanding_is_split_too(account: Account) -> None:
    payment = account.payment(account.invoice()["id"], "40.00")
    changed = _put(account, payment["id"], amount={"amount": "120.00"})
    assert changed["amount"]["amount"] == "100.00"
    assert _credits(account)[0]["amount"]["amount"] == "20.00"


def test_moving_a_payment_to_another_invoice(account: Account) -> None:
    first, second = account.invoice(), account.invoice()
    payment = account.payment(first["id"], "40.00")
    account.freshbooks.advance(60)
    moved = _put(account, payment["id"], invoiceid=second["id"])
    assert moved["clientid"] == second["customerid"]
    former = account.read_invoice(first["id"])
    latter = account.read_invoice(second["id"])
    assert (former["paid"]["amount"], latter["paid"]["amount"]) == ("0.00", "40.00")
    assert former["updated"] == latter["updated"] == moved["updated"]


def test_delete_reopens_the_invoice_and_leaves_the_row_readable(account: Account) -> None:
    invoice = account.invoice(status=2)["id"]
    payment = account.payment(invoice, "100.00")
    account.freshbooks.advance(60)
    deleted = _put(account, payment["id"], vis_state=1, note="lost")
    assert (deleted["vis_state"], deleted["note"]) == (1, "")
    after = account.read_invoice(invoice)
    assert (after["payment_status"], after["outstanding"]["amount"]) == ("unpaid", "100.00")
    assert (after["updated"], after["date_paid"]) == (deleted["updated"], None)
    assert _ids(account, "") == []
    found = account.result("GET", f"{PAYMENTS}/{payment['id']}")["payment"]
    assert found["vis_state"] == 1
    bad = {"payment": {"vis_state": 2}}
    assert account.errno("PUT", f"{PAYMENTS}/{payment['id']}", bad) == (422, 1004)


def test_a_deleted_payment_can_still_be_edited(account: Account) -> None:
    invoice = account.invoice()["id"]
    payment = account.payment(invoice, "40.00")["id"]
    deleted = _put(account, payment, vis_state=1)
    account.freshbooks.advance(60)
    edited = _put(account, payment, amount={"amount": "41.00"})
    assert (edited["vis_state"], edited["amount"]["amount"]) == (1, "41.00")
    assert edited["updated"] > deleted["updated"]
    after = account.read_invoice(invoice)
    assert (after["paid"]["amount"], after["updated"]) == ("0.00", deleted["updated"])


def test_overpayment_credit_after_deletion_is_a_switch(account: Account) -> None:
    first = account.payment(account.invoice()["id"], "130.00")["id"]
    _put(account, first, vis_state=1)
    assert len(_credits(account)) == 1
    account.freshbooks.switch(deleted_overpayment_credit="goes")
    second = account.payment(account.invoice()["id"], "140.00")["id"]
    _put(account, second, vis_state=1)
    assert [credit["amount"]["amount"] for credit in _credits(account)] == ["30.00"]


def test_no_payment_on_a_deleted_invoice(account: Account) -> None:
    invoice = account.invoice()["id"]
    account.result("PUT", f"{INVOICES}/{invoice}", {"invoice": {"vis_state": 1}})
    data = {"invoiceid": invoice, "amount": {"amount": "1"}, "date": "2026-03-10", "type": "Cash"}
    assert account.errno("POST", PAYMENTS, {"payment": data}) == (422, 1011)


def test_applied_credit_shows_as_a_payment(account: Account) -> None:
    invoice = account.invoice()
    given = account.freshbooks.act(
        "give_credit", account_id=account.id, clientid=invoice["customerid"], amount="50.00"
    )
    applied = account.freshbooks.act(
        "apply_credit",
        account_id=account.id,
        creditid=given["id"],
        invoiceid=invoice["id"],
        amount="30.00",
    )["payment"]
    assert (applied["type"], applied["from_credit"]) == ("Credit", True)
    assert applied["creditid"] == given["id"]
    credit = account.result("GET", f"{CREDIT_NOTES}/{given['id']}")["credit_notes"]
    assert (credit["credit_type"], credit["payment_status"]) == ("goodwill", "partial")
    cheque = account.payment(invoice["id"], "10.00")["id"]
    assert _ids(account, "search[payment_or_credit]=credit") == [applied["id"]]
    assert _ids(account, "search[payment_or_credit]=invoice") == [cheque]
    assert _ids(account, "search[from_credit]=true") == [applied["id"]]
    assert "left" in account.freshbooks.refusal(
        "apply_credit",
        account_id=account.id,
        creditid=given["id"],
        invoiceid=invoice["id"],
        amount="20.01",
    )
    _put(account, applied["id"], vis_state=1)
    freed = account.result("GET", f"{CREDIT_NOTES}/{given['id']}")["credit_notes"]
    assert (freed["payment_status"], freed["paid"]["amount"]) == ("unpaid", "0.00")


def test_gateway_payments_are_marked(account: Account) -> None:
    invoice = account.invoice(status=2)["id"]
    account.freshbooks.act(
        "record_gateway_payment", account_id=account.id, invoiceid=invoice, amount="100.00"
    )
    found = account.result("GET", PAYMENTS)["payments"][0]
    assert (found["gateway"], found["type"]) == ("Stripe", "VISA")
    assert account.read_invoice(invoice)["payment_status"] == "paid"


def test_search(account: Account) -> None:
    invoice = account.invoice(invoice_number="A-1")
    first = account.payment(invoice["id"], "10.00", note="ch_abc", date="2026-01-31")["id"]
    other = account.payment(account.invoice()["id"], "20.00", type="Cash", date="2026-02-01")["id"]
    assert _ids(account, f"search[invoiceid]={invoice['id']}") == [first]
    assert _ids(account, f"search[customerid]={invoice['customerid']}") == [first]
    assert _ids(account, f"search[logids][]={first}&search[logids][]={other}") == [other, first]
    assert _ids(account, "search[notes]=CH_A") == [first]
    assert _ids(account, "search[type]=cash") == [other]
    assert _ids(account, "search[amount_min]=10.00&search[amount_max]=20.00") == [first]
    assert _ids(account, "search[date_min]=2026-02-01") == [other]
    assert _ids(account, "search[number]=A-1") == [first]
    assert _ids(account, "search[client_name]=haddad") == [other, first]
    assert _ids(account, "search[invoice_id]=1") == [other, first]
    assert account.errno("GET", f"{PAYMENTS}?search[amount_min]=much") == (422, 1023)


def test_vis_state_search_is_a_switch(account: Account) -> None:
    kept = account.payment(account.invoice()["id"], "10.00")["id"]
    gone = account.payment(account.invoice()["id"], "10.00")["id"]
    _put(account, gone, vis_state=1)
    assert _ids(account, "search[vis_state]=1") == [kept]
    account.freshbooks.switch(payments_vis_state_filter="honoured")
    assert _ids(account, "search[vis_state]=1") == [gone]


def test_switches_of_single_fields(account: Account) -> None:
    invoice = account.invoice()["id"]
    assert account.payment(invoice, "1.00", transactionid="ch_1")["transactionid"] is None
    account.freshbooks.switch(
        transactionid_write="stored", unknown_payment_type="stored", note_limit="255"
    )
    stored = account.payment(invoice, "1.00", transactionid="ch_1", type="Stripe")
    assert (stored["transactionid"], stored["type"]) == ("ch_1", "Stripe")
    body = {"payment": {"note": "x" * 256}}
    assert account.errno("PUT", f"{PAYMENTS}/{stored['id']}", body) == (422, 1017)


def test_notification_of_the_client(account: Account) -> None:
    def emails() -> int:
        return len(account.freshbooks.state()["accounts"][account.id]["emails"])

    invoice = account.invoice()["id"]
    account.payment(invoice, "1.00")
    assert emails() == 0
    sent = account.payment(invoice, "1.00", send_client_notification=True)
    assert sent["send_client_notification"] is True
    assert emails() == 1
    account.freshbooks.switch(payment_notification_default="yes")
    account.payment(invoice, "1.00", send_client_notification=False)
    assert emails() == 1
    account.payment(invoice, "1.00")
    assert emails() == 2


def test_include_of_the_invoice(account: Account) -> None:
    payment = account.payment(account.invoice()["id"], "10.00")
    assert "invoice" not in payment
    path = f"{PAYMENTS}/{payment['id']}?include[]=invoice"
    assert account.result("GET", path)["payment"]["invoice"]["id"] == payment["invoiceid"]
