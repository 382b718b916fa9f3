"""Attaching a payment to an invoice: what fits, and what is credited at once."""

from sandbox.stripe.context import Context
from sandbox.stripe.errors import StripeRefusedError, refuse
from sandbox.stripe.operation import Call, Operation
from sandbox.stripe.resources import invoice_payments
from sandbox.stripe.resources.outside import OUTCOMES
from sandbox.stripe.types import Obj


def attach_payment(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/attach_payment."""
    invoice = ctx.get("invoice", call.path["invoice"], param="invoice", in_path=True)
    given = [name for name in ("payment_intent", "payment_record") if call.get(name)]
    if len(given) != 1:
        message = (
            "You must specify exactly one of these parameters: payment_intent, payment_record."
        )
        raise refuse(message, param="payment_record")
    payment = ctx.get(given[0], call.params[given[0]], param=given[0])
    check_attachable(ctx, invoice, payment)
    arrived = money_left(ctx, payment)
    if arrived > invoice["amount_remaining"]:
        refuse_excess(ctx, given[0])
    requested = arrived or invoice["amount_remaining"]
    linked = invoice_payments.link(ctx, invoice, payment, requested=requested, is_default=False)
    if arrived:
        off_stripe = given[0] == "payment_record"
        invoice_payments.credit(ctx, linked, arrived, off_stripe=off_stripe)
    return invoice


def money_left(ctx: Context, payment: Obj) -> int:
    """Give what has arrived of a payment and is not credited to any invoice yet."""
    if payment["object"] == "payment_record":
        arrived = payment["amount_guaranteed"]["value"] - payment["amount_refunded"]["value"]
    else:
        arrived = payment["amount_received"]
    used = sum(row["amount_paid"] for row in invoice_payments.of(ctx, payment["id"], "paid"))
    left: int = arrived - used
    return left


def check_attachable(ctx: Context, invoice: Obj, payment: Obj) -> None:
    """Refuse payments that do not fit the invoice; much of this is a switch."""
    check_open(ctx, invoice)
    check_same(ctx, invoice, payment)
    param = payment["object"]
    if any(row["payment"].get(param) == payment["id"] for row in own_links(ctx, invoice)):
        raise refuse("This payment is already attached to the invoice.", param=param)
    if param == "payment_intent" and payment["status"] == "canceled":
        raise refuse("You cannot attach a canceled payment to an invoice.", param=param)
    if param == "payment_record" and not money_left(ctx, payment) and settled(payment):
        raise refuse("Nothing is left of this payment.", param=param)


def check_open(ctx: Context, invoice: Obj) -> None:
    """Refuse an invoice that takes no payments."""
    closed_too = ctx.switches["attach_to_closed_invoice"] == "allowed"
    allowed = ("open", "uncollectible", "paid") if closed_too else ("open", "uncollectible")
    if invoice["status"] not in allowed:
        raise refuse(f"You cannot attach a payment to an invoice that is {invoice['status']}.")


def check_same(ctx: Context, invoice: Obj, payment: Obj) -> None:
    """Refuse a payment of another currency or customer."""
    param = payment["object"]
    if param == "payment_record":
        currency = payment["amount"]["currency"]
        customer = (payment["customer_details"] or {}).get("customer")
    else:
        currency, customer = payment["currency"], payment["customer"]
    if currency != invoice["currency"] and ctx.switches["attach_other_currency"] == "refused":
        raise mismatch("currency", param)
    foreign = customer not in (None, invoice["customer"])
    if foreign and ctx.switches["attach_other_customer"] == "refused":
        raise mismatch("customer", param)


def settled(record: Obj) -> bool:
    """Whether a payment record has had an outcome."""
    return any(record[f"amount_{name}"]["value"] for name in OUTCOMES)


def own_links(ctx: Context, invoice: Obj) -> list[Obj]:
    """Give the links of an invoice that are not canceled."""
    return [row for row in invoice_payments.of(ctx, invoice["id"]) if row["status"] != "canceled"]


def mismatch(what: str, param: str) -> StripeRefusedError:
    """Give the refusal of a payment of another customer or currency."""
    return refuse(f"The payment's {what} does not match the invoice's {what}.", param=param)


def refuse_excess(ctx: Context, param: str) -> None:
    """Refuse a payment larger than what remains, where the switch says so."""
    if ctx.switches["attach_more_than_remains"] == "refused":
        message = "The payment is greater than the amount remaining on the invoice."
        raise refuse(message, param=param)


OPERATIONS = [
    Operation("POST", "/v1/invoices/{invoice}/attach_payment", attach_payment, "invoice"),
]
