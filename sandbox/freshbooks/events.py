"""Tells webhooks what happened: event names, handshakes, signed deliveries."""

from urllib.parse import urlencode

from sandbox.core.webhooks import Delivery, Ticket
from sandbox.freshbooks.book import Account, Callback
from sandbox.freshbooks.signing import HEADER, signature
from sandbox.freshbooks.world import World

SCOPE_OF_NOUN = {
    "bill": "bills",
    "bill_vendor": "bill_vendors",
    "category": "expenses",
    "client": "clients",
    "credit_note": "credit_notes",
    "estimate": "estimates",
    "expense": "expenses",
    "invoice": "invoices",
    "item": "billable_items",
    "payment": "payments",
    "project": "projects",
    "recurring": "invoices",
    "service": "billable_items",
    "tax": "taxes",
    "time_entry": "time_entries",
}
EVENTS = frozenset(
    {f"{noun}.{verb}" for noun in SCOPE_OF_NOUN for verb in ("create", "update", "delete")}
    | {"invoice.sendByEmail", "estimate.sendByEmail"}
)
FORM = "application/x-www-form-urlencoded"
FAILURES_UNTIL_DISABLED = 3
HANDSHAKE_DELAY_S = 0.05


def noun_of(event: str) -> str:
    """`payment` of `payment.create`."""
    return event.partition(".")[0]


def raise_event(world: World, account: Account, event: str, object_id: int) -> None:
    """Deliver to every verified callback of the account that asked for this."""
    if account.callbacks_stopped:
        return
    for callback in account.callbacks.values():
        if callback.verified and callback.event in (event, noun_of(event)):
            fields = [("name", event), ("object_id", str(object_id)), *_who(account)]
            world.webhooks.send(_delivery(world, callback, event, fields, signed=True))


def send_handshake(world: World, account: Account, callback: Callback) -> Ticket:
    """Send the verifier to the address; the callback stays inactive until it comes back."""
    fields = [
        ("name", "callback.verify"),
        ("object_id", str(callback.id)),
        ("verifier", callback.verifier),
        *_who(account),
    ]
    signed = world.switches.on("handshake_signed")
    delay_s = HANDSHAKE_DELAY_S if world.switches["handshake_arrival"] == "after_answer" else 0
    return world.webhooks.send(
        _delivery(world, callback, "callback.verify", fields, signed=signed, delay_s=delay_s)
    )


def _who(account: Account) -> list[tuple[str, str]]:
    return [
        ("account_id", account.account_id),
        ("business_id", str(account.business_id)),
        ("identity_id", str(account.owner_identity_id)),
        ("user_id", "1"),
    ]


def _delivery(
    world: World,
    callback: Callback,
    event: str,
    fields: list[tuple[str, str]],
    *,
    signed: bool,
    delay_s: float = 0,
) -> Delivery:
    if world.switches["webhook_field_order"] == "alphabetical":
        fields = sorted(fields)

    def sign(forged: bool) -> dict[str, str]:
        if forged:
            return {HEADER: signature("a key nobody was given", fields)}
        return {HEADER: signature(callback.verifier, fields)} if signed else {}

    def note_outcome(delivered: bool) -> None:
        callback.failures = 0 if delivered else callback.failures + 1
        disabling = world.switches["failing_callback"] == "is_disabled"
        if disabling and callback.failures >= FAILURES_UNTIL_DISABLED:
            callback.verified = False

    return Delivery(
        url=callback.uri,
        event=event,
        body=urlencode(fields).encode(),
        content_type=FORM,
        sign=sign,
        on_done=note_outcome,
        retry=world.switches.on("webhook_retries"),
        delay_s=delay_s,
    )
