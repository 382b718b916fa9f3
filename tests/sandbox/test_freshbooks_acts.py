"""The verbs: what people do, through the same rules as the API."""

from __future__ import annotations

from tests.sandbox.driving import CLIENTS, INVOICES, PAYMENTS, Account, FreshBooks, line


def test_a_person_works_with_clients(account: Account) -> None:
    act, where = account.freshbooks.act, {"account_id": account.id}
    made = act("create_client", **where, client={"organization": "Haddad"})
    assert made["client"]["id"] == made["id"]
    act("edit_client", **where, id=made["id"], client={"fname": "Noor"})
    assert account.result("GET", f"{CLIENTS}/{made['id']}")["client"]["fname"] == "Noor"
    for verb, state in (("archive_client", 2), ("delete_client", 1), ("restore_client", 0)):
        assert act(verb, **where, id=made["id"])["client"]["vis_state"] == state


def test_a_person_works_with_invoices(account: Account) -> None:
    act, where = account.freshbooks.act, {"account_id": account.id}
    invoice = {"customerid": account.client()["id"], "lines": [line("10.00")]}
    draft = act("create_invoice", **where, invoice=invoice)
    assert draft["invoice"]["status"] == 1
    sent = act("create_invoice", **where, invoice=invoice, send=True)["invoice"]
    assert (sent["status"], sent["amount"]["amount"]) == (2, "10.00")
    assert sent["lines"][0]["name"] == "Work"
    changed = act("edit_invoice", **where, id=draft["id"], invoice={"lines": [line("11.00")]})
    assert changed["invoice"]["amount"]["amount"] == "11.00"
    assert act("send_invoice", **where, id=draft["id"], email=True)["invoice"]["status"] == 2
    assert len(account.freshbooks.state()["accounts"][account.id]["emails"]) == 1
    assert act("view_invoice", **where, id=draft["id"])["invoice"]["status"] == 3
    for verb, state in (("archive_invoice", 2), ("delete_invoice", 1), ("restore_invoice", 0)):
        assert act(verb, **where, id=draft["id"])["invoice"]["vis_state"] == state
    assert account.result("GET", INVOICES)["total"] == 2


def test_a_person_works_with_payments(account: Account) -> None:
    act, where = account.freshbooks.act, {"account_id": account.id}
    invoice = account.invoice(status=2)["id"]
    made = act("record_payment", **where, invoiceid=invoice, amount="130.00", note="Cheque")
    payment = made["payment"]
    assert (payment["amount"]["amount"], payment["type"]) == ("100.00", "Check")
    assert payment["overpaymentid"] is not None
    change = {"amount": "60.00", "date": "2026-03-09"}
    edited = act("edit_payment", **where, id=made["id"], payment=change)["payment"]
    assert (edited["amount"]["amount"], edited["date"]) == ("60.00", "2026-03-09")
    assert act("delete_payment", **where, id=made["id"])["payment"]["vis_state"] == 1
    assert account.result("GET", PAYMENTS)["total"] == 0
    act("restore_payment", **where, id=made["id"])
    assert account.read_invoice(invoice)["paid"]["amount"] == "60.00"


def test_what_freshbooks_refuses_people_are_refused_too(account: Account) -> None:
    refusal, where = account.freshbooks.refusal, {"account_id": account.id}
    assert refusal("create_client", **where, client={}).startswith("1001")
    assert refusal("edit_client", **where, id=1, client={}) == "there is no client 1"
    assert refusal("create_client", account_id="none", client={}) == "there is no account 'none'"
    assert refusal("create_client", client={}) == "create_client needs 'account_id'"
    assert "there are" in refusal("fly", **where)
    invoice = account.invoice()["id"]
    assert refusal("record_payment", **where, invoiceid=invoice, amount="-1").startswith("1025")
    assert refusal("give_credit", **where, clientid=1, amount="1") == "there is no client 1"
    text = refusal("edit_invoice", **where, id=invoice, invoice={"due_date": "2026-05-01"})
    assert text.startswith("1038")
    assert "identity" in refusal("revoke_grant", identity_id=1)
    assert refusal("create_business", name="", email="a@b.example") == "name must be a text"


def test_businesses_and_logins(freshbooks: FreshBooks) -> None:
    first = freshbooks.business("a@b.example", currency="EUR")
    same = freshbooks.business("A@B.example")
    other = freshbooks.business("c@d.example")
    assert first["identity_id"] == same["identity_id"] != other["identity_id"]
    assert len({first["account_id"], same["account_id"], other["account_id"]}) == 3
    state = freshbooks.state()
    assert state["accounts"][first["account_id"]]["currency"] == "EUR"
    assert len(state["identities"]) == 2


def test_numbers_with_a_point_are_exact(account: Account) -> None:
    invoice = {"customerid": account.client()["id"], "lines": [line("0.10", 1.1)]}
    made = account.freshbooks.act("create_invoice", account_id=account.id, invoice=invoice)
    assert made["invoice"]["lines"][0]["qty"] == "1.1"
    assert made["invoice"]["amount"]["amount"] == "0.11"
