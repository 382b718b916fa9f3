"""Disputes: a payer's bank takes the money back, and perhaps returns it."""

from sandbox.stripe.book import public
from sandbox.stripe.context import Context
from sandbox.stripe.errors import refuse
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.operation import Operation, listing, retrieve
from sandbox.stripe.resources import balance_transactions, invoice_payments
from sandbox.stripe.types import Obj

FEE = 1500
EVIDENCE_DAYS_S = 7 * 86_400


def open_dispute(ctx: Context, charge: Obj, *, reason: str, inquiry: bool) -> Obj:
    """Have a payment disputed. An inquiry moves no money."""
    if charge["status"] != "succeeded":
        raise refuse(f"Charge {charge['id']} has not succeeded.")
    dispute = ctx.account.add(
        {
            "id": ctx.ids.make("du"),
            "object": "dispute",
            "amount": charge["amount"] - charge["amount_refunded"],
            "balance_transactions": [],
            "charge": charge["id"],
            "created": ctx.now,
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": ctx.now + EVIDENCE_DAYS_S,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": inquiry,
            "livemode": ctx.account.livemode,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "reason": reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        }
    )
    charge["disputed"] = True
    raise_event(ctx, "charge.dispute.created", dispute)
    if not inquiry:
        move(ctx, dispute, -dispute["amount"], fee=FEE)
        raise_event(ctx, "charge.dispute.funds_withdrawn", dispute)
    raise_event(ctx, "charge.updated", charge)
    return dispute


def move(ctx: Context, dispute: Obj, amount: int, *, fee: int) -> None:
    """Take the disputed money or give it back; the fee is kept in any case."""
    booked = balance_transactions.book(ctx, dispute, amount, kind="adjustment", fee=fee)
    dispute["balance_transactions"].append(public(booked))


def check_open(dispute: Obj) -> None:
    """Refuse to close a dispute twice."""
    if dispute["status"] in ("won", "lost", "warning_closed"):
        raise refuse(f"Dispute {dispute['id']} is already {dispute['status']}.")


def win(ctx: Context, dispute: Obj) -> None:
    """Close a dispute in the account's favour."""
    check_open(dispute)
    watch = Watch(ctx, dispute)
    inquiry = dispute["status"].startswith("warning_")
    dispute["status"] = "warning_closed" if inquiry else "won"
    watch.updated("charge.dispute.updated")
    raise_event(ctx, "charge.dispute.closed", dispute)
    if not inquiry:
        move(ctx, dispute, dispute["amount"], fee=0)
        raise_event(ctx, "charge.dispute.funds_reinstated", dispute)


def lose(ctx: Context, dispute: Obj) -> None:
    """Close a dispute in the payer's favour."""
    check_open(dispute)
    watch = Watch(ctx, dispute)
    if not dispute["balance_transactions"]:
        move(ctx, dispute, -dispute["amount"], fee=FEE)
        raise_event(ctx, "charge.dispute.funds_withdrawn", dispute)
    dispute["status"] = "lost"
    watch.updated("charge.dispute.updated")
    raise_event(ctx, "charge.dispute.closed", dispute)
    if ctx.switches["lost_dispute_effect_on_invoice"] == "lowers_amount_paid":
        invoice_payments.take_back(ctx, dispute["payment_intent"] or "", dispute["amount"])


ALL = "/v1/disputes"
OPERATIONS = [
    Operation("GET", ALL, listing("dispute", ALL, "charge", "payment_intent"), "dispute"),
    Operation("GET", f"{ALL}/{{dispute}}", retrieve("dispute", "dispute"), "dispute"),
]
