"""Verbs that move money: payers, their banks, and the account's owner in the Dashboard."""

from sandbox.core.vendor import ActRefused
from sandbox.stripe.acts.common import context_for, named, whole
from sandbox.stripe.context import Context
from sandbox.stripe.events import raise_event
from sandbox.stripe.money import check_currency
from sandbox.stripe.paying import METHODS, pay_part
from sandbox.stripe.render import render
from sandbox.stripe.resources import accounts, cash, disputes, refunds
from sandbox.stripe.resources.intents import bare_charge, capture, fail, new_intent, succeed
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World


def pay_invoice(world: World, action: Obj) -> Obj:
    """Pay an invoice: amount (default all that remains; more = overpay), method, outcome."""
    ctx = context_for(world, action)
    invoice = named(ctx, "invoice", action, "invoice")
    amount = action.get("amount")
    method = action.get("method", "card")
    outcome = action.get("outcome", "succeeds" if method in ("card", "customer_balance") else None)
    outcome = outcome or "processing"
    if method not in METHODS or outcome not in ("succeeds", "processing", "fails"):
        raise ActRefused(f"method is one of {sorted(METHODS)}, outcome succeeds|processing|fails")
    wanted = None if amount is None else whole(amount, "amount")
    return pay_part(ctx, invoice, wanted, method=method, outcome=outcome)


def create_payment(world: World, action: Obj) -> Obj:
    """Take a payment without an invoice: amount, currency, customer, via, email, metadata.

    `via` is payment_intent (default), checkout, payment_link or charge (no payment intent).
    """
    ctx = context_for(world, action)
    amount = whole(action["amount"], "amount")
    currency = check_currency(action.get("currency", "usd"), param="currency")
    customer = action.get("customer")
    if customer is not None:
        named(ctx, "customer", action, "customer")
    via = action.get("via", "payment_intent")
    if via == "charge":
        charge = bare_charge(ctx, amount, currency, customer=customer)
        capture(ctx, charge)
        raise_event(ctx, "charge.succeeded", charge)
        return {"payment_intent": None, "charge": charge["id"], "session": None}
    intent = new_intent(ctx, amount, currency, customer=customer)
    intent["receipt_email"] = action.get("email")
    intent["metadata"] = dict(action.get("metadata", {}))
    intent["description"] = action.get("description")
    raise_event(ctx, "payment_intent.created", intent)
    charge = succeed(ctx, intent, action.get("method", "card"))
    charge["billing_details"]["email"] = action.get("email", charge["billing_details"]["email"])
    session = None
    if via in ("checkout", "payment_link"):
        email = action.get("email")
        made = accounts.session_for(ctx, intent, email=email, link=via == "payment_link")
        raise_event(ctx, "checkout.session.completed", made)
        session = made["id"]
    return {"payment_intent": intent["id"], "charge": charge["id"], "session": session}


def pending_intent(ctx: Context, action: Obj) -> Obj:
    """Give the payment intent an action names; it must be under way."""
    intent = named(ctx, "payment_intent", action, "payment_intent")
    if intent["status"] != "processing":
        raise ActRefused(f"{intent['id']} is {intent['status']}, not processing")
    return intent


def settle_payment(world: World, action: Obj) -> Obj:
    """Have a bank debit that is under way arrive."""
    ctx = context_for(world, action)
    intent = pending_intent(ctx, action)
    charge = succeed(ctx, intent, "us_bank_account")
    return {"payment_intent": intent["id"], "charge": charge["id"], "status": intent["status"]}


def fail_payment(world: World, action: Obj) -> Obj:
    """Have a bank debit that is under way come back."""
    ctx = context_for(world, action)
    intent = pending_intent(ctx, action)
    charge = fail(
        ctx,
        intent,
        "us_bank_account",
        code="insufficient_funds",
        message="The customer's account has insufficient funds to cover this payment.",
    )
    return {"payment_intent": intent["id"], "charge": charge["id"], "status": intent["status"]}


def refund(world: World, action: Obj) -> Obj:
    """Refund a payment: charge or payment_intent, amount, status succeeded or pending."""
    ctx = context_for(world, action)
    charge = refunds.charge_to_refund(ctx, action)
    amount = action.get("amount")
    status = action.get("status", "succeeded")
    if status not in ("succeeded", "pending", "requires_action"):
        raise ActRefused("status is succeeded, pending or requires_action")
    wanted = None if amount is None else whole(amount, "amount")
    made = refunds.make(ctx, charge, wanted, status=status, reason=action.get("reason"))
    return render(ctx.account, made)


def settle_refund(world: World, action: Obj) -> Obj:
    """Have a pending refund arrive."""
    ctx = context_for(world, action)
    made = named(ctx, "refund", action, "refund")
    refunds.succeed(ctx, made)
    return render(ctx.account, made)


def fail_refund(world: World, action: Obj) -> Obj:
    """Have a refund fail, maybe days after it had succeeded."""
    ctx = context_for(world, action)
    made = named(ctx, "refund", action, "refund")
    if made["status"] in ("failed", "canceled"):
        raise ActRefused(f"{made['id']} is already {made['status']}")
    refunds.fail(ctx, made)
    return render(ctx.account, made)


def dispute(world: World, action: Obj) -> Obj:
    """Have a charge disputed: reason, inquiry (moves no money)."""
    ctx = context_for(world, action)
    charge = named(ctx, "charge", action, "charge")
    reason = action.get("reason", "fraudulent")
    made = disputes.open_dispute(ctx, charge, reason=reason, inquiry=action.get("inquiry") is True)
    return render(ctx.account, made)


def win_dispute(world: World, action: Obj) -> Obj:
    """Win a dispute."""
    ctx = context_for(world, action)
    made = named(ctx, "dispute", action, "dispute")
    disputes.win(ctx, made)
    return render(ctx.account, made)


def lose_dispute(world: World, action: Obj) -> Obj:
    """Lose a dispute."""
    ctx = context_for(world, action)
    made = named(ctx, "dispute", action, "dispute")
    disputes.lose(ctx, made)
    return render(ctx.account, made)


def fund_cash_balance(world: World, action: Obj) -> Obj:
    """Have a bank transfer of a customer arrive: amount, currency."""
    ctx = context_for(world, action)
    customer = named(ctx, "customer", action, "customer")
    currency = check_currency(action.get("currency", "usd"), param="currency")
    booked = cash.fund(ctx, customer, whole(action["amount"], "amount"), currency)
    paid = cash.reconcile(ctx, customer, currency)
    return {
        "transaction": booked["id"],
        "paid_invoices": paid,
        "left": customer["_cash"].get(currency, 0),
    }
