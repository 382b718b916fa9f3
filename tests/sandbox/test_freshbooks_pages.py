"""The pages: everything a person needs, by forms alone, and nothing unescaped."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.sandbox.driving import Account, FreshBooks


@pytest.fixture
def base(account: Account) -> str:
    """The path of the business page."""
    return f"/business/{account.id}"


def _get(account: Account, path: str) -> str:
    answer = requests.get(account.freshbooks.url + path, timeout=60)
    assert answer.status_code == 200
    return answer.text


def _post(account: Account, path: str, **form: Any) -> str:
    """Post a form; where it redirects to."""
    url = account.freshbooks.url + path
    answer = requests.post(url, data=form, allow_redirects=False, timeout=60)
    assert answer.status_code == 303
    return answer.headers["Location"]


def _book(account: Account) -> dict[str, Any]:
    book: dict[str, Any] = account.freshbooks.state()["accounts"][account.id]
    return book


def test_home_lists_businesses_and_makes_one(freshbooks: FreshBooks) -> None:
    account = Account(freshbooks, "", "")
    assert "No business yet" in _get(account, "/")
    form = {"name": "<b>Birch</b>", "email": "<i>kim</i>@birch.example", "currency": "EUR"}
    assert _post(account, "/businesses", **form) == "/"
    page = _get(account, "/")
    assert "&lt;b&gt;Birch&lt;/b&gt;" in page
    assert "<b>Birch</b>" not in page
    assert "&lt;i&gt;kim&lt;/i&gt;@birch.example" in page
    assert "<i>kim" not in page
    made = freshbooks.state()["accounts"]
    business = _get(account, f"/business/{next(iter(made))}")
    assert "<title>&lt;b&gt;Birch&lt;/b&gt;" in business
    assert "<b>Birch" not in business
    assert [one["currency"] for one in made.values()] == ["EUR"]


def test_a_month_of_business_by_forms(account: Account, base: str) -> None:
    _post(account, f"{base}/clients", organization="Haddad Dental", email="ap@haddad.example")
    client = _book(account)["clients"][0]["id"]
    _post(account, f"{base}/clients/{client}", organization="Haddad & Co")
    assert "Haddad &amp; Co" in _get(account, base)
    lines = {"name-0": "Labour", "qty-0": "2", "unit_cost-0": "50.00", "name-1": ""}
    form = {"customerid": client, "create_date": "2026-03-03", "due_offset_days": "30"}
    assert _post(account, f"{base}/invoices", **form, **lines, then="keep") == base
    invoice = _book(account)["invoices"][0]
    assert (invoice["status"], invoice["amount"]["amount"]) == (1, "100.00")
    page = f"{base}/invoices/{invoice['id']}"
    assert _post(account, f"{page}/send") == page
    _post(account, f"{page}/payments", amount="40.00", type="Check", note="Cheque 118")
    payment = _book(account)["payments"][0]
    assert (payment["amount"]["amount"], payment["note"]) == ("40.00", "Cheque 118")
    assert "Cheque 118" in _get(account, page)
    _post(account, f"{page}/payments/{payment['id']}", amount="45.00", note="")
    assert _book(account)["invoices"][0]["outstanding"]["amount"] == "55.00"
    _post(account, f"{page}/payments/{payment['id']}/delete")
    assert _book(account)["payments"][0]["vis_state"] == 1
    assert "Cheque 118" not in _get(account, page)
    assert _post(account, f"{page}/delete") == base
    assert _book(account)["invoices"][0]["vis_state"] == 1
    assert "This invoice is deleted" in _get(account, page)
    _post(account, f"{base}/clients/{client}/delete")
    assert _book(account)["clients"][0]["vis_state"] == 1


def test_create_and_send_at_once(account: Account, base: str) -> None:
    client = account.client()["id"]
    form = {"customerid": client, "name-0": "x", "unit_cost-0": "5", "currency_code": "USD"}
    _post(account, f"{base}/invoices", **form, then="send")
    invoice = _book(account)["invoices"][0]
    assert (invoice["status"], invoice["currency_code"]) == (2, "USD")


def test_saving_the_edit_form_unchanged_loses_nothing(account: Account, base: str) -> None:
    taxes = {"taxName1": "A", "taxAmount1": "10", "taxName2": "B", "taxAmount2": "10"}
    line = {"name": "x", "qty": "3", "unit_cost": {"amount": "7.00"}, "taxNumber1": "RT1"}
    invoice = account.invoice(
        lines=[{**line, **taxes, "compounded_tax": True}, {"name": "y"}], discount_value="5"
    )
    path = f"{base}/invoices/{invoice['id']}"
    page = _get(account, path)
    edit = page[page.index("<h2>Edit</h2>") :]
    inputs = [
        dict(re.findall(r'(\w+)="?([^"> ]*)', tag)) for tag in re.findall("<input[^>]*>", edit)
    ]
    _post(account, path, **{one["name"]: one.get("value", "") for one in inputs})
    after = account.read_invoice(invoice["id"])
    changed = {name for name in after if after[name] != invoice[name]}
    assert changed <= {"updated", "version", "lines"}
    assert [_without_time(one) for one in after["lines"]] == [
        _without_time(one) for one in invoice["lines"]
    ]


def _without_time(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name != "updated"}


def test_refusals_are_shown_on_the_page(account: Account, base: str) -> None:
    back = _post(account, f"{base}/clients", organization="")
    assert back.startswith(f"{base}?error=1001")
    assert "1001 Organization, name or email is required." in _get(account, back)
    invoice = account.invoice()["id"]
    back = _post(account, f"{base}/invoices/{invoice}/payments", amount="<b>much</b>")
    assert "1015" in _get(account, back)


def test_share_link_page_shows_sent_invoices_only(account: Account) -> None:
    draft = account.invoice()["id"]
    url = f"{account.freshbooks.url}/link/{account.id}-{draft}"
    assert requests.get(url, timeout=60).status_code == 404
    assert account.read_invoice(draft)["display_status"] == "draft"
    account.freshbooks.act("send_invoice", account_id=account.id, id=draft)
    assert "100.00 CAD" in requests.get(url, timeout=60).text
    assert account.read_invoice(draft)["display_status"] == "viewed"


@pytest.mark.parametrize("path", ["/business/none", "/business/none/invoices/1", "/link/none-1"])
def test_unknown_pages(account: Account, path: str) -> None:
    assert requests.get(account.freshbooks.url + path, timeout=60).status_code == 404
