"""The lines of a Stripe invoice: bodies of "add lines", in FreshBooks' order.

Stripe multiplies quantity and price by a rounding rule that is not documented, so a line is sent as
quantity and price only where the product is exact; otherwise its amount is sent and the text says
how it came about. Taxes always carry their money explicitly.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from connector.currencies import exponent
from connector.errors import AmountNotRepresentable, NotRepresentable
from connector.mapping.taxes import AppliedTax, TaxedLine
from connector.mapping.text import clean, clean_lines, fit, join_present, plain_decimal, shorten
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice, InvoiceLine

MAX_LINES = 250  # per invoice; docs.stripe.com/api/invoice-line-item/bulk
KEPT_LINES = 248  # of a longer invoice, before its remainder is condensed
MAX_DESCRIPTION = 5000
MAX_TAX_NAME = 50  # Stripe's limit was 50 in 2023 and may be 200 now
MAX_QUANTITY = 1_000_000
_PERCENT_PLACES = Decimal("0.0001")


def line_bodies(
    invoice: FreshBooksInvoice, taxed: Sequence[TaxedLine], notes: list[str]
) -> list[dict[str, Any]]:
    """The bodies of all lines, the discount last, at most 250 of them.

    Raises: NotRepresentable if a longer invoice has too many kinds of tax to be condensed.
    """
    tail = [] if invoice.discount_total.is_zero else [_discount_body(invoice, notes)]
    if len(taxed) + len(tail) > MAX_LINES:
        kept, groups = _split(taxed, room=MAX_LINES - len(tail))
        tail = [_condensed_body(group, invoice, notes) for group in groups] + tail
        notes.append(
            f"Stripe takes {MAX_LINES} lines; the last {len(taxed) - kept} of {len(taxed)} lines "
            f"are summed up in {len(groups)}."
        )
        taxed = taxed[:kept]
    bodies = [_line_body(item, index, notes) for index, item in enumerate(taxed, start=1)]
    return bodies + tail


def _line_body(item: TaxedLine, index: int, notes: list[str]) -> dict[str, Any]:
    line = item.line
    name = clean(line.name) or clean(line.description) or f"Item {index}"
    text = join_present([clean(line.name), clean_lines(line.description)], " – ") or name
    unit_amount = _exact_unit_amount(line)
    what = f"Line {index}, description"
    body: dict[str, Any]
    if unit_amount is not None:
        body = {
            "price_data": {
                "currency": line.amount.currency.lower(),
                "unit_amount": unit_amount.to_stripe(),
                "product_data": {"name": shorten(name, MAX_DESCRIPTION)},
            },
            "quantity": int(line.quantity),
            "description": fit(text, MAX_DESCRIPTION, what=what, notes=notes),
        }
    else:
        suffix = _how_it_came_about(line)
        room = MAX_DESCRIPTION - len(suffix)
        body = {
            "amount": line.amount.to_stripe(),
            "description": fit(text, room, what=what, notes=notes) + suffix,
        }
    return body | {"discountable": False} | _tax_amounts(item.taxes, notes)


def _exact_unit_amount(line: InvoiceLine) -> Money | None:
    """The unit price, if quantity x price is the line's amount to the minor unit."""
    quantity = line.quantity
    if not (quantity.is_finite() and line.unit_cost.is_finite()):
        return None
    if not 1 <= quantity <= MAX_QUANTITY or quantity % 1 or line.unit_cost < 0:
        return None
    try:
        unit = Money.from_decimal(line.unit_cost, line.amount.currency)
        unit.to_stripe()
    except AmountNotRepresentable:
        return None
    exact = unit.amount_minor * int(quantity) == line.amount.amount_minor
    return unit if exact else None


