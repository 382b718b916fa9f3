"""FreshBooks and Stripe records for mapping tests, with FreshBooks' own arithmetic.

The arithmetic here is written from FreshBooks' contract and does not use the code under test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from connector.currencies import EXPONENTS
from connector.money import Money
from connector.vendors.freshbooks.records import (
    FreshBooksClient,
    FreshBooksInvoice,
    FreshBooksPayment,
    InvoiceLine,
    LineTax,
    PostalAddress,
)
from connector.vendors.stripe.records import StripeInvoice, StripeInvoicePayment

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
NO_ADDRESS = PostalAddress(street="", street2="", city="", province="", code="", country="")
OTTAWA = PostalAddress(
    street="88 Elgin St",
    street2="",
    city="Ottawa",
    province="Ontario",
    code="K2P 1C6",
    country="Canada",
)
_EXACT = Context(prec=100)


def client(**changes: Any) -> FreshBooksClient:
    return replace(
        FreshBooksClient(
            id=418207,
            first_name="Noor",
            last_name="Haddad",
            organization="Haddad Dental",
            email="ap@haddad-dental.example",
            business_phone="",
            home_phone="",
            mobile_phone="613-555-0182",
            billing_address=OTTAWA,
            shipping_address=NO_ADDRESS,
            currency_code="CAD",
            language="en",
            vat_name="",
            vat_number="",
            updated="2026-03-02 10:04:09",
            updated_at=datetime(2026, 3, 2, 15, 4, 9, tzinfo=UTC),
            vis_state=0,
        ),
        **changes,
    )


def tax(name: str, percent: str, number: str = "") -> LineTax:
    return LineTax(name=name, percent=Decimal(percent), number=number)


GST, PST = tax("GST", "5", "RT0001"), tax("PST", "7")


@dataclass(frozen=True)
class Item:
    """What a person types for one line."""

    quantity: str = "1"
    unit_cost: str = "10.00"
    taxes: tuple[LineTax, ...] = ()
    compounded: bool = False
    name: str = "Labour"
    description: str = ""


def invoice(
    items: Sequence[Item] = (Item(),),
    *,
    currency: str = "USD",
    discount: str = "0",
    rounding: str = ROUND_HALF_UP,
    round_each_tax: bool = True,
    **changes: Any,
) -> FreshBooksInvoice:
    """An invoice as FreshBooks would compute it: discount before tax, per line, in proportion."""
    unit = Decimal(1).scaleb(-EXPONENTS[currency])

    def rounded(value: Decimal) -> Decimal:
        return value.quantize(unit, rounding=rounding, context=_EXACT)

    amounts = [rounded(_EXACT.multiply(Decimal(i.quantity), Decimal(i.unit_cost))) for i in items]
    percent = Decimal(discount)
    off = rounded(-sum(amounts, Decimal(0)) * percent / 100)
    tax_sum = Decimal(0)
    for item, amount in zip(items, amounts, strict=True):
        base = amount * (100 - percent) / 100
        first = Decimal(0)
        for position, each in enumerate(item.taxes):
            money = (base + (first if position and item.compounded else 0)) * each.percent / 100
            money = rounded(money) if round_each_tax else money
            first = first or money
            tax_sum += money
    total = sum(amounts, Decimal(0)) + off + rounded(tax_sum)
    lines = tuple(
        InvoiceLine(
            line_id=index,
            name=item.name,
            description=item.description,
            quantity=Decimal(item.quantity),
            unit_cost=Decimal(item.unit_cost),
            amount=Money.from_decimal(amount, currency),
            taxes=item.taxes,
            compounded_tax=item.compounded,
        )
        for index, (item, amount) in enumerate(zip(items, amounts, strict=True), start=1)
    )
    return replace(
        _blank_invoice(currency),
        amount=Money.from_decimal(total, currency),
        outstanding=Money.from_decimal(total, currency),
        discount_percent=percent,
        discount_total=Money.from_decimal(off, currency),
        lines=lines,
        **changes,
    )


def _blank_invoice(currency: str) -> FreshBooksInvoice:
    zero = Money.zero(currency)
    return FreshBooksInvoice(
        id=2903314,
        client_id=418207,
        number="0000047",
        create_date=date(2026, 3, 3),
        due_date=date(2026, 4, 2),
        currency_code=currency,
        language="en",
        po_number="",
        notes="",
        terms="",
        amount=zero,
        paid=zero,
        outstanding=zero,
        discount_percent=Decimal(0),
        discount_total=zero,
        discount_description="",
        lines=(),
        status=2,
        payment_status="unpaid",
        v3_status="sent",
        display_status="sent",
        auto_bill=False,
        email="ap@haddad-dental.example",
        updated="2026-03-03 09:12:44",
        updated_at=datetime(2026, 3, 3, 14, 12, 44, tzinfo=UTC),
        version="",
        vis_state=0,
    )


def paid(freshbooks: FreshBooksInvoice, amount: str) -> FreshBooksInvoice:
    """The same invoice after payments of this sum."""
    money = Money.from_decimal(amount, freshbooks.currency_code)
    return replace(freshbooks, paid=money, outstanding=freshbooks.amount - money)


def stripe_invoice(total: Money, **changes: Any) -> StripeInvoice:
    zero = Money.zero(total.currency)
    return replace(
        StripeInvoice(
            id="in_1",
            status="open",
            number="0000047",
            customer_id="cus_1",
            total=total,
            amount_due=total,
            amount_paid=zero,
            amount_remaining=total,
            amount_overpaid=zero,
            pre_payment_credits=zero,
            post_payment_credits=zero,
            starting_balance_minor=0,
            currency=total.currency,
            due_date=None,
            finalized_at=NOW,
            paid_at=None,
            hosted_invoice_url="",
            livemode=False,
            metadata={},
        ),
        **changes,
    )


def stripe_payment(**changes: Any) -> StripeInvoicePayment:
    return replace(
        StripeInvoicePayment(
            id="inpay_1",
            invoice_id="in_1",
            status="paid",
            amount_requested=Money(1000, "USD"),
            amount_paid=Money(1000, "USD"),
            is_default=True,
            payment_type="payment_intent",
            payment_intent_id="pi_1",
            charge_id="",
            payment_record_id="",
            payment_intent_status="succeeded",
            method_type="card",
            card_brand="visa",
            paid_at=datetime(2026, 3, 10, 3, 30, tzinfo=UTC),
            created_at=datetime(2026, 3, 10, 3, 29, tzinfo=UTC),
            charge_status="",
            charge_amount=None,
            charge_refunded=None,
            charge_disputed=False,
        ),
        **changes,
    )


def freshbooks_payment(**changes: Any) -> FreshBooksPayment:
    return replace(
        FreshBooksPayment(
            id=771405,
            invoice_id=2903314,
            client_id=418207,
            amount=Money(50000, "CAD"),
            paid_on=date(2026, 3, 10),
            type="Check",
            note="",
            gateway="",
            from_credit=False,
            credit_id=None,
            overpayment_id=None,
            updated="2026-03-11 16:40:02",
            updated_at=datetime(2026, 3, 11, 20, 40, 2, tzinfo=UTC),
            vis_state=0,
        ),
        **changes,
    )
