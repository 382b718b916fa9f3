"""How FreshBooks' discount and tax money is spread over the lines of an invoice.

FreshBooks gives line amounts, the discount and the total; what each tax came to is not in its
answer, and its rounding is not documented. So nothing is recomputed as truth: the tax money is what
the total leaves, and the exact arithmetic only says how to share it out and whether to believe it.
Source: FreshBooks invoice arithmetic as reconstructed from its published samples: a discount applies
before tax, proportionally per line; a compound second tax is on the amount plus the first tax.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from connector.currencies import stripe_step_minor
from connector.errors import AmountNotRepresentable, NotRepresentable
from connector.mapping.text import clean
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice, InvoiceLine, LineTax

_SMALLEST_PERCENT = Decimal("0.000001")


@dataclass(frozen=True, kw_only=True)
class AppliedTax:
    """One tax on one line: what it came to, and on which amount."""

    tax: LineTax
    amount: Money
    taxable: Money


@dataclass(frozen=True, kw_only=True)
class TaxedLine:
    """A line of the invoice with its taxes in money."""

    line: InvoiceLine
    taxes: tuple[AppliedTax, ...]


@dataclass(frozen=True)
class _Pair:
    """One tax on one line before sharing out, in steps (see `_steps`)."""

    index: int
    tax: LineTax
    on_first_tax: bool
    exact: Fraction


def tax_lines(invoice: FreshBooksInvoice, notes: list[str]) -> tuple[TaxedLine, ...]:
    """Spread discount and taxes so that lines, discount and taxes sum to the invoice's amount.

    Units: everything is counted in steps, the smallest amount that Stripe carries in the currency.
    Raises: NotRepresentable, with what was expected and found, if the money left for taxes is
        further from the exact taxes than one step per tax and line.
    """
    step = stripe_step_minor(invoice.amount.currency)
    amounts = [
        _steps(line.amount, step, f"line {number}")
        for number, line in enumerate(invoice.lines, start=1)
    ]
    discount = _steps(invoice.discount_total, step, "the discount")
    exact_bases, bases = _discounted(amounts, discount)
    pairs = [
        pair
        for index, line in enumerate(invoice.lines)
        for pair in _pairs(index, line, exact_bases[index], notes)
    ]
    tax_money = _steps(invoice.amount, step, "the total") - sum(amounts) - discount
    _require_believable(invoice, pairs, tax_money, step)
    shares = allocate([pair.exact for pair in pairs], tax_money)
    return _assemble(invoice, pairs, shares, bases)


def allocate(exact: Sequence[Fraction], total: int) -> list[int]:
    """Whole numbers close to `exact` that sum to `total`, by largest remainder.

    A part never gets the opposite sign of its exact value. `total` must be within reach of the
    exact sum: about one per part.
    """
    parts = [floor(value) for value in exact]
    while missing := total - sum(parts):
        direction = 1 if missing > 0 else -1
        movable = [
            index
            for index, value in enumerate(exact)
            if value != 0 and (parts[index] + direction) * value >= 0
        ]
        if not movable:
            raise NotRepresentable("The money cannot be shared out over the lines.")
        movable.sort(key=lambda index: direction * (parts[index] - exact[index]))
        for index in movable[: abs(missing)]:
            parts[index] += direction
    return parts


def _steps(amount: Money, step: int, what: str) -> int:
    steps, remainder = divmod(amount.amount_minor, step)
    if remainder:
        raise AmountNotRepresentable(
            f"Stripe cannot carry {amount} of {what}: its amounts in {amount.currency} "
            f"have fewer decimal places.",
            next_step="Round the amounts of the invoice in FreshBooks.",
            vendor="stripe",
        )
    return steps


def _discounted(amounts: list[int], discount: int) -> tuple[list[Fraction], list[int]]:
    """Each line's amount after its share of the discount: exactly, and in whole steps."""
    if discount == 0:
        return [Fraction(amount) for amount in amounts], amounts
    subtotal = sum(amounts)
    if discount > 0 or subtotal <= 0:
        raise NotRepresentable(
            "FreshBooks shows a discount that cannot be taken off the lines: the discount must be "
            "negative and the lines must sum to more than zero.",
            next_step="Check the discount of the invoice in FreshBooks.",
        )
    exact_shares = [Fraction(discount * amount, subtotal) for amount in amounts]
    shares = allocate(exact_shares, discount)
    exact = [amount + share for amount, share in zip(amounts, exact_shares, strict=True)]
    return exact, [amount + share for amount, share in zip(amounts, shares, strict=True)]


def _pairs(index: int, line: InvoiceLine, base: Fraction, notes: list[str]) -> list[_Pair]:
    """The taxes of one line that come to something."""
    pairs: list[_Pair] = []
    first_tax = Fraction(0)
    for position, tax in enumerate(line.taxes):
        if base == 0 or tax.percent.is_zero():
            if tax.name and base != 0:
                notes.append(f"Line {index + 1}: tax {clean(tax.name)[:40]!r} of 0 % was left out.")
            continue
        _require_sensible(tax, index)
        compound = position == 1 and line.compounded_tax
        exact = (base + (first_tax if compound else 0)) * Fraction(tax.percent) / 100
        if position == 0:
            first_tax = exact
        pairs.append(_Pair(index, tax, compound, exact))
    return pairs


def _require_sensible(tax: LineTax, index: int) -> None:
    if tax.percent.is_finite() and _SMALLEST_PERCENT <= tax.percent <= 100:
        return
    raise NotRepresentable(
        f"Line {index + 1} has the tax {clean(tax.name)[:40]!r} of {str(tax.percent)[:20]} %; "
        "Stripe takes taxes above 0 % and up to 100 %.",
        next_step="Correct the tax of the line in FreshBooks.",
        vendor="stripe",
    )


def _require_believable(
    invoice: FreshBooksInvoice, pairs: list[_Pair], tax_money: int, step: int
) -> None:
    exact_sum = sum((pair.exact for pair in pairs), Fraction(0))
    wrong_sign = (tax_money < 0 and all(pair.exact > 0 for pair in pairs)) or (
        tax_money > 0 and all(pair.exact < 0 for pair in pairs)
    )
    if abs(tax_money - exact_sum) <= len(pairs) and not wrong_sign:
        return
    currency = invoice.amount.currency
    expected = Money(round(exact_sum) * step, currency)
    found = Money(tax_money * step, currency)
    raise NotRepresentable(
        f"The lines, discount and taxes of this invoice do not add up to its total of "
        f"{invoice.amount}: expected about {expected} of tax, found {found}"
        + ("." if pairs else ", and no line is taxed."),
        next_step="Check the invoice in FreshBooks; open it and save it again.",
        vendor="freshbooks",
    )


def _assemble(
    invoice: FreshBooksInvoice, pairs: list[_Pair], shares: list[int], bases: list[int]
) -> tuple[TaxedLine, ...]:
    currency = invoice.amount.currency
    step = stripe_step_minor(currency)
    taxes: list[list[AppliedTax]] = [[] for _ in invoice.lines]
    for pair, share in zip(pairs, shares, strict=True):
        base = Money(bases[pair.index] * step, currency)
        if pair.on_first_tax:
            for first in taxes[pair.index]:
                base += first.amount
        amount = Money(share * step, currency)
        taxes[pair.index].append(AppliedTax(tax=pair.tax, amount=amount, taxable=base))
    return tuple(
        TaxedLine(line=line, taxes=tuple(applied))
        for line, applied in zip(invoice.lines, taxes, strict=True)
    )
