"""Products, prices and tax rates. Most of them are minted by invoice lines."""

from decimal import Decimal

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.money import check_currency
from sandbox.stripe.operation import Call, Operation, listing, retrieve
from sandbox.stripe.types import Obj

TAX_DATA = (
    *("country", "description", "display_name", "inclusive", "jurisdiction"),
    *("jurisdiction_level", "percentage", "state", "tax_type"),
)


def mint_product(ctx: Context, data: Obj, *, active: bool) -> Obj:
    """Keep a new product."""
    return ctx.account.add(
        {
            "id": data.get("id") or ctx.ids.make("prod"),
            "object": "product",
            "active": active,
            "created": ctx.now,
            "default_price": None,
            "description": or_null(data.get("description")),
            "images": data.get("images", []),
            "livemode": ctx.account.livemode,
            "marketing_features": [],
            "metadata": data.get("metadata", {}),
            "name": data["name"],
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": data.get("statement_descriptor"),
            "tax_code": data.get("tax_code"),
            "type": "service",
            "unit_label": data.get("unit_label"),
            "updated": ctx.now,
            "url": None,
        }
    )


def mint_price(ctx: Context, product_id: str, data: Obj, *, active: bool) -> Obj:
    """Keep a new one-time price."""
    unit = unit_amount(data)
    return ctx.account.add(
        {
            "id": ctx.ids.make("price"),
            "object": "price",
            "active": active,
            "billing_scheme": "per_unit",
            "created": ctx.now,
            "currency": data["currency"].lower(),
            "custom_unit_amount": None,
            "livemode": ctx.account.livemode,
            "lookup_key": data.get("lookup_key"),
            "metadata": data.get("metadata", {}),
            "nickname": data.get("nickname"),
            "product": product_id,
            "recurring": None,
            "tax_behavior": data.get("tax_behavior", "unspecified"),
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": int(unit) if unit == unit.to_integral_value() else None,
            "unit_amount_decimal": decimal_text(unit),
        }
    )


def unit_amount(data: Obj) -> Decimal:
    """Give the price of one, in minor units; exactly one of the two forms must be there."""
    given = [name for name in ("unit_amount", "unit_amount_decimal") if name in data]
    if len(given) == 2:
        message = "You may only specify one of these parameters: unit_amount, unit_amount_decimal."
        raise refuse(message, param="price_data[unit_amount]")
    if not given:
        raise refuse(
            "Missing required param: price_data[unit_amount].",
            param="price_data[unit_amount]",
            code="parameter_missing",
        )
    unit = Decimal(data[given[0]])
    if unit < 0:
        message = "This value must be greater than or equal to 0."
        raise refuse(message, param=f"price_data[{given[0]}]", code="parameter_invalid_integer")
    return unit


