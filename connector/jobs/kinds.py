"""The names, queues and lanes of all kinds of work. Which function runs each: connector.routing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# What a webhook tells is fresh; what a look finds may have waited for hours already.
FOUND_BY_POLL = 5  # later than the kind's own priority
FOUND_BY_COMPARISON = 80

INTAKE, FRESHBOOKS, STRIPE, RECONCILE = "intake", "freshbooks", "stripe", "reconcile"


@dataclass(frozen=True)
class Kind:
    """A kind of work. `lane` names what may not be worked on twice at once.

    `version` is raised when a row of this kind comes to mean something that older code would get
    wrong. Workers leave rows of a newer version alone, so a rolling deploy is safe; a handler
    understands its own version and all older ones. `waits_s`: so long it is held back, for what is
    likely to come in meanwhile and makes it needless.
    """

    name: str
    queue: str
    priority: int
    lane: str
    version: int = 1
    waits_s: float = 0.0

    def lane_of(self, subject: str) -> str:
        """The lane of one subject, e.g. "invoice:2903314"."""
        return f"{self.lane}:{subject}"


ROUTE_DELIVERY = Kind("route_delivery", INTAKE, 10, "delivery")
CONFIRM_CALLBACK = Kind("confirm_callback", INTAKE, 10, "callback")
ERASE_TENANT = Kind("erase_tenant", INTAKE, 5, "erase")
PING = Kind("ping", INTAKE, 20, "ping")
REGISTER_WEBHOOKS = Kind("register_webhooks", INTAKE, 20, "webhooks")
SYNC_CLIENT = Kind("sync_client", STRIPE, 40, "client")
SYNC_INVOICE = Kind("sync_invoice", STRIPE, 50, "invoice")
LOOK_UP_PAYMENT = Kind("look_up_payment", FRESHBOOKS, 30, "freshbooks_payment")
LOOK_UP_STRIPE_INVOICE = Kind("look_up_stripe_invoice", STRIPE, 30, "stripe_invoice")
LOOK_UP_STRIPE_PAYMENT = Kind("look_up_stripe_payment", STRIPE, 55, "stripe_payment", waits_s=3.0)
LOOK_UP_CASH_BALANCE = Kind("look_up_cash_balance", STRIPE, 55, "cash_balance")
POLL_FRESHBOOKS = Kind("poll_freshbooks", FRESHBOOKS, 60, "poll_freshbooks")
POLL_STRIPE = Kind("poll_stripe", FRESHBOOKS, 60, "poll_stripe")
POLL_MONEY = Kind("poll_money", FRESHBOOKS, 65, "poll_money")
RECONCILE_ALL = Kind("reconcile", RECONCILE, 70, "reconcile")
MAKE_PLAN = Kind("make_plan", RECONCILE, 30, "make_plan")
APPLY_PLAN = Kind("apply_plan", RECONCILE, 35, "apply_plan")
HOLD_LANE = Kind("hold_lane", RECONCILE, 1, "hold")  # each row holds the lane of its subject

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        ROUTE_DELIVERY,
        CONFIRM_CALLBACK,
        PING,
        REGISTER_WEBHOOKS,
        ERASE_TENANT,
        SYNC_CLIENT,
        SYNC_INVOICE,
        LOOK_UP_PAYMENT,
        LOOK_UP_STRIPE_INVOICE,
        LOOK_UP_STRIPE_PAYMENT,
        LOOK_UP_CASH_BALANCE,
        POLL_FRESHBOOKS,
        POLL_STRIPE,
        POLL_MONEY,
        RECONCILE_ALL,
        MAKE_PLAN,
        APPLY_PLAN,
        HOLD_LANE,
    )
}


def versions(names: Iterable[str]) -> dict[str, int]:
    """The newest version of each kind that this code understands."""
    return {name: KINDS[name].version if name in KINDS else 1 for name in names}
