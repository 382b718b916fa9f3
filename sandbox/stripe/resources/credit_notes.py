"""Credit notes: they lower what is due, and beyond that say how money went back."""

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.operation import Call, Listing, Operation, listing, retrieve
from sandbox.stripe.resources import customer_balance, invoice_payments, refunds, totals
from sandbox.stripe.types import Obj


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/credit_notes."""
    params = call.params
    invoice = ctx.get("invoice", params["invoice"], param="invoice")
    if invoice["status"] not in ("open", "paid", "uncollectible"):
        raise refuse(f"You cannot credit an invoice that is {invoice['status']}.", param="invoice")
    rows = lines_of(ctx, invoice, params)
    amount = credited_amount(params, rows)
    left = invoice["total"] - credited_before(ctx, invoice)
    if not 0 < amount <= left:
        raise refuse(
            f"The sum of credit amount, refund amount and out of band amount ({amount}) must be "
            f"positive and at most what can still be credited ({left}).",
            param="amount",
        )
    before = min(amount, invoice["amount_remaining"])
    check_split(params, amount - before)
    note = keep(ctx, invoice, params, amount=amount, before=before)
    ctx.account.lines[note["id"]] = rows
    apply(ctx, invoice, note, params)
    return note


def credited_amount(params: Obj, rows: list[Obj]) -> int:
    """Give the amount of a credit note: exactly one way to say it."""
    if ("amount" in params) == ("lines" in params):
        message = "You must specify exactly one of these parameters: amount, lines."
        raise refuse(message, param="amount")
    if "amount" in params:
        given: int = params["amount"]
        return given
    return sum(row["amount"] + sum(tax["amount"] for tax in row["taxes"]) for row in rows)


def lines_of(ctx: Context, invoice: Obj, params: Obj) -> list[Obj]:
    """Give the lines of a credit note."""
    rows = []
    for number, given in enumerate(params.get("lines", [])):
        where = f"lines[{number}]"
        quantity = given.get("quantity", 1)
        amount = given.get("amount", given.get("unit_amount", 0) * quantity)
        source = next(
            (
                line
                for line in ctx.account.lines[invoice["id"]]
                if line["id"] == given.get("invoice_line_item")
            ),
            None,
        )
        if given["type"] == "invoice_line_item" and source is None:
            name = given.get("invoice_line_item")
            message = f"No such invoice line item: '{name}'"
            param = f"{where}[invoice_line_item]"
            raise refuse(message, param=param, code="resource_missing")
        taxes = [line_tax(ctx, tax, where) for tax in given.get("tax_amounts") or []]
        rows.append(credit_line(ctx, given, amount, taxes))
    return rows


def line_tax(ctx: Context, given: Obj, where: str) -> Obj:
    """Give a tax of a credit note's line."""
    rate = ctx.get("tax_rate", given["tax_rate"], param=f"{where}[tax_amounts]")
    return totals.tax(rate, given["amount"], given["taxable_amount"], "not_available")


def credit_line(ctx: Context, given: Obj, amount: int, taxes: list[Obj]) -> Obj:
    """Give a line of a credit note."""
    return {
        "id": ctx.ids.make("cnli"),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": given.get("description"),
        "discount_amount": 0,
        "discount_amounts": [],
        "invoice_line_item": given.get("invoice_line_item"),
        "livemode": ctx.account.livemode,
        "metadata": given.get("metadata", {}),
        "pretax_credit_amounts": [],
        "quantity": given.get("quantity"),
        "tax_rates": [],
        "taxes": taxes,
        "type": given["type"],
        "unit_amount": given.get("unit_amount"),
        "unit_amount_decimal": given.get("unit_amount_decimal"),
    }


def credited_before(ctx: Context, invoice: Obj) -> int:
    """Give what earlier credit notes and plain refunds took off already."""
    notes = ctx.account.table("credit_note").values()
    credited = sum(
        note["amount"]
        for note in notes
        if note["invoice"] == invoice["id"] and note["status"] == "issued"
    )
    in_notes = {r["refund"] for note in notes for r in note["refunds"]}
    intents = {
        linked["payment"].get("payment_intent")
        for linked in invoice_payments.of(ctx, invoice["id"], "paid")
    }
    refunded = sum(
        refund["amount"]
        for refund in ctx.account.table("refund").values()
        if refund["payment_intent"] in intents - {None}
        and refund["id"] not in in_notes
        and refund["status"] in ("succeeded", "pending")
    )
    total: int = credited + refunded
    return total


def check_split(params: Obj, after: int) -> None:
    """Refuse unless what exceeds the remainder is accounted for to the last unit."""
    listed = sum(row.get("amount_refunded", 0) for row in params.get("refunds") or [])
    named = ("refund_amount", "credit_amount", "out_of_band_amount")
    said = listed + sum(params.get(name, 0) for name in named)
    if said != after:
        raise refuse(
            "The sum of refund_amount, refunds, credit_amount and out_of_band_amount must equal "
            f"the post payment amount ({after}), it is {said}."
        )


