"""FreshBooks' JSON to records: strict about what is required, blind to what is not known.

A missing required field or a wrong type raises VendorContractBroken; an amount that does not fit
its currency raises what `Money` raises. Nothing here decides anything about money or invoices.
Source: contract sections 4 to 7; fixtures in tests/fixtures/freshbooks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from connector.money import Money
from connector.vendors.freshbooks.records import (
    DELETED,
    FreshBooksCallback,
    FreshBooksClient,
    FreshBooksInvoice,
    FreshBooksPayment,
    GatewayConnection,
    InvoiceLine,
    LineTax,
    PaymentOptions,
    PostalAddress,
)
from connector.vendors.freshbooks.times import calendar_date, eastern_to_utc
from connector.vendors.reading import Fields

Value = TypeVar("Value")


def to_client(source: Fields) -> FreshBooksClient:
    """Shapes: the `client` object of a single answer, or one row of `clients`."""
    return FreshBooksClient(
        id=source.integer("id"),
        first_name=source.text_or_empty("fname"),
        last_name=source.text_or_empty("lname"),
        organization=source.text_or_empty("organization"),
        email=source.text_or_empty("email"),
        business_phone=source.text_or_empty("bus_phone"),
        home_phone=source.text_or_empty("home_phone"),
        mobile_phone=source.text_or_empty("mob_phone"),
        billing_address=_address(source, prefix="p_"),
        shipping_address=_address(source, prefix="s_"),
        currency_code=source.text_or_empty("currency_code").upper(),
        language=source.text_or_empty("language"),
        vat_name=source.text_or_empty("vat_name"),
        vat_number=source.text_or_empty("vat_number"),
        updated=source.text("updated"),
        updated_at=_instant(source, "updated"),
        vis_state=source.integer("vis_state"),
    )


def _address(source: Fields, *, prefix: str) -> PostalAddress:
    return PostalAddress(
        street=source.text_or_empty(f"{prefix}street"),
        street2=source.text_or_empty(f"{prefix}street2"),
        city=source.text_or_empty(f"{prefix}city"),
        province=source.text_or_empty(f"{prefix}province"),
        code=source.text_or_empty(f"{prefix}code"),
        country=source.text_or_empty(f"{prefix}country"),
    )


def to_invoice(source: Fields) -> FreshBooksInvoice:
    """Shapes: the `invoice` object, asked for with include[]=lines.

    FreshBooks ignores an include it does not like without a word, so `lines` is required: an
    invoice without the key would look like an empty one. Only a deleted invoice may lack it.
    """
    total = _money(source, "amount")
    return FreshBooksInvoice(
        id=source.integer("id"),
        client_id=source.integer("customerid"),
        number=source.text_or_empty("invoice_number"),
        create_date=_date(source, "create_date"),
        due_date=_date(source, "due_date"),
        currency_code=total.currency,
        language=source.text_or_empty("language"),
        po_number=source.text_or_empty("po_number"),
        notes=source.text_or_empty("notes"),
        terms=source.text_or_empty("terms"),
        amount=total,
        paid=_money_in(source, "paid", total.currency),
        outstanding=_money_in(source, "outstanding", total.currency),
        discount_percent=source.decimal_or_zero("discount_value"),
        discount_total=_money_or_zero(source, "discount_total", total.currency),
        discount_description=source.text_or_empty("discount_description"),
        lines=_lines(source, total.currency),
        status=source.integer("status"),
        payment_status=source.text_or_empty("payment_status"),
        v3_status=source.text_or_empty("v3_status"),
        display_status=source.text_or_empty("display_status"),
        auto_bill=source.flag_or_false("auto_bill"),
        email=source.text_or_empty("email"),
        deposit=_deposit(source),
        updated=source.text("updated"),
        updated_at=_instant(source, "updated"),
        version=source.text_or_empty("version"),
        vis_state=source.integer("vis_state"),
    )


def _deposit(source: Fields) -> str:
    """The deposit that FreshBooks asks for before the rest; its figures are the invoice's own."""
    if source.text_or_empty("deposit_status") in {"", "none"}:
        return ""
    if source.has("deposit_amount"):
        return str(_money(source, "deposit_amount"))
    percent = source.text_or_empty("deposit_percentage")
    return f"{percent} %" if percent else ""


def _lines(source: Fields, currency: str) -> tuple[InvoiceLine, ...]:
    if not source.has("lines") and source.integer("vis_state") == DELETED:
        return ()
    return tuple(_line(line, currency) for line in source.children("lines"))


