"""What code that changes a book has at hand: the account, the time, ids, switches, events."""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.core.switches import Switches
from sandbox.core.webhooks import Delivery, Ticket
from sandbox.stripe.book import Account
from sandbox.stripe.errors import no_such
from sandbox.stripe.ids import IdMaker
from sandbox.stripe.params import MAX_METADATA_KEYS, too_many_keys
from sandbox.stripe.types import Obj


@dataclass
class Context:
    """One piece of work on one account: an API request, an act, a click, an alarm."""

    account: Account
    now: int
    ids: IdMaker
    switches: Switches
    send: Callable[[Delivery], Ticket]
    base_url: str
    request_id: str | None = None
    """None when nobody's API request is the cause."""
    idempotency_key: str | None = None
    notes: Obj = field(default_factory=dict)

    def get(self, kind: str, object_id: str, *, param: str, in_path: bool = False) -> Obj:
        """Give an object of the account; refuse an unknown id as Stripe does."""
        found = self.account.table(kind).get(object_id)
        if found is None or (found.get("deleted") and not in_path):
            raise no_such(NAMES.get(kind, kind), object_id, param=param, in_path=in_path)
        return found


# How error texts call a resource, where that differs from its `object`.
NAMES = {
    "line_item": "invoice line item",
    "tax_rate": "tax rate",
    "credit_note": "credit note",
    "webhook_endpoint": "webhook endpoint",
    "checkout.session": "checkout.session",
}


def merge_metadata(obj: Obj, params: Obj, name: str = "metadata") -> None:
    """Merge metadata key by key; an empty value removes a key, an empty text all of them."""
    given = params.get(name)
    if given is None:
        return
    if given == "":
        obj["metadata"] = {}
        return
    merged = {**obj.get("metadata", {}), **given}
    left = {key: value for key, value in merged.items() if value != ""}
    if len(left) > MAX_METADATA_KEYS:
        raise too_many_keys(len(left), name)
    obj["metadata"] = left


def or_null(value: object) -> object:
    """Give None for the empty text that clears a field."""
    return None if value == "" else value