def keep(ctx: Context, invoice: Obj, params: Obj, *, amount: int, before: int) -> Obj:
    """Keep a credit note."""
    number = 1 + sum(
        n["invoice"] == invoice["id"] for n in ctx.account.table("credit_note").values()
    )
    after = amount - before
    kind = "mixed" if before and after else ("pre_payment" if before else "post_payment")
    return ctx.account.add(
        {
            "id": ctx.ids.make("cn"),
            "object": "credit_note",
            **dict.fromkeys(("amount", "subtotal", "subtotal_excluding_tax", "total"), amount),
            "amount_shipping": 0,
            "created": ctx.now,
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "customer_balance_transaction": None,
            "discount_amount": 0,
            "discount_amounts": [],
            "effective_at": params.get("effective_at", ctx.now),
            "invoice": invoice["id"],
            "livemode": ctx.account.livemode,
            "memo": or_null(params.get("memo")),
            "metadata": params.get("metadata", {}),
            "number": f"{invoice['number']}-CN-{number:02d}",
            "out_of_band_amount": params.get("out_of_band_amount"),
            "pdf": f"{ctx.base_url}/credit_notes/{ctx.ids.token(24)}/pdf",
            "post_payment_amount": after,
            "pre_payment_amount": before,
            "pretax_credit_amounts": [],
            "reason": params.get("reason"),
            "refunds": [],
            "shipping_cost": None,
            "status": "issued",
            "total_excluding_tax": amount,
            "total_taxes": [],
            "type": kind,
            "voided_at": None,
        }
    )


def apply(ctx: Context, invoice: Obj, note: Obj, params: Obj) -> None:
    """Do what a credit note does to its invoice, the customer and the payments."""
    watch = Watch(ctx, invoice)
    invoice["pre_payment_credit_notes_amount"] += note["pre_payment_amount"]
    invoice["post_payment_credit_notes_amount"] += note["post_payment_amount"]
    invoice["amount_due"] -= note["pre_payment_amount"]
    totals.set_remaining(invoice)
    if params.get("credit_amount"):
        customer = ctx.get("customer", invoice["customer"], param="invoice")
        booked = customer_balance.book(
            ctx,
            customer,
            -params["credit_amount"],
            currency=invoice["currency"],
            kind="credit_note",
        )
        booked["credit_note"] = note["id"]
        note["customer_balance_transaction"] = booked["id"]
    note["refunds"] = refunds_of(ctx, invoice, params)
    raise_event(ctx, "credit_note.created", note)
    invoice_payments.sync_default(ctx, invoice)
    invoice_payments.settle_if_paid(ctx, invoice)
    watch.updated("invoice.updated")
    if params.get("email_type", "credit_note") == "credit_note" and invoice["customer_email"]:
        mail = {"to": invoice["customer_email"], "credit_note": note["id"], "at": ctx.now}
        ctx.account.emails.append({**mail, "subject": f"Credit note {note['number']}"})


def refunds_of(ctx: Context, invoice: Obj, params: Obj) -> list[Obj]:
    """Link the refunds that were named, and make the one that was asked for."""
    rows = []
    for given in params.get("refunds") or []:
        refund = ctx.get("refund", given.get("refund", ""), param="refunds[0][refund]")
        rows.append({"amount_refunded": given["amount_refunded"], "refund": refund["id"]})
    if params.get("refund_amount"):
        charge = paid_charge(ctx, invoice)
        amount = params["refund_amount"]
        made = refunds.make(ctx, charge, amount, status="succeeded", reason=None)
        rows.append({"amount_refunded": amount, "refund": made["id"]})
    return [{**row, "payment_record_refund": None, "type": "refund"} for row in rows]


def paid_charge(ctx: Context, invoice: Obj) -> Obj:
    """Give the newest charge that paid the invoice."""
    for linked in reversed(invoice_payments.of(ctx, invoice["id"], "paid")):
        intent = invoice_payments.intent_of(ctx, linked)
        if intent is not None and intent["latest_charge"]:
            charge: Obj = ctx.account.table("charge")[intent["latest_charge"]]
            return charge
    raise refuse("There is no charge on this invoice to refund.", param="refund_amount")


def void(ctx: Context, call: Call) -> Obj:
    """POST /v1/credit_notes/{id}/void: only while the invoice is open."""
    note = ctx.get("credit_note", call.path["id"], param="id", in_path=True)
    invoice = ctx.account.table("invoice")[note["invoice"]]
    if note["status"] == "void" or invoice["status"] != "open":
        raise refuse("You can only void issued credit notes of open invoices.")
    watch = Watch(ctx, invoice)
    note["status"], note["voided_at"] = "void", ctx.now
    invoice["pre_payment_credit_notes_amount"] -= note["pre_payment_amount"]
    invoice["amount_due"] += note["pre_payment_amount"]
    totals.set_remaining(invoice)
    invoice_payments.sync_default(ctx, invoice)
    raise_event(ctx, "credit_note.voided", note)
    watch.updated("invoice.updated")
    return note


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/credit_notes/{id}."""
    note = ctx.get("credit_note", call.path["id"], param="id", in_path=True)
    watch = Watch(ctx, note)
    if "memo" in call.params:
        note["memo"] = or_null(call.params["memo"])
    merge_metadata(note, call.params)
    watch.updated("credit_note.updated")
    return note


def list_lines(ctx: Context, call: Call) -> Listing:
    """GET /v1/credit_notes/{credit_note}/lines."""
    note = ctx.get("credit_note", call.path["credit_note"], param="credit_note", in_path=True)
    return Listing(ctx.account.lines[note["id"]], f"/v1/credit_notes/{note['id']}/lines")


ALL = "/v1/credit_notes"
KIND = "credit_note"
OPERATIONS = [
    Operation("POST", ALL, create, KIND),
    Operation("GET", ALL, listing(KIND, ALL, "invoice", "customer"), KIND),
    Operation("GET", f"{ALL}/{{id}}", retrieve(KIND, "id"), KIND),
    Operation("POST", f"{ALL}/{{id}}", update, KIND),
    Operation("POST", f"{ALL}/{{id}}/void", void, KIND),
    Operation("GET", f"{ALL}/{{credit_note}}/lines", list_lines, KIND),
]