def _line(source: Fields, currency: str) -> InvoiceLine:
    return InvoiceLine(
        line_id=source.integer("lineid"),
        name=source.text_or_empty("name"),
        description=source.text_or_empty("description"),
        quantity=source.decimal("qty"),
        unit_cost=_major_units(source, "unit_cost", currency),
        amount=_money_in(source, "amount", currency),
        taxes=tuple(tax for number in (1, 2) if (tax := _line_tax(source, number)) is not None),
        compounded_tax=source.flag_or_false("compounded_tax"),
    )


def _line_tax(source: Fields, number: int) -> LineTax | None:
    """The first or second tax; an absent one has no name and the percentage "0" or null."""
    name = source.text_or_empty(f"taxName{number}")
    percent = source.decimal_or_zero(f"taxAmount{number}")
    if not name and percent == 0:
        return None
    registration = source.text_or_empty(f"taxNumber{number}")
    return LineTax(name=name, percent=percent, number=registration)


def to_payment(source: Fields) -> FreshBooksPayment:
    """Shapes: the `payment` object of a single answer, or one row of `payments`."""
    return FreshBooksPayment(
        id=source.integer("id"),
        invoice_id=source.integer("invoiceid"),
        client_id=source.integer("clientid"),
        amount=_money(source, "amount"),
        paid_on=_date(source, "date"),
        type=source.text_or_empty("type"),
        note=source.text_or_empty("note"),
        gateway=source.text_or_empty("gateway"),
        from_credit=source.flag_or_false("from_credit"),
        credit_id=source.integer_or_none("creditid"),
        overpayment_id=source.integer_or_none("overpaymentid"),
        updated=source.text("updated"),
        updated_at=_instant(source, "updated"),
        vis_state=source.integer("vis_state"),
    )


def to_callback(source: Fields) -> FreshBooksCallback:
    """Shapes: the `callback` object of a single answer, or one row of `callbacks`."""
    return FreshBooksCallback(
        callback_id=source.integer("callbackid"),
        event=source.text("event"),
        uri=source.text("uri"),
        verified=source.flag("verified"),
    )


def to_payment_options(source: Fields) -> PaymentOptions:
    """Shapes: the flat answer of the online payments family, wrapped in `payment_options`."""
    options = source.child("payment_options")
    methods = [key for key in options.data if key.startswith("has_")]
    return PaymentOptions(
        gateway_name=options.text_or_empty("gateway_name").casefold(),
        collects_online=any(options.flag_or_false(method) for method in methods),
        allow_partial_payments=options.flag_or_false("allow_partial_payments"),
    )


def to_gateway_connections(source: Fields) -> tuple[GatewayConnection, ...]:
    """Shapes: `gateway_connections[]`, each an object of gateway name to details or null."""
    return tuple(
        _gateway(connection.child(name), name)
        for connection in source.children("gateway_connections")
        for name in connection.data
        if isinstance(connection.data[name], dict)
    )


def _gateway(source: Fields, name: str) -> GatewayConnection:
    return GatewayConnection(
        name=name.casefold(),
        stripe_account_id=source.text_or_empty("stripe_account_id"),
        country=source.text_or_empty("country"),
        charges_enabled=source.flag_or_false("stripe_charges_enabled"),
    )


def _money(source: Fields, key: str) -> Money:
    """Units: {"amount": "1026.90", "code": "CAD"}; a currency without decimals may still show
    ".00".
    """
    value = source.child(key)
    return Money.from_decimal(value.decimal("amount"), value.text("code"))


def _money_in(source: Fields, key: str, currency: str) -> Money:
    amount = _money(source, key)
    if amount.currency != currency:
        raise source.broken(key, expected=f"an amount in {currency}", found=amount.currency)
    return amount


def _money_or_zero(source: Fields, key: str, currency: str) -> Money:
    return _money_in(source, key, currency) if source.has(key) else Money.zero(currency)


def _major_units(source: Fields, key: str, currency: str) -> Decimal:
    """A unit price: it may have more places than its currency, so it stays a decimal."""
    value = source.child(key)
    if value.text("code").upper() != currency:
        raise source.broken(key, expected=f"a price in {currency}", found=value.data.get("code"))
    return value.decimal("amount")


def _instant(source: Fields, key: str) -> datetime:
    return _parsed(source, key, eastern_to_utc, expected="an Eastern time-stamp")


def _date(source: Fields, key: str) -> date:
    return _parsed(source, key, calendar_date, expected="a date")


def _parsed(source: Fields, key: str, parse: Callable[[str], Value], *, expected: str) -> Value:
    text = source.text(key)
    try:
        return parse(text)
    except (ValueError, OverflowError):
        failure = source.broken(key, expected=expected, found=text)
    raise failure
