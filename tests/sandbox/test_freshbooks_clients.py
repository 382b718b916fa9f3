"""Clients: what is filled in, what is refused, how they are searched and hidden."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.driving import CLIENTS, Account


def _ids(account: Account, query: str) -> list[int]:
    return [row["id"] for row in account.result("GET", f"{CLIENTS}?{query}")["clients"]]


def test_create_answers_200_with_the_documented_fields(account: Account) -> None:
    account.freshbooks.set_clock(1_605_580_023.2)  # 2020-11-17 02:27:03 UTC, the evening before
    client = account.client(fname="Noor", lname="Haddad", p_country="Canada")
    assert client["id"] == client["userid"]
    assert client["accounting_systemid"] == account.id
    assert client["signup_date"] == "2020-11-17 02:27:03"
    assert client["updated"] == "2020-11-16 21:27:03"
    assert (client["currency_code"], client["language"]) == ("CAD", "en")
    assert (client["note"], client["home_phone"], client["bus_phone"]) == (None, None, "")
    assert (client["vis_state"], client["p_country"], client["s_city"]) == (0, "Canada", "")
    assert len(client["username"]) == 10


def test_email_only_becomes_the_organization(account: Account) -> None:
    result = account.result("POST", CLIENTS, {"client": {"email": "john@abcorp.example"}})
    assert result["client"]["organization"] == "john@abcorp.example"
    named = account.client(organization="", fname="John", email="john@abcorp.example")
    assert named["organization"] == ""


@pytest.mark.parametrize(
    ("data", "errno"),
    [
        ({}, 1001),
        ({"email": "nonsense"}, 1004),
        ({"email": "a@b.example", "fname": "x" * 256}, 1017),
        ({"email": "a@b.example", "fname": 5}, 1004),
        ({"email": "a@b.example", "allow_late_fees": "yes"}, 1031),
        ({"email": "a@b.example", "currency_code": "cad"}, 1004),
    ],
)
def test_bad_input(account: Account, data: dict[str, Any], errno: int) -> None:
    assert account.errno("POST", CLIENTS, {"client": data}) == (422, errno)
    assert account.freshbooks.state()["accounts"][account.id]["clients"] == []


def test_unknown_fields_are_ignored_or_refused(account: Account) -> None:
    body = {"client": {"email": "a@b.example", "shoe_size": 43}}
    assert "shoe_size" not in account.result("POST", CLIENTS, body)["client"]
    account.freshbooks.switch(unknown_fields="refused")
    assert account.errno("POST", CLIENTS, body) == (422, 1006)


def test_put_changes_only_what_is_sent(account: Account) -> None:
    client = account.client(fname="Noor")
    account.freshbooks.advance(60)
    path = f"{CLIENTS}/{client['id']}"
    changed = account.result("PUT", path, {"client": {"fname": "Nora"}})["client"]
    assert (changed["fname"], changed["organization"]) == ("Nora", "Haddad Dental")
    assert changed["updated"] > client["updated"]
    assert changed["signup_date"] == client["signup_date"]


def test_vis_state_swallows_the_rest_of_the_body(account: Account) -> None:
    path = f"{CLIENTS}/{account.client(fname='Noor')['id']}"
    body = {"client": {"vis_state": 1, "fname": "Nora"}}
    deleted = account.result("PUT", path, body)["client"]
    assert (deleted["vis_state"], deleted["fname"]) == (1, "Noor")
    assert account.errno("PUT", path, {"client": {"vis_state": 3}}) == (422, 1004)


def test_deleted_clients_are_hidden_but_readable(account: Account) -> None:
    kept = account.client(email="kept@a.example")["id"]
    archived = account.client(email="archived@a.example")["id"]
    deleted = account.client(email="deleted@a.example")["id"]
    account.result("PUT", f"{CLIENTS}/{archived}", {"client": {"vis_state": 2}})
    account.result("PUT", f"{CLIENTS}/{deleted}", {"client": {"vis_state": 1}})
    assert _ids(account, "") == [archived, kept]
    assert _ids(account, "search[vis_state]=1") == [deleted]
    assert _ids(account, "search[vis_state]=2") == [archived]
    assert account.result("GET", f"{CLIENTS}/{deleted}")["client"]["vis_state"] == 1
    account.freshbooks.switch(archived_in_default_list="no")
    assert _ids(account, "") == [kept]
    account.result("PUT", f"{CLIENTS}/{deleted}", {"client": {"vis_state": 0}})
    assert _ids(account, "") == [deleted, kept]


def test_there_is_no_http_delete(account: Account) -> None:
    client = account.client()
    assert account.call("DELETE", f"{CLIENTS}/{client['id']}").status_code == 404
    assert _ids(account, "") == [client["id"]]


def test_editing_a_deleted_client_is_a_switch(account: Account) -> None:
    path = f"{CLIENTS}/{account.client()['id']}"
    account.result("PUT", path, {"client": {"vis_state": 1}})
    assert account.errno("PUT", path, {"client": {"fname": "N"}}) == (422, 1011)
    account.freshbooks.switch(deleted_record_edit="allowed")
    assert account.result("PUT", path, {"client": {"fname": "N"}})["client"]["vis_state"] == 1


def test_deleting_a_client_with_invoices_is_a_switch(account: Account) -> None:
    invoice = account.invoice()
    path = f"{CLIENTS}/{invoice['customerid']}"
    account.freshbooks.switch(delete_client_with_invoices="refused")
    assert account.errno("PUT", path, {"client": {"vis_state": 1}}) == (422, 1004)
    account.freshbooks.switch(delete_client_with_invoices="allowed")
    assert account.result("PUT", path, {"client": {"vis_state": 1}})["client"]["vis_state"] == 1
    assert account.read_invoice(invoice["id"])["vis_state"] == 0
    body = {"invoice": {"customerid": invoice["customerid"], "create_date": "2026-03-03"}}
    assert account.errno("POST", "/accounting/account/{acct}/invoices/invoices", body)[1] == 1011


def test_email_is_no_unique_key_unless_switched(account: Account) -> None:
    first = account.client()
    assert account.client()["id"] != first["id"]
    account.freshbooks.switch(client_email_unique="yes")
    body = {"client": {"email": "AP@haddad.example"}}
    assert account.errno("POST", CLIENTS, body) == (422, 1029)
    path = f"{CLIENTS}/{first['id']}"
    other = account.client(email="other@haddad.example")
    same = {"client": {"email": "other@haddad.example"}}
    assert account.errno("PUT", path, same) == (422, 1029)
    account.result("PUT", f"{CLIENTS}/{other['id']}", same)


def test_search(account: Account) -> None:
    noor = account.client(fname="Noor", lname="Haddad", organization="Haddad Dental")["id"]
    lopez = account.client(
        fname="Luis", organization="Lopez", email="luis@lopez.example", p_city="Ottawa"
    )["id"]
    assert _ids(account, f"search[userid]={noor}") == [noor]
    assert _ids(account, f"search[userids][]={noor}&search[userids][]={lopez}") == [lopez, noor]
    assert _ids(account, "search%5Borganization_like%5D=dental") == [noor]
    assert _ids(account, "search[fname_like]=LUI") == [lopez]
    assert _ids(account, "search[address_like]=ottawa") == [lopez]
    assert _ids(account, "search[user_like]=haddad") == [noor]
    assert _ids(account, "search[email_like]=lopez.example") == [lopez]
    assert account.errno("GET", f"{CLIENTS}?search[userid]=abc") == (422, 1023)


def test_unknown_search_keys_give_everything(account: Account) -> None:
    account.client(fname="Noor")
    account.client(fname="Luis")
    assert len(_ids(account, "search[fname]=Noor")) == 2
    assert len(_ids(account, "search[organization]=none")) == 2
    assert len(_ids(account, "search[updated_since]=2030-01-01")) == 2
    assert len(_ids(account, "search[userids]=1")) == 2


def test_email_search_is_loose_unless_switched(account: Account) -> None:
    exact = account.client(email="ap@haddad.example")["id"]
    longer = account.client(email="snap@haddad.example")["id"]
    assert _ids(account, "search[email]=AP@haddad.example") == [longer, exact]
    account.freshbooks.switch(email_search="exact")
    assert _ids(account, "search[email]=AP@haddad.example") == [exact]


def test_sort(account: Account) -> None:
    b = account.client(organization="B", email="z@x.example")["id"]
    a = account.client(organization="a", email="y@x.example")["id"]
    account.freshbooks.advance(5)
    account.result("PUT", f"{CLIENTS}/{b}", {"client": {"fname": "later"}})
    assert _ids(account, "") == [a, b]
    assert _ids(account, "sort=organization_name_asc") == [a, b]
    assert _ids(account, "sort=organization_name_desc") == [b, a]
    assert _ids(account, "sort=email_asc") == [a, b]
    assert _ids(account, "sort=updated_desc") == [b, a]
    assert _ids(account, "sort=shoe_size_asc") == [a, b]


def test_balances_come_only_with_includes(account: Account) -> None:
    client = account.client()["id"]
    account.invoice(client, lines=[{"name": "x", "qty": 1, "unit_cost": {"amount": "10"}}])
    sent = account.invoice(client, status=2, due_offset_days=0)
    usd = account.invoice(client, status=2, currency_code="USD", create_date="2099-01-01")
    account.payment(sent["id"], "130.00")
    account.payment(usd["id"], "40.00")
    bare = account.result("GET", f"{CLIENTS}/{client}")["client"]
    assert not [name for name in bare if name.endswith("_balance")]
    names = ["outstanding", "draft", "overdue", "credit", "grand_total"]
    query = "&".join(f"include[]={name}_balance" for name in names)
    full = account.result("GET", f"{CLIENTS}/{client}?{query}")["client"]
    sums = {
        name: {one["amount"]["code"]: one["amount"]["amount"] for one in full[f"{name}_balance"]}
        for name in names
    }
    assert sums == {
        "outstanding": {"USD": "60.00"},
        "draft": {"CAD": "10.00"},
        "overdue": {},
        "credit": {"CAD": "30.00"},
        "grand_total": {"CAD": "110.00", "USD": "100.00"},
    }
    assert _ids(account, "search[has_credit]=true") == [client]
    assert _ids(account, "search[has_overdue]=true") == []
    assert account.errno("GET", f"{CLIENTS}?search[has_draft]=maybe") == (422, 1023)
    scalar = account.result("GET", f"{CLIENTS}/{client}?include=credit_balance")["client"]
    assert "credit_balance" not in scalar


def test_ids_are_equal_in_two_accounts_unless_switched(account: Account) -> None:
    other = account.freshbooks.account("kim@birch.example")
    assert account.client()["id"] == other.client()["id"]
    account.freshbooks.switch(ids="global")
    assert account.client()["id"] != other.client()["id"]
