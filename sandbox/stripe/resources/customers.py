"""Customers and their tax ids."""

import re

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.countries import check_country
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.lists import newest_first
from sandbox.stripe.operation import Call, Listing, Operation, listing, retrieve
from sandbox.stripe.resources import customer_balance
from sandbox.stripe.types import Obj

EMAIL = re.compile(r"^[^@\s,;]+@[^@\s,;]+\.[^@\s,;.]{2,}$")
INVOICE_PREFIX = re.compile(r"^[A-Z0-9]{1,12}$")
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
PLAIN_FIELDS = (
    *("name", "email", "phone", "description", "individual_name", "business_name"),
    *("preferred_locales", "tax_exempt", "next_invoice_sequence", "invoice_prefix"),
)
MAX_CUSTOM_FIELDS = 4


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/customers."""
    check(call.params)
    for tax_id in call.get("tax_id_data") or []:
        check_tax_id(tax_id)
    customer = blank(ctx)
    apply(customer, call.params)
    ctx.account.add(customer)
    for tax_id in call.get("tax_id_data") or []:
        add_tax_id(ctx, customer, tax_id)
    raise_event(ctx, "customer.created", customer)
    set_balance(ctx, customer, call.params)
    return customer


def blank(ctx: Context) -> Obj:
    """Give a customer with nothing filled in."""
    return {
        "id": ctx.ids.make("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": ctx.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": ctx.ids.upper(8),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": ctx.account.livemode,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
        "_cash": {},
        "_reconciliation_mode": "merchant_default",
    }


def check(params: Obj) -> None:
    """Refuse what the schema alone cannot."""
    email = params.get("email")
    if email and not EMAIL.match(email):
        raise refuse(f"Invalid email address: {email}", param="email", code="email_invalid")
    prefix = params.get("invoice_prefix")
    if prefix and not INVOICE_PREFIX.match(prefix):
        message = "Invoice prefixes must be 1 to 12 upper-case letters or digits."
        raise refuse(message, param="invoice_prefix")
    check_country(params.get("address"), "address[country]")
    shipping = params.get("shipping")
    if shipping:
        check_country(shipping["address"], "shipping[address][country]")
    settings = params.get("invoice_settings") or {}
    check_custom_fields(settings.get("custom_fields"), "invoice_settings[custom_fields]")
    for name in ("source", "payment_method", "default_source"):
        if params.get(name):
            message = f"No such {name.replace('default_', '')}: '{params[name]}'"
            raise refuse(message, param=name, code="resource_missing")


def check_custom_fields(fields: object, param: str) -> None:
    """Refuse more custom fields than an invoice shows."""
    if isinstance(fields, list) and len(fields) > MAX_CUSTOM_FIELDS:
        raise refuse(f"You can specify up to {MAX_CUSTOM_FIELDS} custom fields.", param=param)


def apply(customer: Obj, params: Obj) -> None:
    """Set what was given; an empty text clears."""
    for name in PLAIN_FIELDS:
        if name in params:
            customer[name] = or_null(params[name])
    if customer["tax_exempt"] is None:
        customer["tax_exempt"] = "none"
    for name in ("individual_name", "business_name"):
        if customer.get(name) is None:
            customer.pop(name, None)
    if "address" in params:
        customer["address"] = merged_address(customer["address"], params["address"])
    if "shipping" in params:
        customer["shipping"] = shipping_of(params["shipping"])
    apply_settings(customer, params)
    merge_metadata(customer, params)


def apply_settings(customer: Obj, params: Obj) -> None:
    """Set invoice settings and how bank transfers are matched."""
    for name, value in (params.get("invoice_settings") or {}).items():
        customer["invoice_settings"][name] = or_null(value)
    cash = (params.get("cash_balance") or {}).get("settings") or {}
    if "reconciliation_mode" in cash:
        customer["_reconciliation_mode"] = cash["reconciliation_mode"]


def merged_address(old: Obj | None, given: object) -> Obj | None:
    """Merge an address leaf by leaf; it answers with all six keys."""
    if not isinstance(given, dict):
        return None
    merged = dict.fromkeys(ADDRESS) | (old or {})
    return merged | {name: or_null(value) for name, value in given.items()}


def shipping_of(given: object) -> Obj | None:
    """Give the shipping details as they are answered."""
    if not isinstance(given, dict):
        return None
    address = merged_address(None, given["address"])
    return {"address": address, "name": given["name"], "phone": or_null(given.get("phone"))}


def set_balance(ctx: Context, customer: Obj, params: Obj) -> None:
    """Set the credit balance to a figure, which is booked as an adjustment."""
    change = params.get("balance", customer["balance"]) - customer["balance"]
    if change:
        currency = customer["currency"] or ctx.account.default_currency
        customer_balance.book(ctx, customer, change, currency=currency, kind="adjustment")


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/customers/{customer}."""
    customer = ctx.get("customer", call.path["customer"], param="id", in_path=True)
    if customer.get("deleted"):
        raise refuse_deleted(customer)
    check(call.params)
    watch = Watch(ctx, customer)
    apply(customer, call.params)
    set_balance(ctx, customer, call.params)
    watch.updated("customer.updated")
    return customer


