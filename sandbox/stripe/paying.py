"""Paying an invoice as a payer does: all of it, a part, or too much; now or by bank debit."""

from sandbox.stripe.context import Context
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import raise_event
from sandbox.stripe.money import check_chargeable, least_charge, too_small
from sandbox.stripe.resources import cash, intents, invoice_payments
from sandbox.stripe.types import Obj

METHODS = frozenset({"card", "us_bank_account", "sepa_debit", "customer_balance"})


def pay_part(ctx: Context, invoice: Obj, amount: int | None, *, method: str, outcome: str) -> Obj:
    """Pay an invoice and tell which objects came of it."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise refuse(f"The invoice is {invoice['status']}, not open.")
    wanted = invoice["amount_remaining"] if amount is None else amount
    if wanted < 1:
        raise refuse("The amount must be positive.")
    check_chargeable(wanted, invoice["currency"], param="amount")
    if method == "customer_balance":
        return pay_by_transfer(ctx, invoice, wanted)
    if wanted < least_charge(invoice["currency"]):
        raise too_small(invoice["currency"])
    linked = link_for(ctx, invoice, wanted)
    intent = ctx.account.table("payment_intent")[linked["payment"]["payment_intent"]]
    if outcome == "processing":
        charge = intents.begin(ctx, intent, method)
    elif outcome == "fails":
        message = "Your card was declined."
        charge = intents.fail(ctx, intent, method, code="card_declined", message=message)
    else:
        charge = intents.succeed(ctx, intent, method)
    return described(linked, intent, charge)


def described(linked: Obj, intent: Obj, charge: Obj | None) -> Obj:
    """Name the objects of a payment."""
    return {
        "payment_intent": intent["id"],
        "charge": charge and charge["id"],
        "invoice_payment": linked["id"],
        "status": intent["status"],
    }


def link_for(ctx: Context, invoice: Obj, amount: int) -> Obj:
    """Give the default payment when it takes the amount, else one of its own for a part."""
    linked = invoice_payments.default_of(ctx, invoice)
    intent = invoice_payments.intent_of(ctx, linked) if linked else None
    free = intent is not None and intent["status"] != "processing"
    if linked is not None and intent is not None and free and amount >= linked["amount_requested"]:
        intent["amount"] = amount
        return linked
    part = intents.new_intent(ctx, amount, invoice["currency"], customer=invoice["customer"])
    part["description"] = "Payment for Invoice"
    raise_event(ctx, "payment_intent.created", part)
    return invoice_payments.link(ctx, invoice, part, requested=amount, is_default=False)


def pay_by_transfer(ctx: Context, invoice: Obj, amount: int) -> Obj:
    """Pay by bank transfer: too little stays in the cash balance, an excess as well."""
    customer = ctx.get("customer", invoice["customer"], param="customer")
    cash.fund(ctx, customer, amount, invoice["currency"])
    linked = invoice_payments.default_of(ctx, invoice)
    if linked is None or not cash.apply(ctx, customer, invoice):
        return {
            "payment_intent": None,
            "charge": None,
            "invoice_payment": None,
            "status": "unapplied",
        }
    intent = ctx.account.table("payment_intent")[linked["payment"]["payment_intent"]]
    charge = ctx.account.table("charge")[intent["latest_charge"]]
    return described(linked, intent, charge)