def _how_it_came_about(line: InvoiceLine) -> str:
    """Text such as (1.5 × 85.00), or nothing when quantity and price say no more than the amount."""
    currency = line.amount.currency
    if line.quantity == 1 and line.unit_cost == Decimal(line.amount.to_decimal_string()):
        return ""
    quantity = plain_decimal(line.quantity)
    return f" ({quantity} × {plain_decimal(line.unit_cost, places=exponent(currency))})"


def _tax_amounts(taxes: Sequence[AppliedTax], notes: list[str]) -> dict[str, Any]:
    if not taxes:
        return {}
    return {
        "tax_amounts": [
            {
                "amount": applied.amount.to_stripe(),
                "taxable_amount": applied.taxable.to_stripe(),
                "tax_rate_data": _tax_rate(applied, notes),
            }
            for applied in taxes
        ]
    }


def _tax_rate(applied: AppliedTax, notes: list[str]) -> dict[str, Any]:
    """How the tax is shown. The percentage is for show only, so it may be rounded to Stripe's places."""
    percent = applied.tax.percent.quantize(_PERCENT_PLACES, rounding=ROUND_HALF_EVEN)
    name = clean(applied.tax.name) or "Tax"
    rate = {
        "display_name": fit(name, MAX_TAX_NAME, what="Tax name", notes=notes),
        "percentage": plain_decimal(percent),
        "inclusive": False,
    }
    number = shorten(clean(applied.tax.number), MAX_DESCRIPTION)
    return rate | ({"description": number} if number else {})


def _discount_body(invoice: FreshBooksInvoice, notes: list[str]) -> dict[str, Any]:
    percent = invoice.discount_percent
    title = f"Discount {plain_decimal(percent)}%" if percent else "Discount"
    text = join_present([title, clean_lines(invoice.discount_description)], " – ")
    return {
        "amount": invoice.discount_total.to_stripe(),
        "description": fit(text, MAX_DESCRIPTION, what="Discount description", notes=notes),
        "discountable": False,
    }


def _treatment(item: TaxedLine) -> tuple[object, ...]:
    return tuple((applied.tax, item.line.compounded_tax) for applied in item.taxes)


def _split(taxed: Sequence[TaxedLine], *, room: int) -> tuple[int, list[list[TaxedLine]]]:
    """How many lines are kept, and the rest grouped by tax treatment, within `room` lines."""
    kept = len(taxed)
    treatments: set[tuple[object, ...]] = set()
    best = None
    while kept > 0:
        kept -= 1
        treatments.add(_treatment(taxed[kept]))
        if kept <= KEPT_LINES and kept + len(treatments) <= room:
            best = kept
            break
    if best is None:
        raise NotRepresentable(
            f"The invoice has {len(taxed)} lines with {len(treatments)} different taxes; Stripe "
            f"takes {MAX_LINES} lines and lines of different taxes cannot be summed up.",
            next_step="Split the invoice in FreshBooks.",
            vendor="stripe",
        )
    groups: dict[tuple[object, ...], list[TaxedLine]] = {}
    for item in taxed[best:]:
        groups.setdefault(_treatment(item), []).append(item)
    return best, list(groups.values())


def _condensed_body(
    group: Sequence[TaxedLine], invoice: FreshBooksInvoice, notes: list[str]
) -> dict[str, Any]:
    """One line that stands for several of the same tax treatment, with their exact sums."""
    zero = Money.zero(invoice.amount.currency)
    taxes = tuple(
        AppliedTax(
            tax=column[0].tax,
            amount=sum((applied.amount for applied in column), zero),
            taxable=sum((applied.taxable for applied in column), zero),
        )
        for column in zip(*(item.taxes for item in group), strict=True)
    )
    count = f"{len(group)} more line" + ("s" if len(group) > 1 else "")
    text = f"{count}, listed on invoice {clean(invoice.number)}".rstrip()
    return {
        "amount": sum((item.line.amount for item in group), zero).to_stripe(),
        "description": fit(text, MAX_DESCRIPTION, what="Summed lines", notes=notes),
        "discountable": False,
    } | _tax_amounts(taxes, notes)
