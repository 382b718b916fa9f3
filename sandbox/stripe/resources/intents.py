"""Payment intents and charges: how money moves, whoever asked for it."""

from sandbox.stripe.context import Context
from sandbox.stripe.errors import card_declined
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.resources import balance_transactions, invoice_payments, methods
from sandbox.stripe.types import Obj

INTENT_NULLS = (
    *("amount_details", "application", "application_fee_amount", "canceled_at"),
    *("cancellation_reason", "customer_account", "description", "last_payment_error"),
    *("latest_charge", "next_action", "on_behalf_of", "payment_method", "receipt_email"),
    *("payment_method_configuration_details", "processing", "review", "setup_future_usage"),
    *("shipping", "statement_descriptor", "statement_descriptor_suffix", "transfer_data"),
    *("transfer_group", "excluded_payment_method_types"),
)

CHARGE_NULLS = (
    *("application", "application_fee", "application_fee_amount", "balance_transaction"),
    *("calculated_statement_descriptor", "description", "failure_balance_transaction"),
    *("failure_code", "failure_message", "on_behalf_of", "payment_intent", "receipt_email"),
    *("receipt_number", "review", "shipping", "source_transfer", "statement_descriptor"),
    *("statement_descriptor_suffix", "transfer_data", "transfer_group"),
)


def new_intent(ctx: Context, amount: int, currency: str, *, customer: str | None) -> Obj:
    """Keep a payment intent that waits for a payment method."""
    intent_id = ctx.ids.make("pi")
    return ctx.account.add(
        {
            "id": intent_id,
            "object": "payment_intent",
            **dict.fromkeys(INTENT_NULLS),
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "automatic_payment_methods": None,
            "capture_method": "automatic_async",
            "client_secret": f"{intent_id}_secret_{ctx.ids.token(25)}",
            "confirmation_method": "automatic",
            "created": ctx.now,
            "currency": currency,
            "customer": customer,
            "livemode": ctx.account.livemode,
            "metadata": {},
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        }
    )


def new_charge(ctx: Context, intent: Obj, method: str, status: str) -> Obj:
    """Keep a charge for the whole of a payment intent."""
    charge = bare_charge(ctx, intent["amount"], intent["currency"], customer=intent["customer"])
    charge["payment_intent"] = intent["id"]
    charge["description"] = intent["description"]
    charge["receipt_email"] = intent["receipt_email"]
    charge["metadata"] = dict(intent["metadata"])
    charge["payment_method"] = ctx.ids.make("pm")
    charge["payment_method_details"] = methods.details(ctx, method)
    charge["status"] = status
    charge["_method"] = method
    intent["latest_charge"] = charge["id"]
    intent["payment_method"] = charge["payment_method"]
    intent["payment_method_types"] = [method]
    return charge


def bare_charge(ctx: Context, amount: int, currency: str, *, customer: str | None) -> Obj:
    """Keep a charge that belongs to no payment intent (yet)."""
    charge_id = ctx.ids.make("ch")
    return ctx.account.add(
        {
            "id": charge_id,
            "object": "charge",
            **dict.fromkeys(CHARGE_NULLS),
            "amount": amount,
            "amount_captured": 0,
            "amount_refunded": 0,
            "billing_details": methods.billing_details(ctx, customer),
            "captured": False,
            "created": ctx.now,
            "currency": currency,
            "customer": customer,
            "disputed": False,
            "fraud_details": {},
            "livemode": ctx.account.livemode,
            "metadata": {},
            "outcome": {
                "network_status": "approved_by_network",
                "reason": None,
                "risk_level": "normal",
                "seller_message": "Payment complete.",
                "type": "authorized",
            },
            "paid": False,
            "payment_method": ctx.ids.make("pm"),
            "payment_method_details": methods.details(ctx, "card"),
            "receipt_url": f"https://pay.stripe.com/receipts/payment/{ctx.ids.token(24)}",
            "refunded": False,
            "status": "pending",
            "_method": "card",
        }
    )


