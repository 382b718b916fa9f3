"""Steps in the life of an invoice: finalize, send, pay, void, mark uncollectible."""

from sandbox.stripe.context import Context
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.money import check_chargeable, least_charge
from sandbox.stripe.operation import Call, Operation
from sandbox.stripe.resources import customer_balance, intents, invoice_payments, totals
from sandbox.stripe.resources.invoice_checks import MISSING_EMAIL
from sandbox.stripe.resources.invoices import copy_customer
from sandbox.stripe.resources.outside import pay_outside
from sandbox.stripe.types import Obj


def named(ctx: Context, call: Call, param: str = "id") -> Obj:
    """Give the invoice named in the path."""
    return ctx.get("invoice", call.path["invoice"], param=param, in_path=True)


def finalize(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/finalize."""
    invoice = named(ctx, call)
    if invoice["status"] != "draft":
        raise refuse(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.",
            code="invoice_not_editable",
        )
    if "auto_advance" in call.params:
        invoice["auto_advance"] = call.params["auto_advance"]
    open_invoice(ctx, invoice)
    return invoice


def open_invoice(ctx: Context, invoice: Obj) -> None:
    """Finalize a draft. Nothing is collected; with nothing due it is paid at once."""
    overdue = invoice["due_date"] is not None and invoice["due_date"] <= ctx.now
    if overdue and ctx.switches["finalize_overdue_draft"] == "refused":
        message = "Invoices with a due date in the past can't be finalized."
        raise refuse(message, param="due_date")
    copy_customer(ctx, invoice)
    if invoice["collection_method"] == "send_invoice" and not invoice["customer_email"]:
        raise refuse(MISSING_EMAIL)
    totals.recompute(ctx, invoice)
    check_chargeable(invoice["amount_due"], invoice["currency"], param="amount_due")
    watch = Watch(ctx, invoice)
    number_and_links(ctx, invoice)
    settle_balance(ctx, invoice)
    void_original(ctx, invoice)
    invoice["status"] = "open"
    invoice["status_transitions"]["finalized_at"] = ctx.now
    invoice["automatically_finalizes_at"] = None
    if invoice["due_date"] is not None:
        ctx.account.set_alarm(invoice["due_date"], "overdue_invoice", invoice["id"])
    if invoice["amount_due"]:
        expect_payment(ctx, invoice)
    raise_event(ctx, "invoice.finalized", invoice)
    invoice_payments.settle_if_paid(ctx, invoice)
    watch.updated("invoice.updated")


def number_and_links(ctx: Context, invoice: Obj) -> None:
    """Give an invoice its number, issue date and public pages."""
    if invoice["number"] is None:
        customer = ctx.account.table("customer")[invoice["customer"]]
        sequence = customer.get("next_invoice_sequence", 1)
        number = f"{customer.get('invoice_prefix', 'INV')}-{sequence:04d}"
        invoice["number"] = number
        customer["next_invoice_sequence"] = sequence + 1
        ctx.account.numbered.setdefault(number, []).append(invoice)
    if invoice["effective_at"] is None:
        invoice["effective_at"] = ctx.now
    mode = "live" if invoice["livemode"] else "test"
    path = f"{ctx.account.id}/{mode}_{ctx.ids.token(32)}"
    invoice["hosted_invoice_url"] = f"{ctx.base_url}/i/{path}"
    invoice["invoice_pdf"] = f"{ctx.base_url}/invoice/{path}/pdf"


def settle_balance(ctx: Context, invoice: Obj) -> None:
    """Use up the customer's credit balance, or add to it what is too small to charge."""
    due, ending = totals.due(invoice["total"], invoice["starting_balance"])
    kind = "applied_to_invoice"
    if 0 < due < least_charge(invoice["currency"]):
        due, ending, kind = 0, due, "invoice_too_small"
    invoice["amount_due"] = due
    invoice["ending_balance"] = ending
    totals.set_remaining(invoice)
    change = ending - invoice["starting_balance"]
    customer = ctx.account.table("customer")[invoice["customer"]]
    if change and not customer.get("deleted"):
        booked = customer_balance.book(
            ctx, customer, change, currency=invoice["currency"], kind=kind
        )
        booked["invoice"] = invoice["id"]


def void_original(ctx: Context, invoice: Obj) -> None:
    """Void the invoice that this one revises."""
    if invoice["from_invoice"] is None:
        return
    original = ctx.account.table("invoice")[invoice["from_invoice"]["invoice"]]
    if original["status"] == "open":
        set_void(ctx, original)


def expect_payment(ctx: Context, invoice: Obj) -> None:
    """Make the default payment of an invoice and its payment intent."""
    intent = intents.new_intent(
        ctx, invoice["amount_due"], invoice["currency"], customer=invoice["customer"]
    )
    intent["description"] = "Payment for Invoice"
    types = invoice["payment_settings"]["payment_method_types"]
    intent["payment_method_types"] = types or ["card", "us_bank_account"]
    invoice["_confirmation_secret"] = {
        "client_secret": intent["client_secret"],
        "type": "payment_intent",
    }
    raise_event(ctx, "payment_intent.created", intent)
    due = invoice["amount_due"]
    invoice_payments.link(ctx, invoice, intent, requested=due, is_default=True)


def send(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/send: finalizes a draft, then mails the invoice."""
    invoice = named(ctx, call, "invoice")
    if invoice["collection_method"] != "send_invoice":
        raise refuse(
            "You can only manually send an invoice if its collection method is 'send_invoice'."
        )
    status = invoice["status"]
    paid_too = status == "paid" and ctx.switches["send_paid"] == "allowed"
    if status not in ("draft", "open") and not paid_too:
        raise refuse(f"You can't send an invoice that is {status}.")
    if invoice["_sent"] and ctx.switches["send_again"] == "refused":
        raise refuse("This invoice has already been sent.")
    if status == "draft":
        open_invoice(ctx, invoice)
    if not invoice["_sent"] or ctx.switches["send_again"] == "mails_again":
        mail(ctx, invoice)
    invoice["_sent"] = True
    raise_event(ctx, "invoice.sent", invoice)
    return invoice


def mail(ctx: Context, invoice: Obj) -> None:
    """Keep the mail that the customer would get."""
    ctx.account.emails.append(
        {
            "to": invoice["customer_email"],
            "subject": f"New invoice from {ctx.account.name} #{invoice['number']}",
            "invoice": invoice["id"],
            "url": invoice["hosted_invoice_url"],
            "at": ctx.now,
        }
    )


def pay(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/pay."""
    invoice = named(ctx, call)
    if invoice["status"] == "paid":
        raise refuse("Invoice is already paid")
    if invoice["status"] == "void":
        raise refuse("Invoice is void and can't be paid")
    if invoice["status"] == "draft":
        open_invoice(ctx, invoice)
        if invoice["status"] == "paid":
            return invoice
    refuse_if_processing(ctx, invoice)
    if call.get("paid_out_of_band"):
        pay_outside(ctx, invoice)
        return invoice
    token = call.get("payment_method")
    if token is None:
        raise refuse(
            "There is no `default_payment_method` set on this Customer or Invoice. Please set a "
            "`default_payment_method`.",
            code="invoice_payment_intent_requires_action" if call.get("source") else None,
        )
    linked = invoice_payments.default_of(ctx, invoice)
    intent = invoice_payments.intent_of(ctx, linked) if linked else None
    if intent is not None:
        intents.pay_by_token(ctx, intent, token, "payment_method")
    return invoice


def refuse_if_processing(ctx: Context, invoice: Obj) -> None:
    """Refuse to pay or void while a bank debit is under way."""
    for linked in invoice_payments.of(ctx, invoice["id"], "open"):
        intent = invoice_payments.intent_of(ctx, linked)
        if intent is not None and intent["status"] == "processing":
            raise refuse("This invoice has a payment that is still processing.")


def void(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/void."""
    invoice = named(ctx, call)
    allowed = {"open"}
    if ctx.switches["void_uncollectible"] == "allowed":
        allowed.add("uncollectible")
    if invoice["status"] not in allowed:
        raise refuse("You can only pass in open invoices. This invoice isn't open.")
    if invoice["amount_paid"] and ctx.switches["void_partly_paid"] == "refused":
        raise refuse("Invoices with `paid` payments cannot be voided.")
    refuse_if_processing(ctx, invoice)
    set_void(ctx, invoice)
    return invoice


def set_void(ctx: Context, invoice: Obj) -> None:
    """Void an invoice; credit that was applied to it comes back."""
    watch = Watch(ctx, invoice)
    invoice["status"] = "void"
    invoice["status_transitions"]["voided_at"] = ctx.now
    invoice_payments.cancel_default(ctx, invoice, "void_invoice")
    invoice_payments.cancel_others(ctx, invoice)
    back = invoice["starting_balance"] - (invoice["ending_balance"] or 0)
    customer = ctx.account.table("customer")[invoice["customer"]]
    if back and not customer.get("deleted"):
        booked = customer_balance.book(
            ctx, customer, back, currency=invoice["currency"], kind="unapplied_from_invoice"
        )
        booked["invoice"] = invoice["id"]
    raise_event(ctx, "invoice.voided", invoice)
    watch.updated("invoice.updated")


def mark_uncollectible(ctx: Context, call: Call) -> Obj:
    """POST /v1/invoices/{invoice}/mark_uncollectible."""
    invoice = named(ctx, call)
    if invoice["status"] != "open":
        raise refuse("You can only pass in open invoices. This invoice isn't open.")
    watch = Watch(ctx, invoice)
    invoice["status"] = "uncollectible"
    invoice["status_transitions"]["marked_uncollectible_at"] = ctx.now
    invoice["status_details"] = {"uncollectible": {"reason": "user_forgiven"}}
    raise_event(ctx, "invoice.marked_uncollectible", invoice)
    watch.updated("invoice.updated")
    return invoice


ONE = "/v1/invoices/{invoice}"
OPERATIONS = [
    Operation("POST", f"{ONE}/finalize", finalize, "invoice"),
    Operation("POST", f"{ONE}/send", send, "invoice"),
    Operation("POST", f"{ONE}/pay", pay, "invoice"),
    Operation("POST", f"{ONE}/void", void, "invoice"),
    Operation("POST", f"{ONE}/mark_uncollectible", mark_uncollectible, "invoice"),
]
