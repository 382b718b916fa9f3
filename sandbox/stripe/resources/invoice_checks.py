"""What Stripe refuses on an invoice before it writes anything."""

import re

from sandbox.stripe.context import Context
from sandbox.stripe.errors import refuse
from sandbox.stripe.money import check_currency
from sandbox.stripe.resources.customers import check_custom_fields
from sandbox.stripe.types import Obj

HOUR_S = 3600
FIVE_YEARS_S = 5 * 366 * 86_400
# Parameters for platforms and subscriptions; an account of its own has no use for them.
FOR_PLATFORMS = ("application_fee_amount", "on_behalf_of", "transfer_data")
NOT_SIMULATED = ("shipping_cost", "subscription", "customer_account", "default_source")
DESCRIPTOR = re.compile(r"^(?=.*[A-Za-z])[^<>'\"*\\]{1,22}$")
MISSING_EMAIL = (
    "Missing email. In order to create invoices that are sent to the customer, the customer must "
    "have a valid email."
)


def check_create(ctx: Context, customer: Obj, params: Obj) -> None:
    """Refuse a new invoice that Stripe would refuse."""
    if "currency" in params:
        check_currency(params["currency"], param="currency")
    check_pending_currency(ctx, customer, params)
    method = str(params.get("collection_method", "charge_automatically"))
    check_due(ctx, method, params, needed=True)
    if method == "send_invoice" and not customer["email"]:
        raise refuse(MISSING_EMAIL)
    check_common(ctx, params)


def check_update(ctx: Context, invoice: Obj, params: Obj) -> None:
    """Refuse a change of a draft that Stripe would refuse."""
    method = str(params.get("collection_method", invoice["collection_method"]))
    check_due(ctx, method, params, needed=invoice["due_date"] is None)
    customer = ctx.account.table("customer")[invoice["customer"]]
    if method == "send_invoice" and not customer.get("email"):
        raise refuse(MISSING_EMAIL)
    if params.get("default_tax_rates") and any(
        line["_tax_amounts"] for line in ctx.account.lines[invoice["id"]]
    ):
        message = "You cannot specify `default_tax_rates` with line items that have `tax_amounts`."
        raise refuse(message, param="default_tax_rates")
    check_common(ctx, params, own_number=invoice["number"])


def check_due(ctx: Context, method: str, params: Obj, *, needed: bool) -> None:
    """Refuse anything but exactly one due date for `send_invoice`, none otherwise."""
    given = [name for name in ("due_date", "days_until_due") if name in params]
    if method != "send_invoice" and given:
        raise refuse(
            f"You cannot specify `{given[0]}` unless `collection_method` is `send_invoice`.",
            param=given[0],
        )
    if len(given) == 2:
        message = "You may only specify one of these parameters: due_date, days_until_due."
        raise refuse(message, param="due_date")
    if method == "send_invoice" and needed and not given:
        raise refuse(
            "When `collection_method` is `send_invoice`, you must specify `due_date` or "
            "`days_until_due`.",
            param="days_until_due",
        )
    if "due_date" in params:
        check_future(ctx, params["due_date"])
    days = params.get("days_until_due")
    refused_below = 1 if ctx.switches["days_until_due_zero"] == "refused" else 0
    if days is not None and days < refused_below:
        message = f"This value must be greater than or equal to {refused_below}."
        raise refuse(message, param="days_until_due", code="parameter_invalid_integer")


def check_future(ctx: Context, due_date: int) -> None:
    """Refuse a due date that is not in the future."""
    distance = HOUR_S if ctx.switches["due_date_least_distance"] == "one_hour" else 0
    if due_date <= ctx.now + distance:
        message = "Invalid timestamp: must be an integer Unix timestamp in the future."
        raise refuse(message, param="due_date")


def check_pending_currency(ctx: Context, customer: Obj, params: Obj) -> None:
    """Refuse a currency that differs from that of invoice items still pending."""
    wanted = params.get("currency", "").lower()
    for item in ctx.account.pending_items.values():
        own = item["customer"] == customer["id"]
        if wanted and own and item["currency"] != wanted:
            raise refuse(
                "You cannot combine currencies on a single customer. This customer has an active "
                "subscription, subscription schedule, discount, quote, invoice item or active "
                f"subscription mode checkout session with currency {item['currency']}."
            )


def check_common(ctx: Context, params: Obj, own_number: str | None = None) -> None:
    """Refuse what neither create nor update takes."""
    check_custom_fields(params.get("custom_fields"), "custom_fields")
    check_not_for_us(params)
    descriptor = params.get("statement_descriptor")
    if descriptor and not DESCRIPTOR.match(descriptor):
        message = "The statement descriptor must contain at least one letter and no <>'\"*\\."
        raise refuse(message, param="statement_descriptor")
    for position, rate in enumerate(params.get("default_tax_rates") or []):
        ctx.get("tax_rate", rate, param=f"default_tax_rates[{position}]")
    check_schedule(ctx, params)
    if params.get("number") and params["number"] != own_number:
        check_number(ctx, params["number"])


def check_not_for_us(params: Obj) -> None:
    """Refuse what needs a platform, a coupon, or the tax product."""
    for name in FOR_PLATFORMS:
        if params.get(name):
            raise refuse(f"`{name}` can only be used with Stripe Connect.", param=name)
    for name in NOT_SIMULATED:
        if params.get(name):
            message = f"No such {name}: '{params[name]}'"
            raise refuse(message, param=name, code="resource_missing")
    if params.get("discounts"):
        coupon = next(iter(params["discounts"][0].values()), "")
        message = f"No such coupon: '{coupon}'"
        raise refuse(message, param="discounts[0][coupon]", code="resource_missing")
    if (params.get("automatic_tax") or {}).get("enabled"):
        raise refuse(
            "You must have a valid head office address to enable automatic tax calculation.",
            param="automatic_tax[enabled]",
        )


def check_schedule(ctx: Context, params: Obj) -> None:
    """Refuse a scheduled finalization that is past, too far, or without auto_advance."""
    at = params.get("automatically_finalizes_at")
    if at is None:
        return
    if not params.get("auto_advance"):
        message = "`automatically_finalizes_at` requires `auto_advance` to be true."
        raise refuse(message, param="automatically_finalizes_at")
    if not ctx.now < at <= ctx.now + FIVE_YEARS_S:
        message = "`automatically_finalizes_at` must be in the future, at most 5 years from now."
        raise refuse(message, param="automatically_finalizes_at")


def check_number(ctx: Context, number: str) -> None:
    """Refuse a number that another invoice of the account has."""
    if ctx.switches["duplicate_number"] == "allowed":
        return
    invoices = ctx.account.table("invoice")
    void_frees = ctx.switches["number_of_void_invoice"] == "freed"
    kept = ctx.switches["number_of_deleted_draft"] == "kept"
    taken = any(
        row["number"] == number
        and not (void_frees and row["status"] == "void")
        and (kept or row["id"] in invoices)
        for row in ctx.account.numbered.get(number, [])
    )
    if taken:
        raise refuse(f"An invoice with the number '{number}' already exists.", param="number")
