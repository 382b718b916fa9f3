"""Calls that change or list the lines of an invoice."""

from sandbox.stripe.context import Context, merge_metadata
from sandbox.stripe.errors import no_such, refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.operation import Call, Listing, Operation
from sandbox.stripe.resources import lines, totals
from sandbox.stripe.resources.invoiceitems import attach
from sandbox.stripe.types import Obj


def draft(ctx: Context, call: Call) -> Obj:
    """Give the invoice named in the path; refuse one that is not a draft any more."""
    invoice = ctx.get("invoice", call.path["invoice"], param="invoice", in_path=True)
    if invoice["status"] != "draft":
        message = "This invoice is no longer editable."
        raise refuse(message, code="invoice_not_editable")
    return invoice


def set_invoice_metadata(invoice: Obj, call: Call) -> None:
    """Merge `invoice_metadata`, which these calls take on the side."""
    merge_metadata(invoice, {"metadata": call.params.get("invoice_metadata")})


def add_lines(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/add_lines."""
    invoice = draft(ctx, call)
    given = call.params["lines"]
    check_count(ctx, invoice, given)
    items = [pending_item(ctx, invoice, line, n) for n, line in enumerate(given)]
    for number, line in enumerate(given):
        lines.check_line(ctx, invoice, line, f"lines[{number}]")
        check_priced(line, number)
    watch = Watch(ctx, invoice)
    existing = ctx.account.lines[invoice["id"]]
    for line, item in zip(given, items, strict=True):
        if item is not None:
            fresh = attach(ctx, invoice, item)
            lines.apply(ctx, invoice, fresh, line)
            continue
        fresh = lines.add(ctx, invoice, line)
        place = 0 if ctx.switches["line_order"] == "newest_first" else len(existing)
        existing.insert(place, fresh)
        raise_event(ctx, "invoiceitem.created", ctx.account.by_id[fresh["_item"]])
    set_invoice_metadata(invoice, call)
    totals.recompute(ctx, invoice)
    watch.updated("invoice.updated")
    return invoice


def check_count(ctx: Context, invoice: Obj, given: list[Obj]) -> None:
    """Refuse too many lines, in one call or on the invoice."""
    at_once = int(ctx.switches["add_lines_maximum"])
    if len(given) > at_once:
        raise refuse(f"You can add at most {at_once} lines at once.", param="lines")
    if len(ctx.account.lines[invoice["id"]]) + len(given) > lines.MAX_LINES:
        message = f"Invoices can have at most {lines.MAX_LINES} line items."
        raise refuse(message, param="lines")


def pending_item(ctx: Context, invoice: Obj, line: Obj, number: int) -> Obj | None:
    """Give the pending item that a line names, if it names one."""
    item_id = line.get("invoice_item")
    if item_id is None:
        return None
    param = f"lines[{number}][invoice_item]"
    item = ctx.get("invoiceitem", item_id, param=param)
    if item["invoice"] is not None or item["customer"] != invoice["customer"]:
        message = "The invoice item is already on an invoice, or belongs to another customer."
        raise refuse(message, param=param)
    return item


def check_priced(line: Obj, number: int) -> None:
    """Refuse a line without any price."""
    if not any(name in line for name in (*lines.PRICED_BY, "invoice_item")):
        param = f"lines[{number}][amount]"
        raise refuse(f"Missing required param: {param}.", param=param, code="parameter_missing")


def own_line(ctx: Context, invoice: Obj, line_id: str, *, param: str, in_path: bool) -> Obj:
    """Give a line of the invoice."""
    for line in ctx.account.lines[invoice["id"]]:
        if line["id"] == line_id:
            return line
    raise no_such("invoice line item", line_id, param=param, in_path=in_path)


def change(ctx: Context, invoice: Obj, line: Obj, given: Obj, where: str) -> None:
    """Change one line."""
    lines.check_line(ctx, invoice, given, where)
    lines.apply(ctx, invoice, line, given)
    item = ctx.account.by_id[line["_item"]]
    item["amount"], item["description"] = line["amount"], line["description"]


def update_lines(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/update_lines."""
    invoice = draft(ctx, call)
    found = [
        own_line(ctx, invoice, given["id"], param=f"lines[{n}][id]", in_path=False)
        for n, given in enumerate(call.params["lines"])
    ]
    watch = Watch(ctx, invoice)
    for number, (line, given) in enumerate(zip(found, call.params["lines"], strict=True)):
        change(ctx, invoice, line, given, f"lines[{number}]")
    set_invoice_metadata(invoice, call)
    totals.recompute(ctx, invoice)
    watch.updated("invoice.updated")
    return invoice


def update_line(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/lines/{line_item_id}: answers the line."""
    invoice = draft(ctx, call)
    line_id = call.path["line_item_id"]
    line = own_line(ctx, invoice, line_id, param="line_item_id", in_path=True)
    watch = Watch(ctx, invoice)
    change(ctx, invoice, line, call.params, "")
    totals.recompute(ctx, invoice)
    watch.updated("invoice.updated")
    return line


def remove_lines(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/remove_lines."""
    invoice = draft(ctx, call)
    found = [
        own_line(ctx, invoice, given["id"], param=f"lines[{n}][id]", in_path=False)
        for n, given in enumerate(call.params["lines"])
    ]
    watch = Watch(ctx, invoice)
    for line, given in zip(found, call.params["lines"], strict=True):
        ctx.account.lines[invoice["id"]].remove(line)
        item = ctx.account.by_id[line["_item"]]
        if given["behavior"] == "unassign":
            item["invoice"] = None
            ctx.account.pending_items[item["id"]] = item
            raise_event(ctx, "invoiceitem.updated", item)
        else:
            ctx.account.drop(item)
            raise_event(ctx, "invoiceitem.deleted", item)
    set_invoice_metadata(invoice, call)
    totals.recompute(ctx, invoice)
    watch.updated("invoice.updated")
    return invoice


def list_lines(ctx: Context, call: Call) -> Listing:
    """GET /v1/invoices/{invoice}/lines."""
    invoice = ctx.get("invoice", call.path["invoice"], param="invoice", in_path=True)
    return Listing(ctx.account.lines[invoice["id"]], f"/v1/invoices/{invoice['id']}/lines")


ONE = "/v1/invoices/{invoice}"
OPERATIONS = [
    Operation("POST", f"{ONE}/add_lines", add_lines, "invoice"),
    Operation("POST", f"{ONE}/update_lines", update_lines, "invoice"),
    Operation("POST", f"{ONE}/remove_lines", remove_lines, "invoice"),
    Operation("GET", f"{ONE}/lines", list_lines, "invoice"),
    Operation("POST", f"{ONE}/lines/{{line_item_id}}", update_line, "invoice"),
]
