"""Captured FreshBooks bodies become records; what is missing or odd is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import AmountNotRepresentable, UnsupportedCurrency, VendorContractBroken
from connector.money import Money
from connector.vendors.freshbooks.parsing import (
    to_callback,
    to_client,
    to_gateway_connections,
    to_invoice,
    to_payment,
    to_payment_options,
)
from connector.vendors.freshbooks.records import FreshBooksInvoice, GatewayConnection, LineTax
from connector.vendors.reading import Fields, parse_json
from tests.vendors.local_server import fixture


def result(name: str, key: str) -> dict[str, Any]:
    body = fixture(f"freshbooks/{name}.json")
    found: dict[str, Any] = body.get("body", body)["response"]["result"][key]
    return found


def fields(data: object, where: str = "x") -> Fields:
    """The data as it comes out of our JSON reader."""
    return Fields.of(parse_json(json.dumps(data).encode()), vendor="freshbooks", where=where)


def invoice(**changes: object) -> FreshBooksInvoice:
    return to_invoice(fields({**result("invoice", "invoice"), **changes}, "invoice"))


def test_a_captured_client() -> None:
    client = to_client(fields(result("client", "client")))
    assert client.id == 12345
    assert client.organization == "American Cyanamid"
    assert client.email == "gordon.shumway@AmericanCyanamid.com"
    assert client.billing_address.street == "123 Huron St"
    assert client.currency_code == "CAD"
    assert client.vis_state == 0


def test_a_client_created_with_an_email_only_has_empty_texts() -> None:
    client = to_client(fields(result("client_created_with_email_only", "client")))
    assert (client.first_name, client.home_phone, client.vat_number) == ("", "", "")
    assert client.organization == client.email == "john.doe@abcorp.com"
    assert client.updated == "2020-11-16 21:27:03"
    assert client.updated_at == datetime(2020, 11, 17, 2, 27, 3, tzinfo=UTC)


def test_a_captured_invoice() -> None:
    found = invoice()
    assert (found.id, found.client_id, found.number) == (987654, 12345, "ACM0002")
    assert found.amount == Money(4194, "CAD")
    assert found.paid == Money(2000, "CAD")
    assert found.outstanding == Money(2194, "CAD")
    assert found.discount_percent == Decimal(10)
    assert found.discount_total == Money(-440, "CAD")
    assert found.create_date == date(2021, 4, 16)
    assert (found.status, found.payment_status, found.v3_status) == (2, "partial", "partial")
    assert found.version == "2021-04-16 10:31:58.480684"
    assert found.is_draft is False
    bowls, mugs = found.lines
    assert bowls.taxes == (LineTax(name="HST1", percent=Decimal(13), number="RT"),)
    assert mugs.taxes == ()
    assert (bowls.quantity, bowls.unit_cost) == (Decimal(4), Decimal("5.00"))
    assert bowls.amount == Money(2000, "CAD")


def test_an_invoice_with_every_include_is_read_all_the_same() -> None:
    found = to_invoice(fields(result("invoice_every_include", "invoice")))
    assert found.amount.currency == found.currency_code


def test_captured_payments() -> None:
    payment = to_payment(fields(result("payment", "payment")))
    assert (payment.id, payment.invoice_id, payment.client_id) == (235435, 987654, 12345)
    assert payment.amount == Money(4194, "CAD")
    assert payment.paid_on == date(2021, 4, 16)
    assert (payment.gateway, payment.overpayment_id) == ("", None)
    over = to_payment(fields(result("payment_created_overpaying", "payment")))
    assert over.overpayment_id == 10320
    assert over.updated_at == datetime(2019, 4, 24, 18, 22, 18, tzinfo=UTC)
    assert to_payment(fields(result("payment_deleted", "payment"))).vis_state == 1


def test_a_captured_callback() -> None:
    callback = to_callback(fields(result("callback", "callback")))
    assert (callback.callback_id, callback.event, callback.verified) == (
        123,
        "invoice.create",
        True,
    )


def test_payment_options_tell_whether_freshbooks_collects() -> None:
    body = fixture("freshbooks/payment_options.json")
    options = to_payment_options(fields(body))
    assert (options.gateway_name, options.collects_online) == ("stripe", True)
    for key in body["payment_options"]:
        if key.startswith("has_"):
            body["payment_options"][key] = False
    assert to_payment_options(fields(body)).collects_online is False


def test_gateway_connections_name_the_stripe_account() -> None:
    found = to_gateway_connections(fields(fixture("freshbooks/gateway_connections.json")))
    assert found == (
        GatewayConnection(
            name="stripe_unified",
            stripe_account_id="acct_0000000000000000",
            country="US",
            charges_enabled=True,
        ),
    )
    assert to_gateway_connections(fields({"gateway_connections": []})) == ()


@pytest.mark.parametrize(
    ("amount", "code", "minor"),
    [
        ("5000", "JPY", 5000),
        ("5000.00", "JPY", 5000),
        ("1026.90", "CAD", 102690),
        (10, "CAD", 1000),
        (10.5, "CAD", 1050),
        ("5.125", "KWD", 5125),
        ("-4.40", "CAD", -440),
        ("0.00", "CAD", 0),
    ],
)
def test_money_is_exact(amount: object, code: str, minor: int) -> None:
    payment = {**result("payment", "payment"), "amount": {"amount": amount, "code": code}}
    assert to_payment(fields(payment)).amount == Money(minor, code)


@pytest.mark.parametrize(
    ("amount", "error"),
    [
        ({"amount": "1.005", "code": "CAD"}, AmountNotRepresentable),
        ({"amount": "50.50", "code": "JPY"}, AmountNotRepresentable),
        ({"amount": "1.00", "code": "ZZZ"}, UnsupportedCurrency),
        ({"amount": "1.00"}, VendorContractBroken),
        ({"amount": "1,026.90", "code": "CAD"}, VendorContractBroken),
        ({"amount": "1e3", "code": "CAD"}, VendorContractBroken),
        ({"amount": None, "code": "CAD"}, VendorContractBroken),
        ("10.00", VendorContractBroken),
        (None, VendorContractBroken),
    ],
)
def test_money_that_is_no_exact_amount_is_refused(amount: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        to_payment(fields({**result("payment", "payment"), "amount": amount}))


@pytest.mark.parametrize(
    ("parse", "name", "key", "field"),
    [(to_client, "client", "client", field) for field in ("id", "updated", "vis_state")]
    + [
        (to_invoice, "invoice", "invoice", field)
        for field in [
            "id",
            "customerid",
            "create_date",
            "due_date",
            "amount",
            "paid",
            "outstanding",
            "lines",
            "status",
            "updated",
            "vis_state",
        ]
    ]
    + [
        (to_payment, "payment", "payment", field)
        for field in ["id", "invoiceid", "clientid", "amount", "date", "updated", "vis_state"]
    ]
    + [
        (to_callback, "callback", "callback", field)
        for field in ("callbackid", "event", "uri", "verified")
    ],
)
@pytest.mark.parametrize("value", ["absent", None, [1]])
def test_a_required_field_that_is_missing_or_odd_breaks_the_contract(
    parse: Callable[[Fields], object], name: str, key: str, field: str, value: object
) -> None:
    data = {**result(name, key), field: value}
    if value == "absent":
        del data[field]
    with pytest.raises(VendorContractBroken, match=f"x.{field}"):
        parse(fields(data))


def test_a_time_that_is_none_is_told_without_its_text() -> None:
    with pytest.raises(VendorContractBroken, match="expected an Eastern time-stamp, found a text"):
        invoice(updated="yesterday")


def test_unknown_fields_and_open_enums_pass() -> None:
    found = invoice(brand_new_field={"x": [1]}, v3_status="deposit-partial", payment_status=None)
    assert (found.v3_status, found.payment_status) == ("deposit-partial", "")


def test_amounts_of_one_invoice_share_its_currency() -> None:
    with pytest.raises(VendorContractBroken, match=r"invoice\.paid"):
        invoice(paid={"amount": "1.00", "code": "USD"})
    lines = result("invoice", "invoice")["lines"]
    lines[0]["unit_cost"]["code"] = "USD"
    with pytest.raises(VendorContractBroken, match="unit_cost"):
        invoice(lines=lines)


def test_an_invoice_without_lines_is_refused_unless_it_was_deleted() -> None:
    with pytest.raises(VendorContractBroken, match=r"invoice\.lines: expected a list"):
        invoice(lines=None)
    assert invoice(lines=None, vis_state=1).lines == ()
    assert invoice(lines=[]).lines == ()


def test_lines_keep_fractions_two_taxes_and_odd_types() -> None:
    line = {
        **result("invoice", "invoice")["lines"][0],
        "qty": 1.5,
        "unit_cost": {"amount": "0.3333", "code": "CAD"},
        "taxName1": "GST",
        "taxAmount1": "5",
        "taxName2": "PST",
        "taxAmount2": 9.975,
        "taxNumber2": None,
        "compounded_tax": True,
    }
    (found,) = invoice(lines=[line]).lines
    assert (found.quantity, found.unit_cost) == (Decimal("1.5"), Decimal("0.3333"))
    assert found.taxes == (
        LineTax(name="GST", percent=Decimal(5), number="RT"),
        LineTax(name="PST", percent=Decimal("9.975"), number=""),
    )
    assert found.compounded_tax is True


def test_a_discount_total_may_be_missing() -> None:
    assert invoice(discount_total=None).discount_total == Money.zero("CAD")


def test_ids_may_come_as_texts_of_digits() -> None:
    assert to_client(fields({**result("client", "client"), "id": "218192"})).id == 218192
