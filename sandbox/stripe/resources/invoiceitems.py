"""Invoice items: what stands behind a line, or waits for an invoice."""

from sandbox.stripe.context import Context, merge_metadata
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.lists import newest_first
from sandbox.stripe.money import check_currency
from sandbox.stripe.operation import Call, Listing, Operation, retrieve
from sandbox.stripe.resources import lines
from sandbox.stripe.types import Obj


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoiceitems: a flat amount that waits for an invoice of the customer."""
    if "customer" not in call.params:
        message = "Missing required param: customer."
        raise refuse(message, param="customer", code="parameter_missing")
    customer = ctx.get("customer", call.params["customer"], param="customer")
    if "invoice" in call.params or "amount" not in call.params:
        raise refuse("Only pending items with an amount are simulated here.", param="amount")
    currency = call.params.get("currency") or customer["currency"] or ctx.account.default_currency
    draft: Obj = {
        "id": None,
        "customer": customer["id"],
        "currency": check_currency(currency, param="currency"),
        "default_tax_rates": [],
    }
    given = {k: v for k, v in call.params.items() if k not in ("customer", "currency")}
    lines.check_line(ctx, draft, given, "")
    line = lines.add(ctx, draft, given)
    item = ctx.account.table("invoiceitem")[line["_item"]]
    ctx.account.pending_items[item["id"]] = item
    raise_event(ctx, "invoiceitem.created", item)
    return item


def sweep_pending(ctx: Context, invoice: Obj) -> None:
    """Put every pending item of the customer, in the invoice's currency, on the invoice."""
    for item in list(ctx.account.pending_items.values()):
        same = item["customer"] == invoice["customer"]
        if same and item["currency"] == invoice["currency"]:
            attach(ctx, invoice, item)


def attach(ctx: Context, invoice: Obj, item: Obj) -> Obj:
    """Make a line of a pending item."""
    given = {
        "amount": item["amount"],
        "description": item["description"] or "",
        "metadata": dict(item["metadata"]),
        "period": dict(item["period"]),
        "_item": item["id"],
    }
    line = lines.add(ctx, invoice, given)
    item["invoice"] = invoice["id"]
    del ctx.account.pending_items[item["id"]]
    ctx.account.lines[invoice["id"]].insert(0, line)
    return line


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoiceitems/{invoiceitem}: description and metadata."""
    item = ctx.get("invoiceitem", call.path["invoiceitem"], param="invoiceitem", in_path=True)
    watch = Watch(ctx, item)
    if "description" in call.params:
        item["description"] = call.params["description"] or None
    if "amount" in call.params and item["invoice"] is None:
        item["amount"] = call.params["amount"]
    merge_metadata(item, call.params)
    watch.updated("invoiceitem.updated")
    return item


def delete(ctx: Context, call: Call) -> Obj:
    """DELETE /v1/invoiceitems/{invoiceitem}: pending items only."""
    item = ctx.get("invoiceitem", call.path["invoiceitem"], param="invoiceitem", in_path=True)
    if item["invoice"] is not None:
        message = "This invoice item is attached to an invoice; remove it from the invoice instead."
        raise refuse(message, param="invoiceitem")
    ctx.account.drop(item)
    raise_event(ctx, "invoiceitem.deleted", item)
    return {"id": item["id"], "object": "invoiceitem", "deleted": True}


def list_all(ctx: Context, call: Call) -> Listing:
    """GET /v1/invoiceitems."""
    rows = [
        row
        for row in newest_first(ctx.account, "invoiceitem")
        if call.get("customer") in (None, row["customer"])
        and call.get("invoice") in (None, row["invoice"])
        and call.get("pending") in (None, row["invoice"] is None)
    ]
    return Listing(rows, "/v1/invoiceitems")


ONE = "/v1/invoiceitems/{invoiceitem}"
OPERATIONS = [
    Operation("POST", "/v1/invoiceitems", create, "invoiceitem"),
    Operation("GET", "/v1/invoiceitems", list_all, "invoiceitem"),
    Operation("GET", ONE, retrieve("invoiceitem", "invoiceitem"), "invoiceitem"),
    Operation("POST", ONE, update, "invoiceitem"),
    Operation("DELETE", ONE, delete, "invoiceitem"),
]