def refuse_deleted(customer: Obj) -> Exception:
    """Give the refusal of work on a deleted customer."""
    refusal = refuse(f"No such customer: '{customer['id']}'", param="id", code="resource_missing")
    refusal.status = 404
    return refusal


def delete(ctx: Context, call: Call) -> Obj:
    """DELETE /v1/customers/{customer}."""
    customer = ctx.get("customer", call.path["customer"], param="id", in_path=True)
    if customer.get("deleted"):
        raise refuse_deleted(customer)
    raise_event(ctx, "customer.deleted", customer)
    ctx.account.drop(customer)
    return ctx.account.add({"id": customer["id"], "object": "customer", "deleted": True})


def check_tax_id(params: Obj) -> None:
    """Refuse an empty number."""
    if not params["value"].strip():
        raise refuse(f"Invalid value for {params['type']}.", param="value", code="tax_id_invalid")


def add_tax_id(ctx: Context, customer: Obj, params: Obj) -> Obj:
    """Give a customer a tax id."""
    tax_id = ctx.account.add(
        {
            "id": ctx.ids.make("txi"),
            "object": "tax_id",
            "country": params["type"][:2].upper(),
            "created": ctx.now,
            "customer": customer["id"],
            "livemode": ctx.account.livemode,
            "owner": {"type": "customer", "customer": customer["id"]},
            "type": params["type"],
            "value": params["value"],
            "verification": {
                "status": "unavailable",
                "verified_address": None,
                "verified_name": None,
            },
        }
    )
    raise_event(ctx, "customer.tax_id.created", tax_id)
    return tax_id


def owner(ctx: Context, call: Call) -> Obj:
    """Give the living customer named in the path."""
    customer = ctx.get("customer", call.path["customer"], param="customer", in_path=True)
    if customer.get("deleted"):
        raise refuse_deleted(customer)
    return customer


def create_tax_id(ctx: Context, call: Call) -> Obj:
    """POST /v1/customers/{customer}/tax_ids."""
    customer = owner(ctx, call)
    check_tax_id(call.params)
    return add_tax_id(ctx, customer, call.params)


def list_tax_ids(ctx: Context, call: Call) -> Listing:
    """GET /v1/customers/{customer}/tax_ids."""
    customer = owner(ctx, call)
    rows = [t for t in newest_first(ctx.account, "tax_id") if t["customer"] == customer["id"]]
    return Listing(rows, f"/v1/customers/{customer['id']}/tax_ids")


def delete_tax_id(ctx: Context, call: Call) -> Obj:
    """DELETE /v1/customers/{customer}/tax_ids/{id}."""
    owner(ctx, call)
    tax_id = ctx.get("tax_id", call.path["id"], param="id", in_path=True)
    ctx.account.drop(tax_id)
    raise_event(ctx, "customer.tax_id.deleted", tax_id)
    return {"id": tax_id["id"], "object": "tax_id", "deleted": True}


ONE = "/v1/customers/{customer}"
TAX_IDS = "/v1/customers/{customer}/tax_ids"
OPERATIONS = [
    Operation("POST", "/v1/customers", create, "customer"),
    Operation("GET", "/v1/customers", listing("customer", "/v1/customers", "email"), "customer"),
    Operation("GET", ONE, retrieve("customer", "customer", in_error="id"), "customer"),
    Operation("POST", ONE, update, "customer"),
    Operation("DELETE", ONE, delete, "customer"),
    Operation("POST", TAX_IDS, create_tax_id, "customer"),
    Operation("GET", TAX_IDS, list_tax_ids, "customer"),
    Operation("GET", f"{TAX_IDS}/{{id}}", retrieve("tax_id", "id"), "customer"),
    Operation("DELETE", f"{TAX_IDS}/{{id}}", delete_tax_id, "customer"),
]
