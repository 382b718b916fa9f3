"""Payouts: what is available goes to the bank, arrives there, or comes back."""

from sandbox.stripe.context import Context
from sandbox.stripe.events import Watch, raise_event
from sandbox.stripe.operation import Operation, listing, retrieve
from sandbox.stripe.resources import balance_transactions
from sandbox.stripe.types import Obj

ARRIVES_AFTER_S = 2 * 86_400
DAY_S = 86_400


def pay_out(ctx: Context, *, amount: int | None) -> Obj:
    """Pay out all that is available in the account's own currency; with an amount, by hand.

    Of a manual payout nobody can tell which movements it is made of.
    """
    ready = [
        row
        for row in ctx.account.table(balance_transactions.KIND).values()
        if row["status"] == "available" and "_payout" not in row and row["type"] != "payout"
    ]
    automatic = amount is None
    payout = ctx.account.add(
        {
            "id": ctx.ids.make("po"),
            "object": "payout",
            "amount": sum(row["net"] for row in ready) if amount is None else amount,
            # Midnight of a day, as Stripe shows it.
            "arrival_date": (ctx.now + ARRIVES_AFTER_S) // DAY_S * DAY_S,
            "automatic": automatic,
            "balance_transaction": None,
            "created": ctx.now,
            "currency": ctx.account.default_currency,
            "description": "STRIPE PAYOUT",
            "destination": None,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "livemode": ctx.account.livemode,
            "metadata": {},
            "method": "standard",
            "original_payout": None,
            "reconciliation_status": "completed" if automatic else "not_applicable",
            "reversed_by": None,
            "source_type": "card",
            "statement_descriptor": None,
            "status": "in_transit",
            "type": "bank_account",
        }
    )
    booked = balance_transactions.book(ctx, payout, -payout["amount"], kind="payout")
    payout["balance_transaction"] = booked["id"]
    booked["_payout"] = payout["id"]
    for row in ready if automatic else []:
        row["_payout"] = payout["id"]
    raise_event(ctx, "payout.created", payout)
    return payout


def arrive(ctx: Context, payout: Obj) -> None:
    """Have a payout arrive at the bank."""
    watch = Watch(ctx, payout)
    payout["status"] = "paid"
    watch.updated("payout.updated")
    raise_event(ctx, "payout.paid", payout)


def come_back(ctx: Context, payout: Obj) -> None:
    """Have the bank send a payout back, maybe after it had been paid."""
    watch = Watch(ctx, payout)
    booked = balance_transactions.book(ctx, payout, payout["amount"], kind="payout_failure")
    payout["status"] = "failed"
    payout["failure_balance_transaction"] = booked["id"]
    payout["failure_code"] = "account_closed"
    payout["failure_message"] = "The bank account has been closed."
    watch.updated("payout.updated")
    raise_event(ctx, "payout.failed", payout)


ALL = "/v1/payouts"
OPERATIONS = [
    Operation("GET", ALL, listing("payout", ALL, "status"), "payout"),
    Operation("GET", f"{ALL}/{{payout}}", retrieve("payout", "payout"), "payout"),
]
