"""Verbs on accounts, their keys, and on what the network does."""

from sandbox.core.vendor import ActRefused
from sandbox.stripe.acts.common import context_for, named
from sandbox.stripe.book import ApiKey
from sandbox.stripe.events import deliver, interested
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World


def create_account(world: World, action: Obj) -> Obj:
    """Open an account: name, country, default_currency, livemode, account_id (for a second mode)."""
    account = world.open_account(action)
    return {
        "account_id": account.id,
        "secret_key": account.keys[0].secret,
        "livemode": account.livemode,
    }


def create_restricted_key(world: World, action: Obj) -> Obj:
    """Give an account a key that may do only this: permissions such as `rak_invoice_write`."""
    account = context_for(world, action).account
    mode = "live" if account.livemode else "test"
    permissions = frozenset(str(slug) for slug in action["permissions"])
    key = ApiKey(f"rk_{mode}_51{world.ids.token(40)}", permissions)
    account.keys.append(key)
    return {"restricted_key": key.secret, "account_id": account.id}


def revoke_key(world: World, action: Obj) -> Obj:
    """Take a key away: `key` (default: all), `how` revoked or expired."""
    account = context_for(world, action).account
    how = action.get("how", "revoked")
    if how not in ("revoked", "expired"):
        raise ActRefused("how is revoked or expired")
    touched = 0
    for key in account.keys:
        if action.get("key") in (None, key.secret):
            key.status = how
            touched += 1
    return {"revoked": touched}


def break_next_write(world: World, action: Obj) -> Obj:
    """Have the next POST answer 500 and keep that answer: `executed` says whether it was done."""
    account = context_for(world, action).account
    executed = bool(action.get("executed", True))
    account.broken_writes.append("after" if executed else "before")
    return {"waiting": len(account.broken_writes)}


def resend_event(world: World, action: Obj) -> Obj:
    """Send an event once more to every endpoint that wants it."""
    ctx = context_for(world, action)
    event = named(ctx, "event", action, "event")
    endpoints = interested(ctx.account, event["type"])
    for endpoint in endpoints:
        deliver(ctx, event, endpoint)
    return {"sent": len(endpoints)}