def decimal_text(value: Decimal) -> str:
    """Write a decimal as Stripe does: no exponent, no trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def product_for(ctx: Context, data: Obj, param: str) -> str:
    """Give the product that price data names, or mint the one it describes."""
    if ("product" in data) == ("product_data" in data):
        message = "You must specify exactly one of these parameters: product, product_data."
        raise refuse(message, param=param)
    if "product" in data:
        product_id: str = ctx.get("product", data["product"], param=f"{param}[product]")["id"]
        return product_id
    minted: str = mint_product(ctx, data["product_data"], active=False)["id"]
    return minted


def mint_tax_rate(ctx: Context, data: Obj, *, active: bool) -> Obj:
    """Keep a new tax rate."""
    percentage = Decimal(data["percentage"])
    if not 0 <= percentage <= 100:
        message = "Invalid percentage: must be between 0 and 100"
        raise refuse(message, param="percentage")
    if percentage != round(percentage, 4):
        message = "Invalid percentage: must have at most 4 decimal places"
        raise refuse(message, param="percentage")
    shown = int(percentage) if percentage == int(percentage) else float(percentage)
    return ctx.account.add(
        {
            "id": ctx.ids.make("txr"),
            "object": "tax_rate",
            "active": active,
            "country": or_null(data.get("country")),
            "created": ctx.now,
            "description": or_null(data.get("description")),
            "display_name": data["display_name"],
            "effective_percentage": shown,
            "flat_amount": None,
            "inclusive": data["inclusive"],
            "jurisdiction": or_null(data.get("jurisdiction")),
            "jurisdiction_level": data.get("jurisdiction_level"),
            "livemode": ctx.account.livemode,
            "metadata": data.get("metadata", {}),
            "percentage": shown,
            "rate_type": "percentage",
            "state": or_null(data.get("state")),
            "tax_type": data.get("tax_type"),
            # The exact figure, for arithmetic.
            "_percentage": str(percentage),
        }
    )


def tax_rate_for(ctx: Context, data: Obj) -> Obj:
    """Give the automatic (archived) tax rate for tax data; the same data give the same rate."""
    longest = int(ctx.switches["tax_display_name_maximum"])
    if len(data["display_name"]) > longest:
        message = f"Invalid string: must be at most {longest} characters"
        raise refuse(message, param="tax_rate_data[display_name]")
    key = repr([str(data.get(name)) for name in TAX_DATA])
    for rate in ctx.account.table("tax_rate").values():
        if rate.get("_data") == key:
            return rate
    rate = mint_tax_rate(ctx, data, active=False)
    rate["_data"] = key
    return rate


def create_product(ctx: Context, call: Call) -> Obj:
    """POST /v1/products."""
    product = mint_product(ctx, call.params, active=call.params.get("active", True))
    raise_event(ctx, "product.created", product)
    return product


def update_product(ctx: Context, call: Call) -> Obj:
    """POST /v1/products/{id}."""
    product = ctx.get("product", call.path["id"], param="id", in_path=True)
    watch = Watch(ctx, product)
    for name in ("active", "name", "description", "unit_label", "url", "tax_code"):
        if name in call.params:
            product[name] = or_null(call.params[name])
    merge_metadata(product, call.params)
    watch.updated("product.updated")
    return product


def create_price(ctx: Context, call: Call) -> Obj:
    """POST /v1/prices."""
    check_currency(call.params["currency"], param="currency")
    if call.get("recurring") or call.get("tiers"):
        raise refuse("Only one-time prices are simulated here.", param="recurring")
    unit_amount(call.params)
    product_id = product_for(ctx, call.params, "product")
    price = mint_price(ctx, product_id, call.params, active=call.params.get("active", True))
    raise_event(ctx, "price.created", price)
    return price


def create_tax_rate(ctx: Context, call: Call) -> Obj:
    """POST /v1/tax_rates."""
    rate = mint_tax_rate(ctx, call.params, active=call.params.get("active", True))
    raise_event(ctx, "tax_rate.created", rate)
    return rate


def update_tax_rate(ctx: Context, call: Call) -> Obj:
    """POST /v1/tax_rates/{tax_rate}."""
    rate = ctx.get("tax_rate", call.path["tax_rate"], param="tax_rate", in_path=True)
    watch = Watch(ctx, rate)
    for name in ("active", "country", "description", "display_name", "jurisdiction", "state"):
        if name in call.params:
            rate[name] = or_null(call.params[name])
    merge_metadata(rate, call.params)
    watch.updated("tax_rate.updated")
    return rate


OPERATIONS = [
    Operation("POST", "/v1/products", create_product, "product"),
    Operation("GET", "/v1/products", listing("product", "/v1/products", "active"), "product"),
    Operation("GET", "/v1/products/{id}", retrieve("product", "id"), "product"),
    Operation("POST", "/v1/products/{id}", update_product, "product"),
    Operation("POST", "/v1/prices", create_price, "plan"),
    Operation("GET", "/v1/prices", listing("price", "/v1/prices", "active", "product"), "plan"),
    Operation("GET", "/v1/prices/{price}", retrieve("price", "price"), "plan"),
    Operation("POST", "/v1/tax_rates", create_tax_rate, "tax_rate"),
    Operation("GET", "/v1/tax_rates", listing("tax_rate", "/v1/tax_rates", "active"), "tax_rate"),
    Operation("GET", "/v1/tax_rates/{tax_rate}", retrieve("tax_rate", "tax_rate"), "tax_rate"),
    Operation("POST", "/v1/tax_rates/{tax_rate}", update_tax_rate, "tax_rate"),
]