def begin(ctx: Context, intent: Obj, method: str) -> Obj:
    """Start a payment that settles later, such as a bank debit."""
    charge = new_charge(ctx, intent, method, "pending")
    intent["status"] = "processing"
    raise_event(ctx, "payment_intent.processing", intent)
    raise_event(ctx, "charge.pending", charge)
    for linked in invoice_payments.of(ctx, intent["id"], "open"):
        mark_attempted(ctx, ctx.account.table("invoice")[linked["invoice"]])
    return charge


def mark_attempted(ctx: Context, invoice: Obj) -> None:
    """Write down on an invoice that somebody tried to pay it."""
    watch = Watch(ctx, invoice)
    invoice["attempted"] = True
    invoice["attempt_count"] = max(1, invoice["attempt_count"])
    watch.updated("invoice.updated")


def succeed(ctx: Context, intent: Obj, method: str) -> Obj:
    """Have the money of a payment intent arrive, and credit it to the invoices it is for."""
    pending = intent["status"] == "processing"
    charge = (
        ctx.account.table("charge")[intent["latest_charge"]]
        if pending
        else new_charge(ctx, intent, method, "pending")
    )
    capture(ctx, charge)
    intent["status"] = "succeeded"
    intent["amount_received"] = intent["amount"]
    raise_event(ctx, "payment_intent.succeeded", intent)
    raise_event(ctx, "charge.succeeded", charge)
    left = intent["amount_received"]
    links = invoice_payments.of(ctx, intent["id"], "open")
    for number, linked in enumerate(links, start=1):
        invoice = ctx.account.table("invoice")[linked["invoice"]]
        invoice["attempted"] = True
        invoice["attempt_count"] = max(1, invoice["attempt_count"])
        # The last invoice takes all that is left, so that an overpayment is seen as one.
        amount = left if number == len(links) else min(left, linked["amount_requested"])
        left -= amount
        if not amount:
            continue
        invoice_payments.credit(ctx, linked, amount, off_stripe=False)
    return charge


def capture(ctx: Context, charge: Obj) -> None:
    """Mark a charge as paid; its balance transaction follows."""
    charge.update(
        {
            "status": "succeeded",
            "paid": True,
            "captured": True,
            "amount_captured": charge["amount"],
        }
    )
    balance_transactions.expect(ctx, charge)


def fail(ctx: Context, intent: Obj, method: str, *, code: str, message: str) -> Obj:
    """Have a payment fail, at once (a card) or after a while (a bank debit)."""
    pending = intent["status"] == "processing"
    charge = (
        ctx.account.table("charge")[intent["latest_charge"]]
        if pending
        else new_charge(ctx, intent, method, "pending")
    )
    charge.update({"status": "failed", "failure_code": code, "failure_message": message})
    intent["status"] = "requires_payment_method"
    intent["payment_method"] = None
    intent["last_payment_error"] = {
        "charge": charge["id"],
        "code": "card_declined" if method == "card" else "payment_method_provider_decline",
        "message": message,
        "type": "card_error" if method == "card" else "invalid_request_error",
    }
    raise_event(ctx, "payment_intent.payment_failed", intent)
    raise_event(ctx, "charge.failed", charge)
    for linked in invoice_payments.of(ctx, intent["id"], "open"):
        invoice = ctx.account.table("invoice")[linked["invoice"]]
        mark_attempted(ctx, invoice)
        raise_event(ctx, "invoice.payment_failed", invoice)
        invoice_payments.sync_default(ctx, invoice)
    return charge


def pay_by_token(ctx: Context, intent: Obj, token: str, param: str) -> Obj:
    """Pay with one of the test payment methods; a declined card raises."""
    method, outcome = methods.from_token(token, param)
    if outcome == "declined":
        fail(ctx, intent, method, code="card_declined", message="Your card was declined.")
        raise card_declined()
    if outcome == "processing":
        return begin(ctx, intent, method)
    return succeed(ctx, intent, method)
