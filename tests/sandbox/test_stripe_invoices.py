"""Drafts and their lines: limits, refusals, arithmetic."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.stripe_desk import Desk, lent_desk, refusal

GST = {"display_name": "GST", "percentage": "5", "inclusive": False}


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def add(desk: Desk, invoice: str, *lines: Any) -> stripe.Invoice:
    return desk.client().v1.invoices.add_lines(invoice, {"lines": list(lines)})


def priced(unit: Any, quantity: Any, **more: Any) -> Any:
    key = "unit_amount" if isinstance(unit, int) else "unit_amount_decimal"
    counted = "quantity" if isinstance(quantity, int) else "quantity_decimal"
    data = {"currency": "usd", key: unit, "product_data": {"name": "Hours"}}
    return {"price_data": data, counted: quantity, **more}


def test_a_draft_takes_what_the_connector_sends(desk: Desk) -> None:
    now = desk.advance(0)
    invoice = desk.draft(
        days_until_due=10,
        number="FB-0001093",
        description="Thanks",
        footer="Bye",
        effective_at=now - 86_400 * 40,
        custom_fields=[{"name": "PO number", "value": "77-A"}],
        metadata={"fb_invoice_id": "1093"},
        payment_settings={"payment_method_types": ["card", "us_bank_account"]},
        statement_descriptor="ACME 1",
    )
    assert (invoice.status, invoice.total, invoice.number) == ("draft", 0, "FB-0001093")
    assert invoice.due_date == invoice.created + 10 * 86_400
    assert invoice.effective_at == now - 86_400 * 40
    assert (invoice.customer_name, invoice.auto_advance) == ("Blue Fir LLC", False)
    assert invoice.hosted_invoice_url is None


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"due_date": 1000}, "due_date"),
        ({"collection_method": "charge_automatically"}, "days_until_due"),
        ({"days_until_due": -1}, "days_until_due"),
        ({"currency": "xxx"}, "currency"),
        ({"number": "9" * 27}, "number"),
        ({"description": "x" * 1501}, "description"),
        ({"footer": "x" * 5001}, "footer"),
        ({"statement_descriptor": "12345"}, "statement_descriptor"),
        ({"custom_fields": [{"name": "n", "value": "v"}] * 5}, "custom_fields"),
        ({"custom_fields": [{"name": "n" * 41, "value": "v"}]}, "custom_fields[0][name]"),
        ({"default_tax_rates": ["txr_no"]}, "default_tax_rates[0]"),
        ({"discounts": [{"coupon": "free"}]}, "discounts[0][coupon]"),
        ({"automatically_finalizes_at": 1}, "automatically_finalizes_at"),
        ({"on_behalf_of": "acct_1"}, "on_behalf_of"),
        ({"automatic_tax": {"enabled": True}}, "automatic_tax[enabled]"),
        ({"payment_settings": {"payment_method_types": ["shells"]}}, None),
    ],
)
def test_bad_drafts_are_refused(desk: Desk, params: Any, param: str | None) -> None:
    if "due_date" in params:
        params = {**params, "days_until_due": 3}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        desk.draft(**params)
    status, _code, named = refusal(refused.value)
    assert status == 400
    assert param is None or named == param
    assert desk.book()["invoices"] == []


def test_the_due_date_must_be_in_the_future(desk: Desk) -> None:
    customer = desk.customer()
    now = desk.advance(0)

    def create(**due: int) -> stripe.Invoice:
        return desk.client().v1.invoices.create(cast("Any", {**params, **due}))

    params = {"customer": customer.id, "collection_method": "send_invoice"}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        create(due_date=now)
    assert "must be an integer Unix timestamp in the future" in str(refused.value)
    assert refusal(refused.value) == (400, None, "due_date")
    with pytest.raises(stripe.InvalidRequestError, match="must specify"):
        create()
    assert create(due_date=now + 60).id
    desk.switch(due_date_least_distance="one_hour")
    with pytest.raises(stripe.InvalidRequestError):
        create(due_date=now + 60)


def test_whether_zero_days_are_accepted_is_a_switch(desk: Desk) -> None:
    assert desk.draft(days_until_due=0).due_date
    desk.switch(days_until_due_zero="refused")
    with pytest.raises(stripe.InvalidRequestError):
        desk.draft(days_until_due=0)


def test_send_invoice_needs_an_email(desk: Desk) -> None:
    customer = desk.customer(email="")
    with pytest.raises(stripe.InvalidRequestError, match="Missing email"):
        desk.draft(customer.id)


def test_whether_numbers_are_unique_is_a_switch(desk: Desk) -> None:
    first = desk.open_invoice(number="A-1")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        desk.draft(number="A-1")
    assert refusal(refused.value)[2] == "number"
    desk.client().v1.invoices.void_invoice(first.id)
    with pytest.raises(stripe.InvalidRequestError):
        desk.draft(number="A-1")
    desk.switch(number_of_void_invoice="freed")
    second = desk.draft(number="A-1")
    desk.switch(number_of_deleted_draft="kept", duplicate_number="refused")
    desk.client().v1.invoices.delete(second.id)
    with pytest.raises(stripe.InvalidRequestError):
        desk.draft(number="A-1")
    desk.switch(duplicate_number="allowed")
    assert desk.draft(number="A-1").number == "A-1"


def test_totals_follow_the_given_taxes_exactly(desk: Desk) -> None:
    invoice = desk.draft()
    taxes = [{"amount": 333, "taxable_amount": 9999, "tax_rate_data": GST}]
    changed = add(
        desk,
        invoice.id,
        {"amount": 9999, "description": "A", "tax_amounts": taxes},
        priced(8000, "1.5"),
        {"amount": -500, "description": "Discount"},
    )
    assert (changed.subtotal, changed.total) == (21_499, 21_832)
    assert changed.total_taxes is not None
    assert [tax.amount for tax in changed.total_taxes] == [333]
    assert changed.total_excluding_tax == 21_499
    first, second, third = changed.lines.data
    assert (first.description, first.discountable) == ("Discount", False)
    assert (second.quantity, second.amount) == (None, 12_000)
    assert (third.quantity, third.description) == (1, "A")
    rates = desk.client().v1.tax_rates.list().data
    assert [(rate.display_name, rate.active) for rate in rates] == [("GST", False)]


def test_inclusive_and_exclusive_rates_are_computed(desk: Desk) -> None:
    client = desk.client()
    vat = client.v1.tax_rates.create(
        {"display_name": "VAT", "percentage": 19, "inclusive": True, "country": "DE"}
    )
    pst: Any = {"display_name": "PST", "percentage": 7.25, "inclusive": False}
    extra = client.v1.tax_rates.create(pst)
    invoice = desk.draft(default_tax_rates=[extra.id])
    changed = add(
        desk,
        invoice.id,
        {"amount": 11_900, "tax_rates": [vat.id], "description": "in"},
        {"amount": 1000, "description": "ex"},
    )
    assert (changed.subtotal, changed.total) == (12_900, 12_973)
    assert changed.total_excluding_tax == 11_000
    with pytest.raises(stripe.InvalidRequestError):
        add(desk, invoice.id, {"amount": 5, "tax_amounts": [tax(1)]})


def tax(amount: int) -> Any:
    return {"amount": amount, "taxable_amount": 5, "tax_rate_data": GST}


@pytest.mark.parametrize(
    ("line", "param"),
    [
        ({"amount": 5, "quantity": 2}, "lines[0][amount]"),
        ({"amount": 5, "quantity_decimal": "2"}, "lines[0][amount]"),
        ({"description": "no price"}, "lines[0][amount]"),
        (priced(-5, 1), "price_data[unit_amount]"),
        (priced("0.1234567890123", 1), "lines[0][price_data][unit_amount_decimal]"),
        ({"pricing": {"price": "price_no"}}, "pricing[price]"),
        ({"amount": 5, "tax_amounts": [tax(1)] * 21}, "lines[0][tax_amounts]"),
        ({"amount": 5, "tax_amounts": [tax(1)], "tax_rates": ["txr"]}, "lines[0][tax_amounts]"),
        ({"amount": 5, "description": "x" * 5001}, "lines[0][description]"),
        ({"amount": 5, "period": {"start": 2, "end": 1}}, "lines[0][period[end]]"),
        ({"amount": 5, "discounts": [{"coupon": "x"}]}, "lines[0][discounts]"),
    ],
)
def test_bad_lines_are_refused_and_leave_nothing(desk: Desk, line: Any, param: str) -> None:
    invoice = desk.draft()
    with pytest.raises(stripe.InvalidRequestError) as refused:
        add(desk, invoice.id, line)
    assert refusal(refused.value)[2] == param
    assert desk.client().v1.invoices.line_items.list(invoice.id).data == []


def test_prices_of_another_currency_are_refused(desk: Desk) -> None:
    invoice = desk.draft(currency="eur")
    with pytest.raises(stripe.InvalidRequestError, match="does not match"):
        add(desk, invoice.id, priced(100, 1))


def test_an_invoice_takes_250_lines(desk: Desk) -> None:
    invoice = desk.draft()
    lines = [{"amount": 1, "description": str(n)} for n in range(125)]
    add(desk, invoice.id, *lines)
    changed = add(desk, invoice.id, *lines)
    assert (changed.total, changed.lines.has_more, len(changed.lines.data)) == (250, True, 10)
    rows = desk.client().v1.invoices.line_items.list(invoice.id, {"limit": 100})
    assert len(list(rows.auto_paging_iter())) == 250
    with pytest.raises(stripe.InvalidRequestError):
        add(desk, invoice.id, {"amount": 1})


def test_line_order_maximum_and_rounding_are_switches(desk: Desk) -> None:
    desk.switch(line_order="as_given", add_lines_maximum="20", line_rounding="down")
    desk.switch(fractional_quantity="whole_part")
    invoice = desk.draft()
    changed = add(desk, invoice.id, priced("33.5", "1.5"), {"amount": 5, "description": "last"})
    assert [line.amount for line in changed.lines.data] == [50, 5]
    assert changed.lines.data[0].quantity == 1
    with pytest.raises(stripe.InvalidRequestError):
        add(desk, invoice.id, *[{"amount": 1}] * 21)
    desk.switch(line_rounding="half_up", tax_display_name_maximum="50")
    assert add(desk, desk.draft().id, priced("33.5", 1)).total == 34
    long = {**GST, "display_name": "x" * 51}
    bad = {"amount": 1, "taxable_amount": 1, "tax_rate_data": long}
    with pytest.raises(stripe.InvalidRequestError):
        add(desk, invoice.id, {"amount": 1, "tax_amounts": [bad]})


def test_lines_change_move_and_go(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.draft()
    second, first = add(desk, invoice.id, {"amount": 5}, {"amount": 6}).lines.data
    line = client.v1.invoices.line_items.update(invoice.id, first.id, {"description": "hello"})
    assert (line.object, line.description, line.amount) == ("line_item", "hello", 5)
    changed = client.v1.invoices.update_lines(
        invoice.id, {"lines": [{"id": second.id, "amount": 60}], "invoice_metadata": {"a": "b"}}
    )
    assert (changed.total, changed.metadata and changed.metadata["a"]) == (65, "b")
    changed = client.v1.invoices.remove_lines(
        invoice.id,
        {
            "lines": [
                {"id": first.id, "behavior": "delete"},
                {"id": second.id, "behavior": "unassign"},
            ]
        },
    )
    assert changed.total == 0
    pending = client.v1.invoice_items.list({"pending": True}).data
    assert [item.amount for item in pending] == [60]
    swept = desk.draft(str(invoice.customer), pending_invoice_items_behavior="include")
    assert swept.total == 60
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.line_items.update(invoice.id, first.id, {"description": "gone"})


def test_pending_items_lock_the_currency(desk: Desk) -> None:
    customer = desk.customer()
    item = desk.client().v1.invoice_items.create(
        {"customer": customer.id, "amount": 100, "currency": "usd"}
    )
    with pytest.raises(stripe.InvalidRequestError, match="cannot combine currencies"):
        desk.draft(customer.id, currency="eur")
    desk.client().v1.invoice_items.delete(item.id)
    assert desk.draft(customer.id, currency="eur").currency == "eur"


def test_drafts_can_be_updated_and_deleted(desk: Desk) -> None:
    client = desk.client()
    invoice = desk.draft()
    changed = client.v1.invoices.update(invoice.id, {"description": "memo", "number": "N-1"})
    assert (changed.description, changed.number) == ("memo", "N-1")
    assert client.v1.invoices.update(invoice.id, {"number": "", "description": ""}).number is None
    found = client.v1.invoices.list({"customer": str(invoice.customer), "status": "draft"})
    assert [row.id for row in found.data] == [invoice.id]
    client.v1.invoices.delete(invoice.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.invoices.retrieve(invoice.id)
    assert refusal(refused.value) == (404, "resource_missing", "invoice")
    assert desk.event_types()[-1] == "invoice.deleted"


@pytest.mark.parametrize(("currency", "amount"), [("kwd", 5124), ("isk", 150), ("ugx", 199)])
def test_amounts_a_currency_cannot_have_are_refused(desk: Desk, currency: str, amount: int) -> None:
    invoice = desk.draft(currency=currency)
    with pytest.raises(stripe.InvalidRequestError):
        add(desk, invoice.id, {"amount": amount})
    assert add(desk, invoice.id, {"amount": 5100 if currency == "kwd" else 100}).total
