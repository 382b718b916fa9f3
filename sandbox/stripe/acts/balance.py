"""Verbs on the account's balance: payouts, Stripe's own fees, reserves."""

from sandbox.core.vendor import ActRefused
from sandbox.stripe.acts.common import context_for, named, whole
from sandbox.stripe.render import render
from sandbox.stripe.resources import balance_transactions, payouts
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World


def pay_out(world: World, action: Obj) -> Obj:
    """Pay out all that is available; with an `amount`, by hand."""
    ctx = context_for(world, action)
    amount = action.get("amount")
    made = payouts.pay_out(ctx, amount=None if amount is None else whole(amount, "amount"))
    return render(ctx.account, made)


def settle_payout(world: World, action: Obj) -> Obj:
    """Have a payout arrive."""
    ctx = context_for(world, action)
    made = named(ctx, "payout", action, "payout")
    if made["status"] not in ("pending", "in_transit"):
        raise ActRefused(f"{made['id']} is already {made['status']}")
    payouts.arrive(ctx, made)
    return render(ctx.account, made)


def fail_payout(world: World, action: Obj) -> Obj:
    """Have a payout come back, maybe after it had arrived."""
    ctx = context_for(world, action)
    made = named(ctx, "payout", action, "payout")
    if made["status"] == "failed":
        raise ActRefused(f"{made['id']} is already failed")
    payouts.come_back(ctx, made)
    return render(ctx.account, made)


def charge_fee(world: World, action: Obj) -> Obj:
    """Have Stripe take a fee of its own off the balance: `amount`, `description`."""
    return _book(world, action, kind="stripe_fee", sign=-1)


def hold_reserve(world: World, action: Obj) -> Obj:
    """Have Stripe hold back a part of the balance: `amount`."""
    return _book(world, action, kind="reserve_hold", sign=-1)


def release_reserve(world: World, action: Obj) -> Obj:
    """Have Stripe give back what it held: `amount`."""
    return _book(world, action, kind="reserve_release", sign=1)


def _book(world: World, action: Obj, *, kind: str, sign: int) -> Obj:
    ctx = context_for(world, action)
    cause = {
        "id": None,
        "currency": ctx.account.default_currency,
        "description": action.get("description", kind.replace("_", " ").capitalize()),
    }
    amount = sign * whole(action["amount"], "amount")
    return render(ctx.account, balance_transactions.book(ctx, cause, amount, kind=kind))
