"""Verbs on customers and invoices, as someone in the Dashboard does them."""

from sandbox.stripe.acts.common import context_for, named, whole
from sandbox.stripe.operation import Call
from sandbox.stripe.render import render
from sandbox.stripe.resources import credit_notes, customers, invoice_lines, invoices, lifecycle
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World


def edit_customer(world: World, action: Obj) -> Obj:
    """Change a customer: `customer` (id) and `changes`, as in the API."""
    ctx = context_for(world, action)
    call = Call({"customer": action["customer"]}, dict(action["changes"]))
    return render(ctx.account, customers.update(ctx, call))


def delete_customer(world: World, action: Obj) -> Obj:
    """Delete a customer."""
    ctx = context_for(world, action)
    return customers.delete(ctx, Call({"customer": action["customer"]}, {}))


def edit_invoice_metadata(world: World, action: Obj) -> Obj:
    """Change an invoice's metadata."""
    ctx = context_for(world, action)
    call = Call({"invoice": action["invoice"]}, {"metadata": dict(action["metadata"])})
    return render(ctx.account, invoices.update(ctx, call))


def void_invoice(world: World, action: Obj) -> Obj:
    """Void an invoice."""
    ctx = context_for(world, action)
    return render(ctx.account, lifecycle.void(ctx, Call({"invoice": action["invoice"]}, {})))


def mark_uncollectible(world: World, action: Obj) -> Obj:
    """Give up on an invoice."""
    ctx = context_for(world, action)
    call = Call({"invoice": action["invoice"]}, {})
    return render(ctx.account, lifecycle.mark_uncollectible(ctx, call))


def credit_invoice(world: World, action: Obj) -> Obj:
    """Issue a credit note over an amount; what exceeds the remainder goes to the balance."""
    ctx = context_for(world, action)
    invoice = named(ctx, "invoice", action, "invoice")
    amount = whole(action["amount"], "amount")
    after = max(0, amount - invoice["amount_remaining"])
    params: Obj = {"invoice": invoice["id"], "amount": amount, "email_type": "none"}
    if after:
        params["credit_amount"] = after
    return render(ctx.account, credit_notes.create(ctx, Call({}, params)))


def create_invoice(world: World, action: Obj) -> Obj:
    """Make and send an invoice that no connector knows: `customer`, `amount`, `currency`."""
    ctx = context_for(world, action)
    currency = action.get("currency", ctx.account.default_currency)
    params = {
        "customer": action["customer"],
        "currency": currency,
        "collection_method": "send_invoice",
        "days_until_due": 30,
    }
    invoice = invoices.create(ctx, Call({}, params))
    line = {
        "amount": whole(action["amount"], "amount"),
        "description": action.get("description", "By hand"),
    }
    path = {"invoice": invoice["id"]}
    invoice_lines.add_lines(ctx, Call(path, {"lines": [line]}))
    return render(ctx.account, lifecycle.send(ctx, Call(path, {})))
