"""A FreshBooks invoice becomes a Stripe invoice to the minor unit, or is refused with a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import AmountNotRepresentable, NotRepresentable, UnsupportedCurrency
from connector.mapping.invoices import (
    InvoiceDraft,
    content_hash,
    require_email,
    stripe_sum,
    to_stripe_invoice,
)
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice
from tests.mapping.builders import GST, NOW, PST, Item, client, invoice, tax
from tests.mapping.contract import violations


def mapped(
    freshbooks: FreshBooksInvoice, *, revision: int = 1, now: datetime = NOW
) -> InvoiceDraft:
    draft = to_stripe_invoice(
        freshbooks,
        customer_id="cus_1",
        freshbooks_account_id="Kq3ZrP",
        revision=revision,
        now=now,
    )
    assert stripe_sum(draft.lines) == freshbooks.amount.to_stripe()
    assert violations("/v1/invoices", draft.create) == []
    if draft.lines:
        assert violations("/v1/invoices/{invoice}/add_lines", {"lines": list(draft.lines)}) == []
    return draft


def fields(draft: InvoiceDraft) -> dict[str, str]:
    return {field["name"]: field["value"] for field in draft.create.get("custom_fields", ())}


def test_head_of_a_plain_invoice() -> None:
    freshbooks = invoice(po_number="PO-7781", notes="Thanks", terms="30 days")
    assert mapped(freshbooks).create == {
        "customer": "cus_1",
        "collection_method": "send_invoice",
        "auto_advance": False,
        "pending_invoice_items_behavior": "exclude",
        "currency": "usd",
        "discounts": "",
        "number": "0000047",
        "custom_fields": [{"name": "PO number", "value": "PO-7781"}],
        "due_date": int(datetime(2026, 4, 2, 23, 59, 59, tzinfo=UTC).timestamp()),
        "effective_at": int(datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()),
        "description": "Thanks",
        "footer": "30 days",
        "metadata": {
            "fb_account": "Kq3ZrP",
            "fb_invoice_id": "2903314",
            "fb_invoice_number": "0000047",
            "fb_revision": "1",
        },
    }


def test_the_sample_of_the_contract_comes_to_its_total() -> None:
    freshbooks = invoice(
        [
            Item("10", "85.00", (GST,), description="Cabinet fitting"),
            Item("24", "5.00", (GST, PST), name="Hinges"),
        ],
        currency="CAD",
    )
    assert freshbooks.amount == Money(102690, "CAD")
    draft = mapped(freshbooks)
    assert draft.total == freshbooks.amount
    hinges, labour = draft.lines  # sent last first: Stripe lists new lines before older ones
    assert labour == {
        "price_data": {
            "currency": "cad",
            "unit_amount": 8500,
            "product_data": {"name": "Labour"},
        },
        "quantity": 10,
        "description": "Labour – Cabinet fitting",
        "discountable": False,
        "tax_amounts": [
            {
                "amount": 4250,
                "taxable_amount": 85000,
                "tax_rate_data": {
                    "display_name": "GST",
                    "percentage": "5",
                    "inclusive": False,
                    "description": "RT0001",
                },
            }
        ],
    }
    assert [tax["amount"] for tax in hinges["tax_amounts"]] == [600, 840]
    assert draft.notes == ()


def test_discount_is_taken_off_before_tax_as_freshbooks_does() -> None:
    freshbooks = invoice(
        [Item("1", "20.00", (tax("HST", "13"),)), Item("1", "24.00")], discount="10"
    )
    assert freshbooks.amount == Money(4194, "USD")
    discount, untaxed, taxed = mapped(freshbooks).lines
    assert discount == {"amount": -440, "description": "Discount 10%", "discountable": False}
    assert "tax_amounts" not in untaxed
    (only,) = taxed["tax_amounts"]
    assert (only["amount"], only["taxable_amount"]) == (234, 1800)


def test_discount_says_what_it_is_for() -> None:
    freshbooks = invoice(discount="2.500", discount_description="Early bird")
    assert mapped(freshbooks).lines[0]["description"] == "Discount 2.5% – Early bird"


def test_shares_of_the_discount_sum_to_the_discount() -> None:
    items = [Item("1", "0.33", (tax("T", "10"),)) for _ in range(7)]
    draft = mapped(invoice(items, discount="33"))
    taxable = [line["tax_amounts"][0]["taxable_amount"] for line in draft.lines[1:]]
    assert sum(taxable) == 7 * 33 + draft.lines[0]["amount"]
    assert set(taxable) <= {22, 23}


def test_compound_tax_is_on_amount_plus_first_tax() -> None:
    item = Item("1", "100.00", (tax("GST", "5"), tax("QST", "9.5")), compounded=True)
    (line,) = mapped(invoice([item])).lines
    first, second = line["tax_amounts"]
    assert (first["amount"], first["taxable_amount"]) == (500, 10000)
    assert (second["amount"], second["taxable_amount"]) == (998, 10500)


def test_tax_money_is_what_the_total_leaves_whatever_the_rounding() -> None:
    items = [Item("1", "0.10", (tax("T", "5"),)) for _ in range(9)]
    by_line = invoice(items, round_each_tax=True)  # 9 x 0.01 (0.005 rounded up)
    by_total = invoice(items, round_each_tax=False)  # 0.045 rounded up
    assert (by_line.amount, by_total.amount) == (Money(99, "USD"), Money(95, "USD"))
    for freshbooks in (by_line, by_total):
        amounts = [line["tax_amounts"][0]["amount"] for line in mapped(freshbooks).lines]
        assert set(amounts) <= {0, 1}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Item("3", "10.00"), {"unit_amount": 1000, "quantity": 3}),
        (Item("3.000", "10.0000"), {"unit_amount": 1000, "quantity": 3}),
        (Item("5", "0.00"), {"unit_amount": 0, "quantity": 5}),
        (Item("1.5", "85.00"), {"amount": 12750, "text": "Labour (1.5 × 85.00)"}),
        (Item("3", "0.333"), {"amount": 100, "text": "Labour (3 × 0.333)"}),
        (Item("1", "10.005"), {"amount": 1001, "text": "Labour (1 × 10.005)"}),
        (Item("2", "-10.5"), {"amount": -2100, "text": "Labour (2 × -10.50)"}),
        (Item("1", "-10.00"), {"amount": -1000, "text": "Labour"}),
        (Item("-2", "10.00"), {"amount": -2000, "text": "Labour (-2 × 10.00)"}),
        (Item("0", "10.00"), {"amount": 0, "text": "Labour (0 × 10.00)"}),
        (Item("2000000", "0.01"), {"amount": 2000000, "text": "Labour (2000000 × 0.01)"}),
    ],
)
def test_quantity_and_price_only_where_exact(item: Item, expected: dict[str, Any]) -> None:
    line = mapped(invoice([item, Item("1", "5000.00")])).lines[1]
    if "amount" in expected:
        assert (line["amount"], line["description"]) == (expected["amount"], expected["text"])
        assert "quantity" not in line
    else:
        assert line["price_data"]["unit_amount"] == expected["unit_amount"]
        assert line["quantity"] == expected["quantity"]


@pytest.mark.parametrize(
    ("name", "description", "text"),
    [
        ("Labour", "Fitting", "Labour – Fitting"),
        ("Labour", "", "Labour"),
        ("", "Fitting", "Fitting"),
        ("", "", "Item 1"),
        (" \x00 ", "\x07", "Item 1"),
        ("A\x00B", "one\r\ntwo", "AB – one\ntwo"),
        ("شركة النور", "עבודה 🛠️", "شركة النور – עבודה 🛠️"),
        ("bad\ud800pair", "", "badpair"),
    ],
)
def test_line_texts(name: str, description: str, text: str) -> None:
    (line,) = mapped(invoice([Item(name=name, description=description)])).lines
    assert line["description"] == text


def test_long_texts_are_shortened_and_said() -> None:
    long = "x" * 10_000
    item = Item("1.5", "85.00", (tax(long, "5", long),), name=long, description=long)
    draft = mapped(invoice([item], notes=long, terms=long, po_number=long, number=long))
    (line,) = draft.lines
    assert line["description"].endswith("… (1.5 × 85.00)")
    assert len(line["description"]) == 5000
    assert len(draft.create["description"]) == 1500
    assert len(draft.create["footer"]) == 5000
    said = " ".join(draft.notes)
    for what in (
        "Line 1, description",
        "Tax name",
        "Notes",
        "Terms",
        "PO number",
        "Invoice number",
    ):
        assert f"{what}: shortened" in said


@pytest.mark.parametrize(
    ("number", "revision", "sent", "shown"),
    [
        ("0000047", 1, "0000047", None),
        ("A/2026-03_1.x", 1, "A/2026-03_1.x", None),
        ("x" * 26, 1, "x" * 26, None),
        ("x" * 27, 1, None, "x" * 27),
        ("No 5 €", 1, None, "No 5 €"),
        ("", 1, None, None),
        ("0000047", 2, "0000047-R2", "0000047"),
        ("x" * 26, 12, "x" * 22 + "-R12", "x" * 26),
        ("№5", 3, None, "№5"),
    ],
)
def test_invoice_number(number: str, revision: int, sent: str | None, shown: str | None) -> None:
    draft = mapped(invoice(number=number), revision=revision)
    assert draft.create.get("number") == sent
    assert fields(draft).get("Invoice number") == shown
    assert draft.create["metadata"].get("fb_invoice_number", "") == number
    assert draft.create["metadata"]["fb_revision"] == str(revision)


@pytest.mark.parametrize("due", [date(2026, 3, 9), date(2019, 1, 1)])
def test_due_date_in_the_past_moves_and_is_shown(due: date) -> None:
    draft = mapped(invoice(due_date=due))
    ahead = draft.create["due_date"] - NOW.timestamp()
    assert 7200 <= ahead <= 10_800
    assert draft.create["due_date"] % 3600 == 0
    assert fields(draft)["Due date"] == due.isoformat()
    assert any("Due date" in note for note in draft.notes)


def test_due_today_is_the_end_of_today_unless_that_is_too_near() -> None:
    freshbooks = invoice(due_date=NOW.date())
    draft = mapped(freshbooks)
    assert draft.create["due_date"] == int(
        datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC).timestamp()
    )
    assert "Due date" not in fields(draft)
    late = datetime(2026, 3, 10, 23, 55, tzinfo=UTC)
    assert mapped(freshbooks, now=late).create["due_date"] > late.timestamp() + 3600


def test_issue_date_is_never_in_the_future() -> None:
    tomorrow = NOW.date() + timedelta(days=1)
    ahead = mapped(invoice(create_date=tomorrow, due_date=tomorrow))
    assert "effective_at" not in ahead.create
    assert fields(ahead)["Invoice date"] == tomorrow.isoformat()
    early = datetime(2026, 3, 10, 0, 30, tzinfo=UTC)
    same_day = mapped(invoice(create_date=date(2026, 3, 10)), now=early)
    assert same_day.create["effective_at"] == int(early.replace(minute=0).timestamp())
    ancient = mapped(invoice(create_date=date(1950, 1, 1)))
    assert "effective_at" not in ancient.create


def test_now_in_another_zone_is_the_same_instant() -> None:
    east = NOW.astimezone(timezone(timedelta(hours=13)))
    assert mapped(invoice(), now=east) == mapped(invoice())


def test_all_custom_fields_fit() -> None:
    tomorrow = NOW.date() + timedelta(days=1)
    draft = mapped(
        invoice(number="№ 5", po_number="P\n1", due_date=date(2026, 1, 1), create_date=tomorrow)
    )
    assert list(fields(draft)) == ["Invoice number", "PO number", "Due date", "Invoice date"]
    assert fields(draft)["PO number"] == "P 1"


@pytest.mark.parametrize(
    ("cost", "currency", "below"),
    [
        ("0.00", "USD", True),
        ("0.49", "USD", True),
        ("0.50", "USD", False),
        ("49", "JPY", True),
        ("50", "JPY", False),
        ("0.01", "KES", False),
    ],
)
def test_amounts_below_the_minimum_are_flagged(cost: str, currency: str, *, below: bool) -> None:
    draft = mapped(invoice([Item("1", cost)], currency=currency))
    assert draft.below_minimum is below
    assert any("smallest amount" in note for note in draft.notes) is below


def test_invoice_without_lines_and_money_is_possible() -> None:
    draft = mapped(invoice([]))
    assert (draft.lines, draft.below_minimum) == ((), True)


@pytest.mark.parametrize(
    ("currency", "cost", "unit_amount"),
    [("JPY", "5000", 5000), ("ISK", "500", 50000), ("KWD", "5.120", 5120), ("MGA", "500.00", 500)],
)
def test_stripe_scales(currency: str, cost: str, unit_amount: int) -> None:
    (line,) = mapped(invoice([Item("2", cost)], currency=currency)).lines
    assert line["price_data"]["unit_amount"] == unit_amount


def test_three_decimal_taxes_end_in_zero() -> None:
    items = [Item("1", "1.010", (tax("T", "10"),)) for _ in range(10)]
    draft = mapped(invoice(items, currency="KWD"))
    amounts = [line["tax_amounts"][0]["amount"] for line in draft.lines]
    assert sum(amounts) == 1010
    assert set(amounts) == {100, 110}


def refusal(freshbooks: FreshBooksInvoice) -> NotRepresentable:
    with pytest.raises(NotRepresentable) as caught:
        mapped(freshbooks)
    assert caught.value.message
    return caught.value


def test_total_that_lines_cannot_explain_is_refused() -> None:
    freshbooks = invoice([Item("1", "10.00", (tax("T", "10"),))])
    off_by_one = replace(freshbooks, amount=Money(1101, "USD"))
    assert mapped(off_by_one).lines[0]["tax_amounts"][0]["amount"] == 101
    message = refusal(replace(freshbooks, amount=Money(1102, "USD"))).message
    assert "expected about 1.00 USD of tax, found 1.02 USD" in message
    refusal(replace(freshbooks, amount=Money(1098, "USD")))


@pytest.mark.parametrize(
    "freshbooks",
    [
        replace(invoice([Item("1", "10.00")]), amount=Money(1100, "USD")),
        replace(invoice([]), amount=Money(1000, "USD")),
        replace(invoice([Item("1", "10.00", (tax("T", "0"),))]), amount=Money(1001, "USD")),
        replace(invoice([Item("1", "0.00", (tax("T", "10"),))]), amount=Money(1, "USD")),
        replace(invoice([Item("1", "0.04", (tax("T", "1"),))]), amount=Money(3, "USD")),
        replace(invoice([Item("1", "10.00")]), discount_total=Money(100, "USD")),
        replace(invoice([Item("1", "0.00")]), discount_total=Money(-100, "USD")),
    ],
)
def test_impossible_sums_are_refused(freshbooks: FreshBooksInvoice) -> None:
    assert refusal(freshbooks).next_step


def test_negative_total_is_refused() -> None:
    assert "negative" in refusal(invoice([Item("1", "-10.00")])).message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1E+999999999", "1E-999999999", "9" * 30])
def test_absurd_quantity_and_price_are_shown_and_the_amount_counts(number: str) -> None:
    plain = invoice([Item("1", "10.00")])
    absurd: tuple[dict[str, Any], ...] = (
        {"quantity": Decimal(number)},
        {"unit_cost": Decimal(number)},
    )
    for changes in absurd:
        freshbooks = replace(plain, lines=(replace(plain.lines[0], **changes),))
        (line,) = mapped(freshbooks).lines
        assert line["amount"] == 1000
        assert len(line["description"]) < 100


@pytest.mark.parametrize(
    "percent", ["100.001", "-5", "NaN", "Infinity", "1E-999999999", "1E+999999999"]
)
def test_impossible_percentages_are_refused(percent: str) -> None:
    plain = invoice([Item("1", "10.00")])
    line = replace(plain.lines[0], taxes=(tax("T", percent),))
    refusal(replace(plain, lines=(line,)))


def test_zero_percent_tax_is_left_out_and_said() -> None:
    draft = mapped(invoice([Item("1", "10.00", (tax("VAT", "0"), tax("", "0")))]))
    assert "tax_amounts" not in draft.lines[0]
    assert draft.notes == ("Line 1: tax 'VAT' of 0 % was left out.",)


def test_percentage_is_shown_with_four_places_and_the_money_is_exact() -> None:
    (line,) = mapped(invoice([Item("1", "100.00", (tax("", "9.97525"),))])).lines
    (only,) = line["tax_amounts"]
    assert only["amount"] == 998
    assert only["tax_rate_data"]["percentage"] == "9.9752"
    assert only["tax_rate_data"]["display_name"] == "Tax"


def test_currencies_never_mix() -> None:
    plain = invoice()
    line = replace(plain.lines[0], amount=Money(1000, "CAD"))
    with pytest.raises(UnsupportedCurrency):
        mapped(replace(plain, lines=(line,)))


@pytest.mark.parametrize("currency", ["IQD", "LYD", "CLF"])
def test_currencies_of_unknown_scale_are_refused(currency: str) -> None:
    with pytest.raises(UnsupportedCurrency):
        mapped(invoice([Item("1", "10")], currency=currency))


@pytest.mark.parametrize(
    "freshbooks",
    [
        invoice([Item("1", "5.124")], currency="KWD"),
        invoice([Item("1", "5.124"), Item("1", "0.006")], currency="KWD"),
        invoice([Item("1", "5.50")], currency="MGA"),
        replace(invoice([Item("1", "5.120")], currency="KWD"), amount=Money(5124, "KWD")),
    ],
)
def test_amounts_with_too_many_digits_for_stripe_are_refused(freshbooks: FreshBooksInvoice) -> None:
    with pytest.raises(AmountNotRepresentable):
        mapped(freshbooks)


def test_negative_line_with_tax_lowers_the_tax() -> None:
    items = [Item("1", "100.00", (tax("T", "10"),)), Item("1", "-30.00", (tax("T", "10"),))]
    back, sold = mapped(invoice(items)).lines
    assert (sold["tax_amounts"][0]["amount"], back["tax_amounts"][0]["amount"]) == (1000, -300)


def test_250_lines_stay_and_more_are_summed_up_by_tax() -> None:
    exact = mapped(invoice([Item("1", "1.00") for _ in range(250)]))
    assert (len(exact.lines), exact.notes) == (250, ())
    kinds = [(), (GST,), (GST, PST)]
    items = [Item("1", "1.07", kinds[index % 3]) for index in range(400)]
    draft = mapped(invoice(items, discount="10"))
    assert len(draft.lines) == 250
    assert "are summed up in 3" in draft.notes[0]
    discount, *summed, last_kept = draft.lines[:5]
    assert discount["description"] == "Discount 10%"
    assert {len(line.get("tax_amounts", ())) for line in summed} == {0, 1, 2}
    assert sum(line["amount"] for line in summed) == 107 * (400 - 246)
    assert "more lines, listed on invoice 0000047" in summed[0]["description"]
    assert last_kept["description"] == "Labour"


def test_too_many_kinds_of_tax_are_refused() -> None:
    items = [Item("1", "100.00", (tax(f"T{index}", "5"),)) for index in range(251)]
    assert "different taxes" in refusal(invoice(items)).message


def test_10_000_lines_are_mapped() -> None:
    draft = mapped(invoice([Item("1.5", "0.33", (GST, PST)) for _ in range(10_000)], discount="3"))
    assert len(draft.lines) == 250


@pytest.mark.parametrize(
    "change",
    [
        {"number": "0000048"},
        {"due_date": date(2026, 4, 3)},
        {"create_date": date(2026, 3, 4)},
        {"po_number": "1"},
        {"notes": "n"},
        {"terms": "t"},
        {"client_id": 2},
        {"amount": Money(1001, "USD")},
        {"discount_description": "d"},
        {"lines": ()},
    ],
)
def test_content_hash_moves_with_what_shows(change: dict[str, Any]) -> None:
    assert content_hash(replace(invoice(), **change)) != content_hash(invoice())


def test_content_hash_stays_with_what_does_not_show() -> None:
    plain = invoice()
    line = replace(plain.lines[0], line_id=9, quantity=Decimal("1.00"), unit_cost=Decimal(10))
    same = replace(
        plain,
        lines=(line,),
        status=4,
        paid=plain.amount,
        outstanding=Money.zero("USD"),
        payment_status="paid",
        updated="later",
        version="2",
        discount_percent=Decimal("0.00"),
    )
    assert content_hash(same) == content_hash(plain)
    later = mapped(plain, revision=2, now=NOW + timedelta(days=90))
    assert later.content_hash == content_hash(plain) == mapped(plain).content_hash


def test_naive_time_and_revision_zero_are_bugs() -> None:
    with pytest.raises(ValueError, match="time zone"):
        mapped(invoice(), now=NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="revisions"):
        mapped(invoice(), revision=0)


def test_client_without_email_is_refused() -> None:
    assert require_email(client(email=" a@b.example ")) == "a@b.example"
    for bad in ("", " ", "none", "a@b", "a@b.example, c@d.example", "a b@c.example", "a@b.ex\x00"):
        with pytest.raises(NotRepresentable, match="without an e-mail address"):
            require_email(client(email=bad))
