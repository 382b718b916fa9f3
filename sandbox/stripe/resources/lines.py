"""The lines of a draft invoice: checked, priced, taxed; each mints an invoice item."""

from decimal import Decimal

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import InvalidParametersError, StripeRefusedError, refuse
from sandbox.stripe.money import check_chargeable, check_currency, rounded
from sandbox.stripe.resources import catalog
from sandbox.stripe.types import Obj

MAX_LINES = 250
MAX_TAX_AMOUNTS = 20
# Pairs of line fields that exclude each other, in the order Stripe names them.
EXCLUSIVE = (
    ("amount", "quantity"),
    ("amount", "quantity_decimal"),
    ("amount", "price_data"),
    ("amount", "pricing"),
    ("price_data", "pricing"),
    ("quantity", "quantity_decimal"),
    ("tax_amounts", "tax_rates"),
)
PRICED_BY = ("amount", "price_data", "pricing")


def check_line(ctx: Context, invoice: Obj, given: Obj, where: str) -> None:
    """Refuse a line that the schema lets pass but Stripe does not."""
    for first, second in EXCLUSIVE:
        if present(given, first) and present(given, second):
            raise InvalidParametersError(
                f"You may only specify one of these parameters: {first}, {second}.",
                param=where_is(where, first),
            )
    if given.get("discounts"):
        coupon = next(iter(given["discounts"][0].values()), "")
        raise refuse(f"No such coupon: '{coupon}'", param=where_is(where, "discounts"))
    if "amount" in given:
        check_chargeable(given["amount"], invoice["currency"], param=where_is(where, "amount"))
    if given.get("quantity", 1) < 0:
        message = "This value must be greater than or equal to 0."
        raise InvalidParametersError(message, param=where_is(where, "quantity"))
    check_price_data(invoice, given, where)
    check_taxes(ctx, invoice, given, where)
    check_period(given, where)


def present(given: Obj, name: str) -> bool:
    """Whether a field says something."""
    return given.get(name) not in (None, "", [])


def where_is(where: str, name: str) -> str:
    """Give the name of a line's field for an error."""
    return f"{where}[{name}]" if where else name


def check_period(given: Obj, where: str) -> None:
    """Refuse a period that ends before it starts."""
    period = given.get("period")
    if period and period["end"] < period["start"]:
        message = "The period's end must be greater than or equal to its start."
        raise refuse(message, param=where_is(where, "period[end]"))


def check_price_data(invoice: Obj, given: Obj, where: str) -> None:
    """Refuse price data in another currency or without an amount."""
    data = given.get("price_data")
    if not data:
        return
    currency = check_currency(data["currency"], param=where_is(where, "price_data[currency]"))
    if currency != invoice["currency"]:
        raise other_currency(currency, invoice, where_is(where, "price_data"))
    catalog.unit_amount(data)
    if ("product" in data) == ("product_data" in data):
        message = "You must specify exactly one of these parameters: product, product_data."
        raise refuse(message, param=where_is(where, "price_data"))


def other_currency(currency: str, invoice: Obj, param: str) -> StripeRefusedError:
    """Give the refusal of a line in another currency than its invoice."""
    message = (
        f"The currency of the line item (`{currency}`) does not match the currency of the "
        f"invoice (`{invoice['currency']}`)."
    )
    return refuse(message, param=param)


def check_taxes(ctx: Context, invoice: Obj, given: Obj, where: str) -> None:
    """Refuse taxes that exclude each other, too many of them, or unknown rates."""
    for position, rate in enumerate(given.get("tax_rates") or []):
        ctx.get("tax_rate", rate, param=where_is(where, f"tax_rates[{position}]"))
    amounts = given.get("tax_amounts") or []
    if not amounts:
        return
    param = where_is(where, "tax_amounts")
    if len(amounts) > MAX_TAX_AMOUNTS:
        raise refuse(f"You can specify up to {MAX_TAX_AMOUNTS} tax amounts.", param=param)
    if invoice["default_tax_rates"] or uses_tax_rates(ctx, invoice):
        raise refuse(
            "You cannot specify `tax_amounts` on an invoice with `default_tax_rates`, or with "
            "line items that have `tax_rates`.",
            param=param,
        )
    for amount in amounts:
        catalog.tax_rate_for(ctx, amount["tax_rate_data"])


def uses_tax_rates(ctx: Context, invoice: Obj) -> bool:
    """Whether a line of the invoice is taxed by tax rates."""
    return any(line["_tax_rates"] for line in ctx.account.lines.get(invoice["id"], []))


