"""Invoice arithmetic: discount before tax, tax per line on the discounted amount."""

from dataclasses import dataclass
from decimal import Decimal

from sandbox.core.switches import Switches
from sandbox.freshbooks.book import Line
from sandbox.freshbooks.money import ZERO, MoneyRules


@dataclass(frozen=True)
class Totals:
    """Sums of an invoice; `discount` is zero or negative."""

    subtotal: Decimal
    discount: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        """What the client owes altogether."""
        return self.subtotal + self.discount + self.tax


def compute_totals(
    lines: list[Line],
    discount_percent: Decimal,
    currency: str,
    money: MoneyRules,
    switches: Switches,
) -> Totals:
    """Totals of an invoice, rounded per line and tax, or once, as the switch says."""
    subtotal = sum((line.amount for line in lines), ZERO)
    discount = -money.round(subtotal * discount_percent / 100, currency)
    taxes = [tax for line in lines for tax in line_taxes(line, discount_percent)]
    if switches["tax_rounding"] == "per_line":
        tax = sum((money.round(one, currency) for one in taxes), ZERO)
    else:
        tax = money.round(sum(taxes, ZERO), currency)
    return Totals(subtotal, discount, tax)


def line_taxes(line: Line, discount_percent: Decimal) -> list[Decimal]:
    """The one or two taxes of a line, not rounded."""
    base = line.amount * (100 - discount_percent) / 100
    first = base * line.tax1.percent / 100 if line.tax1 else ZERO
    base_of_second = base + first if line.compounded else base
    second = base_of_second * line.tax2.percent / 100 if line.tax2 else ZERO
    return [first, second]
