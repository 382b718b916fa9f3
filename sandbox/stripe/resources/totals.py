"""Arithmetic of an invoice: taxes of its lines, its totals, and what remains to pay."""

from decimal import Decimal

from sandbox.stripe.context import Context
from sandbox.stripe.money import rounded
from sandbox.stripe.resources import catalog
from sandbox.stripe.resources.customer_balance import usable_balance
from sandbox.stripe.types import Obj


def recompute(ctx: Context, invoice: Obj) -> None:
    """Bring all computed fields of a draft up to date."""
    lines = ctx.account.lines.setdefault(invoice["id"], [])
    for line in lines:
        line["taxes"] = line_taxes(ctx, invoice, line)
    taxes = [tax for line in lines for tax in line["taxes"]]
    subtotal = sum(line["amount"] for line in lines)
    exclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
    inclusive = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
    invoice["subtotal"] = subtotal
    invoice["subtotal_excluding_tax"] = subtotal - inclusive
    invoice["total"] = subtotal + exclusive
    invoice["total_excluding_tax"] = subtotal - inclusive
    invoice["total_taxes"] = summed(taxes)
    balance = usable_balance(ctx, invoice["customer"], invoice["currency"])
    invoice["starting_balance"] = balance
    invoice["amount_due"] = due(invoice["total"], balance)[0]
    set_remaining(invoice)


def due(total: int, balance: int) -> tuple[int, int]:
    """Give the amount due and the balance afterwards.

    A negative balance is credit and lowers the amount due; a positive one is owed and
    raises it; a negative total is credited.
    """
    owed = total + balance
    return (owed, 0) if owed > 0 else (0, owed)


def set_remaining(invoice: Obj) -> None:
    """Bring `amount_remaining` up to date."""
    invoice["amount_remaining"] = max(0, invoice["amount_due"] - invoice["amount_paid"])


def line_taxes(ctx: Context, invoice: Obj, line: Obj) -> list[Obj]:
    """Give the taxes of a line: the given amounts, or those of its tax rates."""
    if line["_tax_amounts"]:
        return [given_tax(ctx, given) for given in line["_tax_amounts"]]
    rates = line["_tax_rates"] or [rate["id"] for rate in invoice["default_tax_rates"]]
    return [computed_tax(ctx, ctx.account.table("tax_rate")[rate], line) for rate in rates]


def given_tax(ctx: Context, given: Obj) -> Obj:
    """Give the tax of a line that came as an amount."""
    rate = catalog.tax_rate_for(ctx, given["tax_rate_data"])
    reason = given.get("taxability_reason", "not_available")
    return tax(rate, given["amount"], given["taxable_amount"], reason)


def computed_tax(ctx: Context, rate: Obj, line: Obj) -> Obj:
    """Give the tax of a line by a rate."""
    percentage, amount = Decimal(rate["_percentage"]), Decimal(line["amount"])
    if rate["inclusive"]:
        exact = amount - amount / (1 + percentage / 100)
    else:
        exact = amount * percentage / 100
    value = rounded(exact, ctx.switches["line_rounding"])
    base = line["amount"] - value if rate["inclusive"] else line["amount"]
    return tax(rate, value, base, "not_available")


def tax(rate: Obj, amount: int, taxable: int, reason: str) -> Obj:
    """Give a tax as lines and invoices answer it."""
    return {
        "amount": amount,
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason,
        "taxable_amount": taxable,
        "type": "tax_rate_details",
    }


def summed(taxes: list[Obj]) -> list[Obj]:
    """Add up taxes of the same rate and reason."""
    sums: dict[tuple[str, str], Obj] = {}
    for one in taxes:
        key = (one["tax_rate_details"]["tax_rate"], one["taxability_reason"])
        if key in sums:
            sums[key]["amount"] += one["amount"]
            sums[key]["taxable_amount"] += one["taxable_amount"]
        else:
            sums[key] = {**one, "tax_rate_details": dict(one["tax_rate_details"])}
    return list(sums.values())
