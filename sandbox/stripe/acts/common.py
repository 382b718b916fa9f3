"""What the verbs share."""

from sandbox.core.vendor import ActRefused
from sandbox.stripe.context import Context
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World


def context_for(world: World, action: Obj) -> Context:
    """Give the context of the account an action names (test mode, unless `livemode`)."""
    account_id = action["account_id"]
    modes = [True] if action.get("livemode") is True else [False, True]
    for livemode in modes:
        account = world.accounts.get((account_id, livemode))
        if account is not None:
            world.run_due(account)
            return world.context(account)
    raise ActRefused(f"there is no account {account_id!r}")


def named(ctx: Context, kind: str, action: Obj, argument: str) -> Obj:
    """Give the object an action names."""
    return ctx.get(kind, action[argument], param=argument)


def whole(value: object, name: str) -> int:
    """Give a whole number of minor units."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ActRefused(f"{name} is a whole number of minor units, not {value!r}")
    return value
