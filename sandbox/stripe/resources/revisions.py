"""A revision: a new draft that will replace a finalized invoice."""

from sandbox.stripe.book import copied
from sandbox.stripe.context import Context, merge_metadata
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import raise_event
from sandbox.stripe.resources import lines, totals
from sandbox.stripe.types import Obj

ALLOWED_WITH = frozenset({"from_invoice", "metadata"})


def create(ctx: Context, params: Obj) -> Obj:
    """Copy a finalized invoice into a draft. The old one is voided when this one is finalized."""
    original = ctx.get("invoice", params["from_invoice"]["invoice"], param="from_invoice[invoice]")
    for name in params:
        if name not in ALLOWED_WITH:
            message = f"You cannot specify `{name}` together with `from_invoice`."
            raise refuse(message, param=name)
    check_revisable(ctx, original)
    fresh = {**copied(original), "id": ctx.ids.make("in"), "created": ctx.now, "status": "draft"}
    fresh.update(
        {
            "amount_paid": 0,
            "ending_balance": None,
            "from_invoice": {"action": "revision", "invoice": original["id"]},
            "hosted_invoice_url": None,
            "invoice_pdf": None,
            "number": None,
            "status_transitions": dict.fromkeys(original["status_transitions"]),
            "_amount_paid_off_stripe": 0,
            "_sent": False,
        }
    )
    merge_metadata(fresh, params)
    ctx.account.add(fresh)
    ctx.account.lines[fresh["id"]] = [
        copy_line(ctx, fresh, line) for line in ctx.account.lines[original["id"]]
    ]
    original["latest_revision"] = fresh["id"]
    totals.recompute(ctx, fresh)
    raise_event(ctx, "invoice.created", fresh)
    return fresh


def copy_line(ctx: Context, invoice: Obj, line: Obj) -> Obj:
    """Copy a line, with an invoice item of its own."""
    fresh = {**copied(line), "id": ctx.ids.make("il"), "invoice": invoice["id"]}
    fresh["_item"] = lines.mint_item(ctx, invoice, fresh)
    fresh["parent"]["invoice_item_details"]["invoice_item"] = fresh["_item"]
    ctx.account.by_id[fresh["id"]] = fresh
    return fresh


def check_revisable(ctx: Context, original: Obj) -> None:
    """Refuse invoices that cannot be revised."""
    if original["status"] != "open":
        message = "You can only revise open invoices."
        raise refuse(message, param="from_invoice[invoice]")
    if original["amount_paid"] and ctx.switches["revise_partly_paid"] == "refused":
        message = "Invoices with `paid` payments cannot be revised."
        raise refuse(message, param="from_invoice[invoice]")