def add(ctx: Context, invoice: Obj, given: Obj) -> Obj:
    """Add a checked line, with the invoice item, price and product behind it."""
    line: Obj = {
        "id": ctx.ids.make("il"),
        "object": "line_item",
        "amount": 0,
        "currency": invoice["currency"],
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": ctx.account.livemode,
        "metadata": {},
        "parent": None,
        "period": {"start": ctx.now, "end": ctx.now},
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": "1",
        "subscription": None,
        "subtotal": 0,
        "taxes": [],
        "_tax_rates": [],
        "_tax_amounts": [],
        "_item": None,
    }
    apply(ctx, invoice, line, given)
    line["_item"] = given.get("_item") or mint_item(ctx, invoice, line)
    line["parent"] = parent_of(line["_item"])
    ctx.account.by_id[line["id"]] = line
    return line


def parent_of(item_id: str) -> Obj:
    """Give the `parent` of a line: the invoice item behind it."""
    return {
        "type": "invoice_item_details",
        "invoice_item_details": {
            "invoice_item": item_id,
            "proration": False,
            "proration_details": None,
            "subscription": None,
        },
        "subscription_item_details": None,
    }


def mint_item(ctx: Context, invoice: Obj, line: Obj) -> str:
    """Keep the invoice item behind a line."""
    item = ctx.account.add(
        {
            "id": ctx.ids.make("ii"),
            "object": "invoiceitem",
            "amount": line["amount"],
            "currency": line["currency"],
            "customer": invoice["customer"],
            "date": ctx.now,
            "description": line["description"],
            "discountable": line["discountable"],
            "discounts": [],
            "invoice": invoice["id"],
            "livemode": ctx.account.livemode,
            "metadata": dict(line["metadata"]),
            "parent": None,
            "period": dict(line["period"]),
            "pricing": line["pricing"],
            "proration": False,
            "quantity": int(Decimal(line["quantity_decimal"])),
            "quantity_decimal": line["quantity_decimal"],
            "tax_rates": [],
            "test_clock": None,
        }
    )
    item_id: str = item["id"]
    return item_id


def apply(ctx: Context, invoice: Obj, line: Obj, given: Obj) -> None:
    """Set on a line what was given."""
    price(ctx, invoice, line, given)
    if "description" in given:
        line["description"] = or_null(given["description"])
    elif line["description"] is None and line["pricing"]:
        product = line["pricing"]["price_details"]["product"]
        line["description"] = ctx.account.table("product")[product]["name"]
    if "period" in given:
        line["period"] = dict(given["period"])
    line["discountable"] = given.get("discountable", line["amount"] >= 0)
    if "tax_amounts" in given:
        line["_tax_amounts"] = given["tax_amounts"] or []
    if "tax_rates" in given:
        line["_tax_rates"] = given["tax_rates"] or []
    merge_metadata(line, given)


def price(ctx: Context, invoice: Obj, line: Obj, given: Obj) -> None:
    """Set price, quantity and amount. A flat amount is one piece at that price."""
    quantity = Decimal(given.get("quantity_decimal") or given.get("quantity", 0) or 0)
    if "quantity" not in given and "quantity_decimal" not in given:
        quantity = Decimal(line["quantity_decimal"])
    if "amount" in given or (line["pricing"] is None and not any(k in given for k in PRICED_BY)):
        set_flat_amount(ctx, line, given)
        return
    if "price_data" in given:
        product = catalog.product_for(ctx, given["price_data"], "price_data")
        chosen = catalog.mint_price(ctx, product, given["price_data"], active=False)
    else:
        details = given.get("pricing") or line["pricing"]["price_details"]
        chosen = ctx.get("price", details["price"], param="pricing[price]")
    if chosen["currency"] != invoice["currency"]:
        raise other_currency(chosen["currency"], invoice, "pricing[price]")
    line["pricing"] = pricing(chosen)
    line["quantity_decimal"] = catalog.decimal_text(quantity)
    whole = quantity == quantity.to_integral_value()
    shows = whole or ctx.switches["fractional_quantity"] == "whole_part"
    line["quantity"] = int(quantity) if shows else None
    exact = quantity * Decimal(chosen["unit_amount_decimal"])
    line["amount"] = line["subtotal"] = rounded(exact, ctx.switches["line_rounding"])


def set_flat_amount(ctx: Context, line: Obj, given: Obj) -> None:
    """Give a line a flat amount; Stripe mints a one-off price for it all the same."""
    amount = given.get("amount", 0)
    name = given.get("description") or "Invoice item"
    product = catalog.mint_product(ctx, {"name": name}, active=False)
    data = {"currency": line["currency"], "unit_amount": abs(amount)}
    minted = catalog.mint_price(ctx, product["id"], data, active=False)
    minted["unit_amount"], minted["unit_amount_decimal"] = amount, str(amount)
    line["pricing"] = pricing(minted)
    line["quantity"], line["quantity_decimal"] = 1, "1"
    line["amount"] = line["subtotal"] = amount


def pricing(chosen: Obj) -> Obj:
    """Give the `pricing` of a line."""
    return {
        "type": "price_details",
        "price_details": {"price": chosen["id"], "product": chosen["product"]},
        "unit_amount_decimal": chosen["unit_amount_decimal"],
    }
