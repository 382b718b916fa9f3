"""Events: raised for what happens, kept for 30 days, sent to the endpoints that want them."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from functools import partial

from sandbox.core.webhooks import Delivery
from sandbox.stripe.book import Account
from sandbox.stripe.context import Context
from sandbox.stripe.render import render
from sandbox.stripe.types import Obj


def raise_event(ctx: Context, kind: str, obj: Obj, *, before: Obj | None = None) -> Obj:
    """Write down an event about an object and send it to every endpoint that wants it.

    `before` is the object as it was rendered earlier; what differs becomes
    `previous_attributes`.
    """
    after = render(ctx.account, obj)
    data: Obj = {"object": after}
    if before is not None:
        data["previous_attributes"] = changed(before, after)
    endpoints = interested(ctx.account, kind)
    event = ctx.account.add(
        {
            "id": ctx.ids.make("evt"),
            "object": "event",
            "api_version": ctx.account.default_version,
            "created": ctx.now,
            # As text: there are many events, few are read, and this spares time and memory.
            "_data": json.dumps(data),
            "livemode": ctx.account.livemode,
            "pending_webhooks": len(endpoints),
            "request": {"id": ctx.request_id, "idempotency_key": ctx.idempotency_key},
            "type": kind,
            "_undelivered": [],
        }
    )
    for endpoint in endpoints:
        deliver(ctx, event, endpoint)
    return event


def changed(before: Obj, after: Obj) -> Obj:
    """Give the old values of the fields that differ."""
    return {key: before.get(key) for key in after if before.get(key) != after[key]}


def interested(account: Account, kind: str) -> list[Obj]:
    """Give the enabled endpoints whose list of events has this one."""
    return [
        endpoint
        for endpoint in account.table("webhook_endpoint").values()
        if endpoint["status"] == "enabled"
        and ("*" in endpoint["enabled_events"] or kind in endpoint["enabled_events"])
    ]


def deliver(ctx: Context, event: Obj, endpoint: Obj) -> None:
    """Queue an event for one endpoint."""
    version = endpoint["api_version"] or event["api_version"]
    body = {**render(ctx.account, event), "api_version": version}
    raw = json.dumps(body).encode()
    ctx.send(
        Delivery(
            url=endpoint["url"],
            event=event["type"],
            body=raw,
            content_type="application/json; charset=utf-8",
            sign=signer(endpoint["_secret"], raw),
            on_done=partial(note_delivery, event, endpoint["id"]),
        )
    )


def note_delivery(event: Obj, endpoint_id: str, arrived: bool) -> None:
    """Write down what became of a delivery. (The core calls this with one plain argument.)"""
    if arrived:
        event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
        if endpoint_id in event["_undelivered"]:
            event["_undelivered"].remove(endpoint_id)
    elif endpoint_id not in event["_undelivered"]:
        event["_undelivered"].append(endpoint_id)


def signer(secret: str, body: bytes) -> Callable[[bool], dict[str, str]]:
    """Give the function that signs each try anew; a forged one is signed with another secret."""

    def sign(forged: bool) -> dict[str, str]:
        # Receivers compare with their own clock, which the sandbox clock does not move.
        stamp = int(time.time())
        key = "whsec_forged" if forged else secret
        digest = hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={stamp},v1={digest}", "User-Agent": "Stripe/1.0"}

    return sign


class Watch:
    """Remembers how an object looked, to tell in an event what changed."""

    def __init__(self, ctx: Context, obj: Obj) -> None:
        self._ctx = ctx
        self._obj = obj
        self._before = render(ctx.account, obj)

    def updated(self, kind: str) -> None:
        """Raise an `updated` event, unless nothing changed."""
        if changed(self._before, render(self._ctx.account, self._obj)):
            raise_event(self._ctx, kind, self._obj, before=self._before)
