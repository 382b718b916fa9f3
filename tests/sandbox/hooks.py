"""Registering callbacks and looking at what arrives, for the tests of webhooks."""

from __future__ import annotations

import time
from typing import Any

from tests.sandbox.driving import CALLBACKS, Account, Hook, Receiver, eventually

SIGNATURE = "X-FreshBooks-Hmac-SHA256"
SETTLE_S = 0.08


def register(account: Account, event: str, uri: str) -> dict[str, Any]:
    """Register a callback."""
    body = {"callback": {"event": event, "uri": uri}}
    callback: dict[str, Any] = account.result("POST", CALLBACKS, body)["callback"]
    return callback


def handshake(receiver: Receiver, path: str) -> Hook:
    """The latest handshake that arrived at a path."""
    return eventually(lambda: receiver.at(path))[-1]


def live_callback(
    account: Account, receiver: Receiver, event: str, path: str = "/fb"
) -> tuple[int, str]:
    """A verified callback; its id and verifier. The handshake is forgotten."""
    callback = register(account, event, receiver.url + path)
    verifier = handshake(receiver, path).fields["verifier"]
    one = f"{CALLBACKS}/{callback['callbackid']}"
    verified = account.result("PUT", one, {"callback": {"verifier": verifier}})["callback"]
    assert verified["verified"] is True
    receiver.hooks.clear()
    return callback["callbackid"], verifier


def arrived(receiver: Receiver, count: int) -> list[tuple[str, str]]:
    """Event names and object ids, once `count` arrived and nothing more does."""
    eventually(lambda: len(receiver.hooks) >= count)
    time.sleep(SETTLE_S)
    return [(hook.fields["name"], hook.fields["object_id"]) for hook in receiver.hooks]


def delivery_log(account: Account) -> list[dict[str, Any]]:
    """What the simulator says it sent."""
    deliveries: list[dict[str, Any]] = account.freshbooks.state()["deliveries"]
    return deliveries
