"""Invoice arithmetic: taxes, discount, rounding, currencies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.driving import Account, line


def _amount(account: Account, *lines: dict[str, Any], **fields: Any) -> str:
    return str(account.invoice(lines=list(lines), **fields)["amount"]["amount"])


def test_documented_example_with_two_taxes(account: Account) -> None:
    gst = {"taxName1": "GST", "taxAmount1": "5"}
    total = _amount(
        account,
        line("85.00", 10, **gst),
        line("5.00", "24", **gst, taxName2="PST", taxAmount2="7"),
    )
    assert total == "1026.90"


def test_documented_example_with_discount_before_tax(account: Account) -> None:
    invoice = account.invoice(
        lines=[line("5.00", 4, taxName1="HST", taxAmount1="13"), line("4.00", 6)],
        discount_value="10",
    )
    assert invoice["discount_total"] == {"amount": "-4.40", "code": "CAD"}
    assert invoice["amount"]["amount"] == "41.94"
    assert [one["amount"]["amount"] for one in invoice["lines"]] == ["20.00", "24.00"]
    assert invoice["discount_value"] == "10"


def test_compound_tax(account: Account) -> None:
    taxes = {"taxName1": "A", "taxAmount1": "10", "taxName2": "B", "taxAmount2": "10"}
    assert _amount(account, line("100.00", **taxes)) == "120.00"
    assert _amount(account, line("100.00", **taxes, compounded_tax=True)) == "121.00"


def test_tax_is_rounded_per_line_or_once(account: Account) -> None:
    tax = {"taxName1": "T", "taxAmount1": "5"}
    lines = [line("0.10", **tax) for _ in range(3)]  # 0.005 each
    assert _amount(account, *lines) == "0.33"
    account.freshbooks.switch(tax_rounding="total")
    assert _amount(account, *lines) == "0.32"


def test_half_up_or_half_even(account: Account) -> None:
    tax = {"taxName1": "T", "taxAmount1": "5"}
    assert _amount(account, line("0.50", **tax)) == "0.53"  # 0.025
    account.freshbooks.switch(rounding_mode="half_even")
    assert _amount(account, line("0.50", **tax)) == "0.52"


def test_fractional_quantities_and_negative_lines(account: Account) -> None:
    invoice = account.invoice(lines=[line("85.00", "1.5"), line("-20.00"), line("0.333", 1)])
    assert [one["amount"]["amount"] for one in invoice["lines"]] == ["127.50", "-20.00", "0.33"]
    assert invoice["lines"][0]["qty"] == "1.5"
    assert invoice["lines"][2]["unit_cost"]["amount"] == "0.333"
    assert invoice["amount"]["amount"] == "107.83"


def test_json_numbers_are_read_exactly(account: Account) -> None:
    invoice = account.invoice(lines=[{"qty": 1.1, "unit_cost": {"amount": 3}}])
    assert invoice["amount"]["amount"] == "3.30"


def test_line_taxes_are_copied(account: Account) -> None:
    shown = account.invoice(
        lines=[line("1.00", taxName1="GST", taxAmount1="5.125", taxNumber1="RT1"), line("1.00")]
    )["lines"]
    assert (shown[0]["taxName1"], shown[0]["taxAmount1"], shown[0]["taxNumber1"]) == (
        "GST",
        "5.125",
        "RT1",
    )
    assert (shown[1]["taxName1"], shown[1]["taxAmount1"]) == (None, "0")


@pytest.mark.parametrize(
    ("precision", "form", "currency", "shown"),
    [
        ("iso", "two_places", "JPY", "56.00"),
        ("iso", "plain", "JPY", "56"),
        ("two_places", "two_places", "JPY", "55.55"),
        ("iso", "two_places", "BHD", "55.550"),
        ("two_places", "two_places", "BHD", "55.55"),
        ("iso", "plain", "CAD", "55.55"),
    ],
)
def test_currencies_with_no_or_three_decimals(
    account: Account, precision: str, form: str, currency: str, shown: str
) -> None:
    account.freshbooks.switch(money_precision=precision, zero_decimal_format=form)
    tax = {"taxName1": "T", "taxAmount1": "1"}
    invoice = account.invoice(currency_code=currency, lines=[line("55", **tax)])
    assert invoice["amount"] == {"amount": shown, "code": currency}


def test_currency_comes_from_the_client(account: Account) -> None:
    client = account.client(currency_code="EUR")
    assert account.invoice(client["id"])["currency_code"] == "EUR"


def test_a_whole_line_can_be_written_back_even_if_unknown_fields_are_refused(
    account: Account,
) -> None:
    account.freshbooks.switch(unknown_fields="refused")
    invoice = account.invoice(ownerid=1, parent=0, lines=[line("85.00", "1.5")])
    path = f"/accounting/account/{{acct}}/invoices/invoices/{invoice['id']}"
    account.result("PUT", path, {"invoice": {"lines": invoice["lines"]}})
    assert account.read_invoice(invoice["id"])["amount"] == invoice["amount"]
    shoes = {"invoice": {"lines": [{"shoe_size": 43}]}}
    assert account.errno("PUT", path, shoes) == (422, 1006)


@pytest.mark.parametrize("amount", [b"1e999999999", b"1e400", b"NaN", b"-0.0", b"true"])
def test_odd_numbers_do_no_harm(account: Account, amount: bytes) -> None:
    invoice = account.invoice()["id"]
    path = f"/accounting/account/{{acct}}/invoices/invoices/{invoice}"
    body = b'{"invoice": {"lines": [{"unit_cost": {"amount": %s}}]}}' % amount
    assert account.call("PUT", path, body).status_code == (200 if amount == b"-0.0" else 422)
    assert account.read_invoice(invoice)["outstanding"]["amount"] in ("100.00", "0.00")
