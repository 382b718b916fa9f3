"""API calls on payment intents and charges."""

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.money import check_chargeable, check_currency, least_charge, too_small
from sandbox.stripe.operation import Call, Operation, listing, retrieve
from sandbox.stripe.resources import intents, invoice_payments, methods
from sandbox.stripe.types import Obj

CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/payment_intents."""
    params = call.params
    currency = check_currency(params["currency"], param="currency")
    if params["amount"] < least_charge(currency):
        raise too_small(currency)
    check_chargeable(params["amount"], currency, param="amount")
    if params.get("customer"):
        ctx.get("customer", params["customer"], param="customer")
    if params.get("confirm"):
        check_method(params)
    intent = intents.new_intent(
        ctx, params["amount"], currency, customer=or_none(params.get("customer"))
    )
    describe(intent, params)
    raise_event(ctx, "payment_intent.created", intent)
    if params.get("confirm"):
        intents.pay_by_token(ctx, intent, params["payment_method"], "payment_method")
    return intent


def check_method(params: Obj) -> None:
    """Refuse to confirm without a payment method that exists."""
    if not params.get("payment_method"):
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method or ConfirmationToken."
        )
        raise refuse(message, code="payment_intent_unexpected_state")
    methods.from_token(params["payment_method"], "payment_method")


def or_none(text: str | None) -> str | None:
    """Give None for an empty text."""
    return text or None


def describe(intent: Obj, params: Obj) -> None:
    """Set what describes a payment intent."""
    for name in ("description", "receipt_email", "statement_descriptor", "customer"):
        if name in params:
            intent[name] = or_null(params[name])
    merge_metadata(intent, params)


def named(ctx: Context, call: Call) -> Obj:
    """Give the payment intent named in the path."""
    return ctx.get("payment_intent", call.path["intent"], param="intent", in_path=True)


def refuse_default(ctx: Context, intent: Obj) -> None:
    """Refuse to touch the payment that Stripe made for an invoice."""
    if any(row["is_default"] for row in invoice_payments.of(ctx, intent["id"])):
        raise refuse(
            "This PaymentIntent is the default payment of an invoice and can't be edited or "
            "canceled directly.",
            code="payment_intent_unexpected_state",
        )


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/payment_intents/{intent}."""
    intent = named(ctx, call)
    if set(call.params) - {"metadata", "description"}:
        refuse_default(ctx, intent)
    if "amount" in call.params and intent["status"] not in CANCELABLE:
        raise unexpected(intent, "updated")
    if call.params.get("customer"):
        ctx.get("customer", call.params["customer"], param="customer")
    describe(intent, call.params)
    if "amount" in call.params:
        intent["amount"] = call.params["amount"]
    return intent


def unexpected(intent: Obj, step: str) -> Exception:
    """Give the refusal of a step that the status does not allow."""
    message = (
        f"This PaymentIntent could not be {step} because it has a status of {intent['status']}."
    )
    return refuse(message, code="payment_intent_unexpected_state")


def cancel(ctx: Context, call: Call) -> Obj:
    """POST /v1/payment_intents/{intent}/cancel."""
    intent = named(ctx, call)
    refuse_default(ctx, intent)
    if intent["status"] not in CANCELABLE:
        raise unexpected(intent, "canceled")
    intent["status"] = "canceled"
    intent["canceled_at"] = ctx.now
    intent["cancellation_reason"] = call.get("cancellation_reason")
    for linked in invoice_payments.of(ctx, intent["id"], "open"):
        linked["status"] = "canceled"
        linked["status_transitions"]["canceled_at"] = ctx.now
    raise_event(ctx, "payment_intent.canceled", intent)
    return intent


def update_charge(ctx: Context, call: Call) -> Obj:
    """POST /v1/charges/{charge}."""
    charge = ctx.get("charge", call.path["charge"], param="charge", in_path=True)
    watch = Watch(ctx, charge)
    for name in ("description", "receipt_email"):
        if name in call.params:
            charge[name] = or_null(call.params[name])
    merge_metadata(charge, call.params)
    watch.updated("charge.updated")
    return charge


INTENTS = "/v1/payment_intents"
INTENT = f"{INTENTS}/{{intent}}"
CHARGES = "/v1/charges"
OPERATIONS = [
    Operation("POST", INTENTS, create, "payment_intent"),
    Operation("GET", INTENTS, listing("payment_intent", INTENTS, "customer"), "payment_intent"),
    Operation("GET", INTENT, retrieve("payment_intent", "intent"), "payment_intent"),
    Operation("POST", INTENT, update, "payment_intent"),
    Operation("POST", f"{INTENT}/cancel", cancel, "payment_intent"),
    Operation("GET", CHARGES, listing("charge", CHARGES, "customer", "payment_intent"), "charge"),
    Operation("GET", f"{CHARGES}/{{charge}}", retrieve("charge", "charge"), "charge"),
    Operation("POST", f"{CHARGES}/{{charge}}", update_charge, "charge"),
]
