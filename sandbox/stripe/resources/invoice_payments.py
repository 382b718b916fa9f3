"""The link between an invoice and what paid it, and what a payment does to the invoice."""

from sandbox.stripe.context import Context
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.lists import newest_first
from sandbox.stripe.operation import Call, Listing, Operation, retrieve
from sandbox.stripe.resources import customer_balance, totals
from sandbox.stripe.types import Obj


def link(ctx: Context, invoice: Obj, payment: Obj, *, requested: int, is_default: bool) -> Obj:
    """Attach a payment intent or payment record to an invoice."""
    kind = payment["object"]
    linked = ctx.account.add(
        {
            "id": ctx.ids.make("inpay"),
            "object": "invoice_payment",
            "amount_paid": None,
            "amount_requested": requested,
            "created": ctx.now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": is_default,
            "livemode": ctx.account.livemode,
            "payment": {"type": kind, kind: payment["id"]},
            "status": "open",
            "status_transitions": {"canceled_at": None, "paid_at": None},
        }
    )
    for owner in (invoice["id"], payment["id"]):
        ctx.account.payments_of.setdefault(owner, []).append(linked)
    return linked


def of(ctx: Context, owner_id: str, status: str | None = None) -> list[Obj]:
    """Give the invoice payments of an invoice, payment intent or record, oldest first."""
    rows = ctx.account.payments_of.get(owner_id, [])
    return [row for row in rows if status in (None, row["status"])]


def default_of(ctx: Context, invoice: Obj) -> Obj | None:
    """Give the open default payment of an invoice."""
    return next((row for row in of(ctx, invoice["id"], "open") if row["is_default"]), None)


def intent_of(ctx: Context, linked: Obj) -> Obj | None:
    """Give the payment intent of a link, None for a payment record."""
    intent_id = linked["payment"].get("payment_intent")
    return ctx.account.table("payment_intent").get(intent_id) if intent_id else None


def credit(ctx: Context, linked: Obj, amount: int, *, off_stripe: bool, tell: bool = True) -> None:
    """Credit money that has arrived to the invoice of a link.

    What exceeds the remainder goes to the customer's credit balance. `tell` is False where
    it is not established that Stripe raises `invoice_payment.paid`.
    """
    invoice = ctx.account.table("invoice")[linked["invoice"]]
    watch = Watch(ctx, invoice)
    applied = min(amount, invoice["amount_remaining"])
    excess = amount - applied
    included = ctx.switches["overpayment_in_invoice_payment"] == "included"
    linked["status"] = "paid"
    linked["amount_paid"] = amount if included else applied
    linked["status_transitions"]["paid_at"] = ctx.now
    invoice["amount_paid"] += applied
    if off_stripe:
        invoice["_amount_paid_off_stripe"] += applied
    totals.set_remaining(invoice)
    if tell:
        raise_event(ctx, "invoice_payment.paid", linked)
    if excess:
        overpay(ctx, invoice, excess)
    sync_default(ctx, invoice)
    settle_if_paid(ctx, invoice)
    watch.updated("invoice.updated")


def overpay(ctx: Context, invoice: Obj, excess: int) -> None:
    """Move what was paid too much to the customer's credit balance."""
    invoice["amount_overpaid"] += excess
    customer = ctx.account.table("customer").get(invoice["customer"])
    if customer is not None and not customer.get("deleted"):
        booked = customer_balance.book(
            ctx, customer, -excess, currency=invoice["currency"], kind="invoice_overpaid"
        )
        booked["invoice"] = invoice["id"]
    raise_event(ctx, "invoice.overpaid", invoice)


def settle_if_paid(ctx: Context, invoice: Obj) -> None:
    """Turn an invoice paid once nothing remains."""
    if invoice["amount_remaining"] or invoice["status"] not in ("open", "uncollectible"):
        return
    invoice["status"] = "paid"
    invoice["status_transitions"]["paid_at"] = ctx.now
    raise_event(ctx, "invoice.paid", invoice)
    raise_event(ctx, "invoice.payment_succeeded", invoice)


def sync_default(ctx: Context, invoice: Obj) -> None:
    """Keep the default payment at what remains; cancel it when nothing does."""
    linked = default_of(ctx, invoice)
    intent = intent_of(ctx, linked) if linked else None
    if linked is None or intent is None or intent["status"] == "processing":
        return
    if invoice["amount_remaining"] and invoice["status"] in ("open", "uncollectible"):
        linked["amount_requested"] = invoice["amount_remaining"]
        intent["amount"] = invoice["amount_remaining"]
        return
    cancel_default(ctx, invoice, "automatic")


def cancel_default(ctx: Context, invoice: Obj, reason: str) -> None:
    """Cancel the default payment and its payment intent."""
    linked = default_of(ctx, invoice)
    if linked is None:
        return
    linked["status"] = "canceled"
    linked["status_transitions"]["canceled_at"] = ctx.now
    intent = intent_of(ctx, linked)
    if intent is not None and intent["status"] != "succeeded":
        intent["status"] = "canceled"
        intent["canceled_at"] = ctx.now
        intent["cancellation_reason"] = reason
        raise_event(ctx, "payment_intent.canceled", intent)


def cancel_others(ctx: Context, invoice: Obj) -> None:
    """Cancel what else is open on an invoice that takes no money any more."""
    for linked in of(ctx, invoice["id"], "open"):
        linked["status"] = "canceled"
        linked["status_transitions"]["canceled_at"] = ctx.now


def take_back(ctx: Context, payment_id: str, amount: int) -> None:
    """Lower what an invoice counts as paid, where a refund or dispute does that (a switch)."""
    for linked in reversed(of(ctx, payment_id, "paid")):
        invoice = ctx.account.table("invoice")[linked["invoice"]]
        watch = Watch(ctx, invoice)
        taken = min(amount, linked["amount_paid"], invoice["amount_paid"])
        linked["amount_paid"] -= taken
        invoice["amount_paid"] -= taken
        totals.set_remaining(invoice)
        if invoice["status"] == "paid" and invoice["amount_remaining"]:
            invoice["status"] = "open"
        watch.updated("invoice.updated")
        amount -= taken


def list_all(ctx: Context, call: Call) -> Listing:
    """GET /v1/invoice_payments."""
    payment = call.get("payment") or {}
    owner = call.get("invoice") or payment.get("payment_intent") or payment.get("payment_record")
    rows = reversed(of(ctx, owner)) if owner else newest_first(ctx.account, "invoice_payment")
    kind = payment.get("type")

    def matches(row: Obj) -> bool:
        return (
            call.get("status") in (None, row["status"])
            and call.get("invoice") in (None, row["invoice"])
            and kind in (None, row["payment"]["type"])
            and (not payment.get(kind) or row["payment"][kind] == payment[kind])
        )

    return Listing(rows, "/v1/invoice_payments", matches)


OPERATIONS = [
    Operation("GET", "/v1/invoice_payments", list_all, "invoice"),
    Operation(
        "GET",
        "/v1/invoice_payments/{invoice_payment}",
        retrieve("invoice_payment", "invoice_payment"),
        "invoice",
    ),
]
