"""Refunds: money going back, which may fail days later."""

from sandbox.stripe.context import Context, merge_metadata
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.money import check_chargeable, shown
from sandbox.stripe.operation import Call, Operation, listing, retrieve
from sandbox.stripe.resources import balance_transactions, invoice_payments
from sandbox.stripe.types import Obj

BLOCKED_BY = ("needs_response", "under_review", "lost")


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/refunds."""
    charge = charge_to_refund(ctx, call.params)
    amount = call.params.get("amount")
    refund = make(ctx, charge, amount, status="succeeded", reason=call.get("reason"))
    merge_metadata(refund, call.params)
    return refund


def charge_to_refund(ctx: Context, params: Obj) -> Obj:
    """Give the charge that a refund names, directly or by its payment intent."""
    if params.get("charge"):
        return ctx.get("charge", params["charge"], param="charge")
    if not params.get("payment_intent"):
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise refuse(message)
    intent = ctx.get("payment_intent", params["payment_intent"], param="payment_intent")
    if intent["latest_charge"] is None:
        message = (
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        )
        raise refuse(message, param="payment_intent", code="payment_intent_unexpected_state")
    return ctx.get("charge", intent["latest_charge"], param="charge")


def check(ctx: Context, charge: Obj, amount: int | None) -> int:
    """Give the amount to refund; refuse what cannot be."""
    left: int = charge["amount_captured"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        raise refuse(f"Charge {charge['id']} has not succeeded, so it can't be refunded.")
    if any(
        dispute["charge"] == charge["id"] and dispute["status"] in BLOCKED_BY
        for dispute in ctx.account.table("dispute").values()
    ):
        raise refuse(f"Charge {charge['id']} has been charged back.", code="charge_disputed")
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise refuse(message, code="charge_already_refunded")
    wanted = left if amount is None else amount
    if wanted < 1:
        raise refuse("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if wanted > left:
        currency = charge["currency"]
        raise refuse(
            f"Refund amount ({shown(wanted, currency)}) is greater than unrefunded amount on "
            f"charge ({shown(left, currency)})",
            param="amount",
        )
    check_chargeable(wanted, charge["currency"], param="amount")
    return wanted


def make(ctx: Context, charge: Obj, amount: int | None, *, status: str, reason: str | None) -> Obj:
    """Refund a charge, wholly or in part."""
    wanted = check(ctx, charge, amount)
    method = charge["_method"]
    refund = ctx.account.add(
        {
            "id": ctx.ids.make("re"),
            "object": "refund",
            "amount": wanted,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": ctx.now,
            "currency": charge["currency"],
            "destination_details": {"type": method} | ({"card": CARD} if method == "card" else {}),
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": status,
            "transfer_reversal": None,
        }
    )
    if status == "pending":
        refund["pending_reason"] = "processing"
    kind = "refund" if method == "card" else "payment_refund"
    booked = balance_transactions.book(ctx, refund, -wanted, kind=kind)
    refund["balance_transaction"] = booked["id"]
    watch = Watch(ctx, charge)
    count(charge, wanted)
    raise_event(ctx, "refund.created", refund)
    raise_event(ctx, "charge.refunded", charge)
    watch.updated("charge.updated")
    if ctx.switches["refund_effect_on_invoice"] == "lowers_amount_paid":
        invoice_payments.take_back(ctx, charge["payment_intent"] or "", wanted)
    return refund


CARD = {"reference": None, "reference_status": "pending", "type": "refund"}


def count(charge: Obj, amount: int) -> None:
    """Count a refund, or with a negative amount its failure, on the charge."""
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]


def succeed(ctx: Context, refund: Obj) -> None:
    """Have a pending refund arrive."""
    watch = Watch(ctx, refund)
    refund["status"] = "succeeded"
    refund.pop("pending_reason", None)
    watch.updated("refund.updated")


def fail(ctx: Context, refund: Obj, reason: str = "expired_or_canceled_card") -> None:
    """Have a refund fail, maybe after it had succeeded: the money comes back."""
    watch = Watch(ctx, refund)
    refund["status"] = "failed"
    refund["failure_reason"] = reason
    refund.pop("pending_reason", None)
    booked = balance_transactions.book(ctx, refund, refund["amount"], kind="refund_failure")
    refund["failure_balance_transaction"] = booked["id"]
    charge = ctx.account.table("charge")[refund["charge"]]
    count(charge, -refund["amount"])
    raise_event(ctx, "refund.failed", refund)
    watch.updated("refund.updated")
    raise_event(ctx, "charge.updated", charge)


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/refunds/{refund}."""
    refund = ctx.get("refund", call.path["refund"], param="refund", in_path=True)
    watch = Watch(ctx, refund)
    merge_metadata(refund, call.params)
    watch.updated("refund.updated")
    return refund


def cancel(ctx: Context, call: Call) -> Obj:
    """POST /v1/refunds/{refund}/cancel: only while the customer has to act."""
    refund = ctx.get("refund", call.path["refund"], param="refund", in_path=True)
    if refund["status"] != "requires_action":
        raise refuse(f"Refund {refund['id']} can't be canceled: it is {refund['status']}.")
    refund["status"] = "canceled"
    count(ctx.account.table("charge")[refund["charge"]], -refund["amount"])
    raise_event(ctx, "refund.updated", refund)
    return refund


ALL = "/v1/refunds"
OPERATIONS = [
    Operation("POST", ALL, create, "charge"),
    Operation("GET", ALL, listing("refund", ALL, "charge", "payment_intent"), "charge"),
    Operation("GET", f"{ALL}/{{refund}}", retrieve("refund", "refund"), "charge"),
    Operation("POST", f"{ALL}/{{refund}}", update, "charge"),
    Operation("POST", f"{ALL}/{{refund}}/cancel", cancel, "charge"),
]
