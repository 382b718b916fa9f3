"""Invoices: create, read, list, update, delete."""

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import StripeRefusedError, refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.lists import newest_first
from sandbox.stripe.operation import Call, Listing, Operation, retrieve
from sandbox.stripe.resources import invoice_checks as checks
from sandbox.stripe.resources import revisions, totals
from sandbox.stripe.resources.invoiceitems import sweep_pending
from sandbox.stripe.types import Obj

AUTO_FINALIZE_AFTER_S = 3601
DAY_S = 86_400
# Fields that are set as they come; an empty text clears.
PLAIN_FIELDS = (
    *("description", "footer", "number", "statement_descriptor", "custom_fields"),
    *("effective_at", "auto_advance", "automatically_finalizes_at", "default_payment_method"),
    *("collection_method", "rendering", "shipping_details"),
)
# What a fresh draft answers with 0, and with null.
ZEROS = (
    *("amount_due", "amount_paid", "amount_remaining", "amount_overpaid", "amount_shipping"),
    *("attempt_count", "post_payment_credit_notes_amount", "pre_payment_credit_notes_amount"),
    *("starting_balance", "subtotal", "subtotal_excluding_tax", "total"),
    "total_excluding_tax",
)
NULLS = (
    *("account_tax_ids", "application", "automatically_finalizes_at", "customer_account"),
    *("default_payment_method", "default_source", "description", "due_date", "effective_at"),
    *("ending_balance", "from_invoice", "hosted_invoice_url", "invoice_pdf"),
    *("last_finalization_error", "latest_revision", "next_payment_attempt", "number"),
    *("on_behalf_of", "parent", "receipt_number", "rendering", "shipping_cost"),
    *("shipping_details", "statement_descriptor", "test_clock"),
)
# What may still change once an invoice is finalized.
WRITABLE_WHEN_FINAL = frozenset({"metadata", "auto_advance", "payment_settings"})


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices."""
    if "from_invoice" in call.params:
        return revisions.create(ctx, call.params)
    if "customer" not in call.params:
        message = "Missing required param: customer."
        raise refuse(message, param="customer", code="parameter_missing")
    customer = ctx.get("customer", call.params["customer"], param="customer")
    checks.check_create(ctx, customer, call.params)
    invoice = blank(ctx, customer, call.params)
    apply(ctx, invoice, call.params)
    ctx.account.add(invoice)
    ctx.account.lines[invoice["id"]] = []
    if call.get("pending_invoice_items_behavior") == "include":
        sweep_pending(ctx, invoice)
    totals.recompute(ctx, invoice)
    set_alarms(ctx, invoice)
    raise_event(ctx, "invoice.created", invoice)
    return invoice


def blank(ctx: Context, customer: Obj, params: Obj) -> Obj:
    """Give a draft with nothing filled in but its customer."""
    currency = params.get("currency") or customer["currency"] or ctx.account.default_currency
    invoice: Obj = {
        "id": ctx.ids.make("in"),
        "object": "invoice",
        **dict.fromkeys(ZEROS, 0),
        **dict.fromkeys(NULLS),
        **lists_and_settings(ctx),
        "account_country": ctx.account.country,
        "account_name": ctx.account.name,
        "billing_reason": "manual",
        "collection_method": "charge_automatically",
        "created": ctx.now,
        "currency": currency.lower(),
        "customer": customer["id"],
        "custom_fields": customer["invoice_settings"]["custom_fields"],
        "footer": customer["invoice_settings"]["footer"],
        "livemode": ctx.account.livemode,
        "metadata": {},
        "period_end": ctx.now,
        "period_start": ctx.now,
        "status": "draft",
        "webhooks_delivered_at": ctx.now,
        "_amount_paid_off_stripe": 0,
        "_confirmation_secret": None,
        "_sent": False,
    }
    copy_customer(ctx, invoice)
    return invoice


def lists_and_settings(ctx: Context) -> Obj:
    """Give the nested fields of a draft."""
    del ctx
    return {
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "enabled": False,
            "disabled_reason": None,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "default_tax_rates": [],
        "discounts": [],
        "issuer": {"type": "self"},
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "total_discount_amounts": [],
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def copy_customer(ctx: Context, invoice: Obj) -> None:
    """Copy what an invoice shows of its customer; done until it is finalized."""
    customer = ctx.account.table("customer").get(invoice["customer"])
    if customer is None or customer.get("deleted"):
        return
    for name in ("name", "email", "phone", "address", "shipping", "tax_exempt"):
        invoice[f"customer_{name}"] = customer[name]
    invoice["customer_tax_ids"] = [
        {"type": tax_id["type"], "value": tax_id["value"]}
        for tax_id in ctx.account.table("tax_id").values()
        if tax_id["customer"] == customer["id"]
    ]


def apply(ctx: Context, invoice: Obj, params: Obj) -> None:
    """Set on a draft what was given."""
    for name in PLAIN_FIELDS:
        if name in params:
            invoice[name] = or_null(params[name])
    if params.get("number"):
        ctx.account.numbered.setdefault(params["number"], []).append(invoice)
    if "due_date" in params:
        invoice["due_date"] = params["due_date"]
    elif "days_until_due" in params:
        invoice["due_date"] = invoice["created"] + params["days_until_due"] * DAY_S
    if invoice["collection_method"] == "charge_automatically":
        invoice["due_date"] = None
    if "default_tax_rates" in params:
        rates = params["default_tax_rates"] or []
        invoice["default_tax_rates"] = [
            {k: v for k, v in ctx.account.table("tax_rate")[rate].items() if k[0] != "_"}
            for rate in rates
        ]
    set_payment_settings(invoice, params)
    merge_metadata(invoice, params)


def set_payment_settings(invoice: Obj, params: Obj) -> None:
    """Set how the invoice may be paid; an empty list means the account's own settings."""
    settings = params.get("payment_settings") or {}
    if "payment_method_types" in settings:
        chosen = settings["payment_method_types"] or None
        invoice["payment_settings"]["payment_method_types"] = chosen


