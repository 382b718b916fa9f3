"""Invoices: fields, phases, statuses, sending, deleting, searching."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.driving import CLIENTS, INVOICES, Account, line


def _put(account: Account, invoice_id: int, **fields: Any) -> dict[str, Any]:
    result = account.result("PUT", f"{INVOICES}/{invoice_id}", {"invoice": fields})
    invoice: dict[str, Any] = result["invoice"]
    return invoice


def _ids(account: Account, query: str) -> list[int]:
    return [row["id"] for row in account.result("GET", f"{INVOICES}?{query}")["invoices"]]


def test_a_new_invoice_is_a_draft_with_a_snapshot_of_its_client(account: Account) -> None:
    account.freshbooks.set_clock(1_777_054_938.2)  # 2026-04-24 18:22:18 UTC
    client = account.client(p_street="88 Elgin St", p_country="Canada")
    invoice = account.invoice(client["id"], due_offset_days=30)
    assert invoice["id"] == invoice["invoiceid"]
    assert (invoice["status"], invoice["v3_status"], invoice["display_status"]) == (
        1,
        "draft",
        "draft",
    )
    assert invoice["payment_status"] == "unpaid"
    assert invoice["invoice_number"] == "0000001"
    assert (invoice["create_date"], invoice["due_date"]) == ("2026-03-03", "2026-04-02")
    assert invoice["created_at"] == invoice["updated"] == "2026-04-24 14:22:18"
    assert invoice["version"].startswith("2026-04-24 14:22:18.")
    assert len(invoice["version"]) == 26
    assert len(invoice["uuid"]) == 36
    assert (invoice["street"], invoice["country"]) == ("88 Elgin St", "Canada")
    assert invoice["current_organization"] == "Haddad Dental"
    assert invoice["outstanding"] == {"amount": "100.00", "code": "CAD"}
    account.result("PUT", f"{CLIENTS}/{client['id']}", {"client": {"organization": "New"}})
    again = account.read_invoice(invoice["id"])
    assert (again["organization"], again["current_organization"]) == ("Haddad Dental", "New")
    assert again["updated"] == invoice["updated"]


def test_version_and_uuid_can_be_absent(account: Account) -> None:
    account.freshbooks.switch(invoice_version="absent")
    assert {"version", "uuid"}.isdisjoint(account.invoice())


def test_lines_only_with_the_array_include(account: Account) -> None:
    path = f"{INVOICES}/{account.invoice()['id']}"
    assert "lines" not in account.result("GET", path)["invoice"]
    assert "lines" not in account.result("GET", path + "?include=lines")["invoice"]
    found = account.result("GET", path + "?include[]=lines&include[]=owner&include[]=nonsense")
    assert [one["lineid"] for one in found["invoice"]["lines"]] == [1]
    assert "owner" in found["invoice"]
    assert "nonsense" not in found["invoice"]
    listed = account.result("GET", INVOICES + "?include[]=lines")["invoices"][0]
    assert listed["lines"][0]["amount"] == {"amount": "100.00", "code": "CAD"}


def test_audit_log_is_in_utc(account: Account) -> None:
    account.freshbooks.set_clock(1_777_054_938.2)
    invoice = account.invoice()
    found = account.result("GET", f"{INVOICES}/{invoice['id']}?include[]=audit_logs")["invoice"]
    assert found["audit_logs"][0]["created_at"] == "2026-04-24 18:22:18"
    assert found["created_at"] == "2026-04-24 14:22:18"


@pytest.mark.parametrize(
    ("fields", "status", "errno"),
    [
        ({"customerid": None}, 422, 1001),
        ({"create_date": None}, 422, 1001),
        ({"customerid": 1}, 404, 1012),
        ({"customerid": "abc"}, 422, 1015),
        ({"create_date": "03/03/2026"}, 422, 1033),
        ({"create_date": "2026-02-30"}, 422, 1033),
        ({"due_date": "2026-04-02"}, 403, 1038),
        ({"amount": {"amount": "5"}}, 403, 1038),
        ({"due_offset_days": -1}, 422, 1025),
        ({"due_offset_days": "soon"}, 422, 1015),
        ({"discount_value": "101"}, 422, 1018),
        ({"currency_code": "dollars"}, 422, 1004),
        ({"status": "2"}, 422, 1015),
        ({"status": 4}, 422, 1004),
        ({"status": 8}, 422, 1004),
        ({"lines": "none"}, 422, 1004),
        ({"lines": [line("ten")]}, 422, 1015),
        ({"lines": [line("10", "many")]}, 422, 1015),
        ({"lines": [{"unit_cost": {"amount": "10", "code": "USD"}}]}, 422, 1004),
        ({"lines": [line("10", taxName1="GST", taxAmount1="5 %")]}, 422, 1018),
        ({"lines": [line("10", taxName1="GST", taxAmount1="5.1234")]}, 422, 1018),
        ({"lines": [line("10", taxName1="A", taxName2="A")]}, 422, 1019),
        ({"lines": [line("-10")]}, 422, 1040),
        ({"po_number": "x" * 256}, 422, 1017),
    ],
)
def test_bad_input(account: Account, fields: dict[str, Any], status: int, errno: int) -> None:
    data = {"customerid": account.client()["id"], "create_date": "2026-03-03", **fields}
    assert account.errno("POST", INVOICES, {"invoice": data}) == (status, errno)
    assert _ids(account, "") == []


def test_read_only_fields_can_be_ignored_but_not_the_due_date(account: Account) -> None:
    account.freshbooks.switch(read_only_fields="ignored")
    invoice = account.invoice(amount={"amount": "5", "code": "CAD"}, payment_status="paid")
    assert invoice["amount"]["amount"] == "100.00"
    assert invoice["payment_status"] == "unpaid"
    path = f"{INVOICES}/{invoice['id']}"
    assert account.errno("PUT", path, {"invoice": {"due_date": "2026-05-01"}}) == (403, 1038)


def test_numbers_count_up_and_duplicates_are_a_switch(account: Account) -> None:
    first = account.invoice(invoice_number="0000041")
    assert account.invoice()["invoice_number"] == "0000042"
    body = {
        "invoice": {
            "customerid": first["customerid"],
            "create_date": "2026-03-03",
            "invoice_number": "0000041",
        }
    }
    assert account.errno("POST", INVOICES, body) == (422, 1029)
    account.freshbooks.switch(duplicate_invoice_number="allowed")
    account.result("POST", INVOICES, body)


def test_a_refused_edit_changes_nothing(account: Account) -> None:
    invoice = account.invoice()
    path = f"{INVOICES}/{invoice['id']}"
    body = {"invoice": {"notes": "hello", "create_date": "2026-01-01", "lines": [line("-1")]}}
    assert account.errno("PUT", path, body) == (422, 1040)
    assert account.read_invoice(invoice["id"]) == invoice


def test_put_replaces_all_lines_and_keeps_the_rest(account: Account) -> None:
    invoice = account.invoice(notes="Thanks", lines=[line("100.00"), line("5.00")])
    account.freshbooks.advance(60)
    changed = _put(account, invoice["id"], lines=[line("7.00", name="Only")])
    assert changed["amount"]["amount"] == "7.00"
    assert changed["notes"] == "Thanks"
    assert changed["updated"] > invoice["updated"]
    assert changed["created_at"] == invoice["created_at"]
    lines = account.read_invoice(invoice["id"])["lines"]
    assert [(one["lineid"], one["name"]) for one in lines] == [(1, "Only")]


def test_put_phases(account: Account) -> None:
    invoice = account.invoice()["id"]
    sent = _put(account, invoice, action_mark_as_sent=True, notes="lost", due_offset_days=9)
    assert (sent["status"], sent["notes"], sent["due_offset_days"]) == (2, "", 0)
    deleted = _put(account, invoice, vis_state=1, action_email=True, notes="lost")
    assert (deleted["vis_state"], deleted["notes"]) == (1, "")
    assert account.freshbooks.state()["accounts"][account.id]["emails"] == []
    same = _put(account, invoice, ext_vis_state=0, vis_state=0, notes="lost")
    assert (same["vis_state"], same["notes"]) == (1, "")
    assert _put(account, invoice, vis_state=0)["vis_state"] == 0
    assert _put(account, invoice, notes="kept")["notes"] == "kept"


@pytest.mark.parametrize("how", ["PUT", "DELETE"])
def test_delete_both_ways(account: Account, how: str) -> None:
    invoice = account.invoice()["id"]
    body = {"invoice": {"vis_state": 1}} if how == "PUT" else None
    assert account.call(how, f"{INVOICES}/{invoice}", body).status_code == 200
    assert _ids(account, "") == []
    assert _ids(account, "search[vis_state]=1") == [invoice]
    assert account.read_invoice(invoice)["vis_state"] == 1
    path = f"{INVOICES}/{invoice}"
    assert account.errno("PUT", path, {"invoice": {"notes": "x"}}) == (422, 1011)
    assert account.errno("PUT", path, {"invoice": {"action_mark_as_sent": True}}) == (422, 1011)
    account.freshbooks.switch(deleted_record_edit="allowed")
    assert _put(account, invoice, notes="x")["vis_state"] == 1


def test_editing_a_paid_invoice_is_a_switch(account: Account) -> None:
    invoice = account.invoice(status=2)["id"]
    account.payment(invoice, "100.00")
    changed = _put(account, invoice, lines=[line("80.00")])
    assert (changed["payment_status"], changed["outstanding"]["amount"]) == ("paid", "-20.00")
    account.freshbooks.switch(paid_invoice_edit="refused")
    body = {"invoice": {"notes": "x"}}
    assert account.errno("PUT", f"{INVOICES}/{invoice}", body) == (422, 1004)


def test_search(account: Account) -> None:
    client = account.client()["id"]
    first = account.invoice(client, create_date="2026-01-31", status=2)["id"]
    second = account.invoice(client, create_date="2026-02-01", due_offset_days=36500)["id"]
    other = account.invoice(create_date="2026-02-02", invoice_number="X-9")["id"]
    account.payment(first, "100.00")
    assert _ids(account, f"search[customerid]={client}") == [second, first]
    assert _ids(account, f"search[invoiceids][]={first}&search[invoiceids][]={other}") == [
        other,
        first,
    ]
    assert _ids(account, "search[date_min]=2026-02-01&search[date_max]=2026-02-02") == [second]
    assert _ids(account, "search[invoice_number]=x-9") == [other]
    assert _ids(account, "search[invoice_number_like]=000") == [second, first]
    assert _ids(account, "search[v3_status]=paid") == [first]
    assert _ids(account, "search[outstanding]=false") == [first]
    assert _ids(account, "search[paid]=false") == [other, second]


def test_searches_known_to_be_ignored(account: Account) -> None:
    account.invoice()
    for key in ("status=4", "payment_status=paid", "create_date_min=2030-01-01", "statusid=4"):
        name, value = key.split("=")
        assert len(_ids(account, f"search[{name}]={value}")) == 1
    account.freshbooks.switch(statusid_filter="honoured")
    assert _ids(account, "search[statusid]=4") == []


def test_only_invoice_date_sorts(account: Account) -> None:
    late = account.invoice(create_date="2026-03-01")["id"]
    early = account.invoice(create_date="2026-01-01")["id"]
    middle = account.invoice(create_date="2026-02-01")["id"]
    newest_first = [middle, early, late]
    for sort in ("", "updated_desc", "date_asc", "create_date_asc", "invoice_date"):
        assert _ids(account, f"sort={sort}") == newest_first
    assert _ids(account, "sort=invoice_date_asc") == [early, middle, late]
    assert _ids(account, "sort=invoice_date_desc") == [late, middle, early]


def test_share_link_needs_a_sent_invoice(account: Account) -> None:
    invoice = account.invoice()
    path = f"{INVOICES}/{invoice['id']}/share_link?share_method=share_link"
    assert account.errno("GET", path) == (422, 1004)
    _put(account, invoice["id"], action_mark_as_sent=True)
    assert account.errno("GET", path.replace("=share_link", "=pigeon")) == (422, 1004)
    link = account.result("GET", path)["share_link"]
    assert link["resourceid"] == str(invoice["id"])
    assert link["clientid"] == invoice["customerid"]
    assert link["share_link"].startswith(account.freshbooks.url)
    account.call("GET", link["share_link"].removeprefix(account.freshbooks.url))
    assert account.read_invoice(invoice["id"])["display_status"] == "viewed"
