"""Invoice statuses: sent, paid, overdue, deposits; what is stored and what is derived."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.driving import INVOICES, Account


def _put(account: Account, invoice_id: int, **fields: Any) -> dict[str, Any]:
    result = account.result("PUT", f"{INVOICES}/{invoice_id}", {"invoice": fields})
    invoice: dict[str, Any] = result["invoice"]
    return invoice


def test_sending_by_status_by_action_and_by_email(account: Account) -> None:
    by_status = _put(account, account.invoice()["id"], status=2)
    assert (by_status["status"], by_status["v3_status"]) == (2, "overdue")
    by_action = account.invoice(due_offset_days=36500)["id"]
    assert _put(account, by_action, action_mark_as_sent=True)["v3_status"] == "sent"
    mailed = account.invoice()["id"]
    recipients = ["a@b.example", "c@d.example"]
    assert _put(account, mailed, action_email=True, email_recipients=recipients)["status"] == 2
    emails = account.freshbooks.state()["accounts"][account.id]["emails"]
    assert [email["to"] for email in emails] == [recipients]


def test_emailing_needs_an_address(account: Account) -> None:
    client = account.client(email="")["id"]
    path = f"{INVOICES}/{account.invoice(client)['id']}"
    assert account.errno("PUT", path, {"invoice": {"action_email": True}}) == (422, 1001)
    bad = {"invoice": {"action_email": True, "email_recipients": "a@b.example"}}
    assert account.errno("PUT", path, bad) == (422, 1004)


def test_overdue_is_derived_and_touches_nothing(account: Account) -> None:
    account.freshbooks.set_clock(1_777_054_938.2)  # 2026-04-24 in New York
    invoice = account.invoice(status=2, create_date="2026-04-20", due_offset_days=4)
    assert account.read_invoice(invoice["id"])["v3_status"] == "sent"
    account.payment(invoice["id"], "10.00")
    partial = account.read_invoice(invoice["id"])
    assert (partial["v3_status"], partial["payment_status"]) == ("partial", "partial")
    account.freshbooks.advance(86400)
    overdue = account.read_invoice(invoice["id"])
    assert (overdue["v3_status"], overdue["payment_status"]) == ("overdue", "partial")
    assert overdue["status"] == 2
    assert overdue["updated"] == partial["updated"]
    assert overdue["version"] == partial["version"]


def test_statuses_of_a_paid_invoice(account: Account) -> None:
    invoice = account.invoice(status=2)
    account.payment(invoice["id"], "100.00", date="2026-03-11")
    paid = account.read_invoice(invoice["id"])
    assert (paid["status"], paid["v3_status"], paid["payment_status"]) == (4, "paid", "paid")
    assert (paid["display_status"], paid["date_paid"]) == ("sent", "2026-03-11")
    assert paid["outstanding"]["amount"] == "0.00"


def test_date_paid_is_set_on_a_part_paid_invoice(account: Account) -> None:
    invoice = account.invoice(status=2)["id"]
    assert account.read_invoice(invoice)["date_paid"] is None
    account.payment(invoice, "10.00", date="2026-03-12")
    account.payment(invoice, "10.00", date="2026-03-11")
    assert account.read_invoice(invoice)["date_paid"] == "2026-03-12"


def test_a_zero_invoice_is_unpaid_and_can_be_overdue(account: Account) -> None:
    invoice = account.invoice(status=2, lines=[])
    assert (invoice["payment_status"], invoice["v3_status"]) == ("unpaid", "overdue")
    assert invoice["amount"]["amount"] == "0.00"


@pytest.mark.parametrize(("form", "dash"), [("hyphen", "-"), ("underscore", "_")])
def test_deposit_statuses(account: Account, form: str, dash: str) -> None:
    account.freshbooks.switch(deposit_status_form=form)
    invoice = account.invoice(status=2, due_offset_days=36500, deposit_amount={"amount": "30.00"})
    assert (invoice["deposit_status"], invoice["v3_status"]) == ("unpaid", "sent")
    assert invoice["deposit_amount"] == {"amount": "30.00", "code": "CAD"}
    account.payment(invoice["id"], "10.00")
    after = account.read_invoice(invoice["id"])
    assert (after["deposit_status"], after["v3_status"]) == ("partial", f"deposit{dash}partial")
    account.payment(invoice["id"], "20.00")
    after = account.read_invoice(invoice["id"])
    assert (after["deposit_status"], after["v3_status"]) == ("paid", f"deposit{dash}paid")


def test_net_paid_amount_is_no_money(account: Account) -> None:
    invoice = account.invoice(status=2)["id"]
    account.payment(invoice, "20.00")
    assert len(account.read_invoice(invoice)["net_paid_amount"]["amount"]) > 20


def test_other_settable_statuses(account: Account) -> None:
    disputed = account.invoice(status=0)
    assert (disputed["status"], disputed["v3_status"]) == (0, "disputed")
    viewed = account.invoice(status=3, due_offset_days=36500)
    assert (viewed["v3_status"], viewed["display_status"]) == ("viewed", "viewed")