def set_alarms(ctx: Context, invoice: Obj) -> None:
    """Have Stripe finalize a draft by itself where that was asked for."""
    if not invoice["auto_advance"]:
        return
    at = invoice["automatically_finalizes_at"] or invoice["created"] + AUTO_FINALIZE_AFTER_S
    invoice["automatically_finalizes_at"] = at
    ctx.account.set_alarm(at, "finalize_invoice", invoice["id"])


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}."""
    invoice = ctx.get("invoice", call.path["invoice"], param="id", in_path=True)
    watch = Watch(ctx, invoice)
    if invoice["status"] != "draft":
        update_final(ctx, invoice, call.params)
    else:
        checks.check_update(ctx, invoice, call.params)
        apply(ctx, invoice, call.params)
        totals.recompute(ctx, invoice)
        set_alarms(ctx, invoice)
    watch.updated("invoice.updated")
    return invoice


def update_final(ctx: Context, invoice: Obj, params: Obj) -> None:
    """Change the little that a finalized invoice lets be changed."""
    writable = set(WRITABLE_WHEN_FINAL)
    if invoice["status"] == "open" and ctx.switches["due_date_on_open"] == "allowed":
        writable.add("due_date")
    for name in params:
        if name not in writable:
            message = "Finalized invoices can't be updated in this way"
            raise refuse(message, param=name)
    if "due_date" in params:
        checks.check_future(ctx, params["due_date"])
        invoice["due_date"] = params["due_date"]
        ctx.account.set_alarm(params["due_date"], "overdue_invoice", invoice["id"])
    if "auto_advance" in params:
        invoice["auto_advance"] = params["auto_advance"]
    set_payment_settings(invoice, params)
    merge_metadata(invoice, params)


def delete(ctx: Context, call: Call) -> Obj:
    """DELETE /v1/invoices/{invoice}: drafts only; swept items go with it."""
    invoice = ctx.get("invoice", call.path["invoice"], param="invoice", in_path=True)
    if invoice["status"] != "draft":
        raise not_deletable()
    for line in ctx.account.lines[invoice["id"]]:
        item = ctx.account.by_id.get(line["_item"])
        if item is not None:
            ctx.account.drop(item)
    raise_event(ctx, "invoice.deleted", invoice)
    ctx.account.drop(invoice)
    del ctx.account.lines[invoice["id"]]
    return {"id": invoice["id"], "object": "invoice", "deleted": True}


def not_deletable() -> StripeRefusedError:
    """Give the refusal to delete a finalized invoice."""
    return refuse("You can only delete draft invoices.", param="invoice")


def list_all(ctx: Context, call: Call) -> Listing:
    """GET /v1/invoices."""
    names = ("customer", "status", "collection_method")
    wanted = [(name, call.get(name)) for name in names if call.get(name) is not None]

    def matches(row: Obj) -> bool:
        return all(row[name] == value for name, value in wanted)

    everything = (
        () if call.get("subscription") is not None else newest_first(ctx.account, "invoice")
    )
    return Listing(everything, "/v1/invoices", matches)


ONE = "/v1/invoices/{invoice}"
OPERATIONS = [
    Operation("POST", "/v1/invoices", create, "invoice"),
    Operation("GET", "/v1/invoices", list_all, "invoice"),
    Operation("GET", ONE, retrieve("invoice", "invoice"), "invoice"),
    Operation("POST", ONE, update, "invoice"),
    Operation("DELETE", ONE, delete, "invoice"),
]
