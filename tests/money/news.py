"""How news of what happened at the vendors reach us: by webhooks, by polling, by both, in disorder.

Webhooks arrive in this process and wait; a test hands them to the real views when, and in the
order, it wants. So every order is possible, none depends on luck, and a seed repeats it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.test import Client

from connector.connecting.webhooks import register_webhooks
from tenants.models import FreshBooksCallback
from tenants.scope import tenant_scope
from tests.pipeline.shop import Shop, cause
from tests.sandbox.driving import Hook, Receiver, Vendor, eventually

HEADERS = ("stripe-signature", "x-freshbooks-hmac-sha256")
ROUNDS = 12  # more than any test needs: news that never end fail the test


@dataclass
class Mailbox:
    """Webhooks that arrived and that nobody has read yet."""

    receiver: Receiver
    vendors: tuple[Vendor, Vendor]
    browser: Client = field(default_factory=Client)
    counting: bool = False
    taken: int = 0

    def count(self) -> None:
        """From now on the vendors count what they send: a fault that delays by nothing does it."""
        if not self.counting:
            for vendor in self.vendors:
                vendor.fault("delay_webhook", times=None, delay_s=0)
            self.counting = True
        self.receiver.hooks.clear()
        self.taken = self._sent()

    def take(self) -> list[Hook]:
        """All that was sent since the last time, once it has arrived."""
        sent = self._sent()
        eventually(lambda: self.taken + len(self.receiver.hooks) >= sent)
        hooks = list(self.receiver.hooks)
        del self.receiver.hooks[: len(hooks)]
        self.taken += len(hooks)
        return hooks

    def hand_over(self, hooks: Iterable[Hook]) -> None:
        """Give webhooks to the views that the vendors would have called."""
        for hook in hooks:
            headers = {name.lower(): value for name, value in hook.headers.items()}
            answer = self.browser.post(
                hook.path,
                hook.body,
                content_type=headers["content-type"],
                headers={name: headers[name] for name in HEADERS if name in headers},
            )
            assert 200 <= answer.status_code < 300, (answer.status_code, hook.body[:200])

    def _sent(self) -> int:
        return sum(fault["hits"] for vendor in self.vendors for fault in _faults(vendor))


def _faults(vendor: Vendor) -> list[dict[str, int]]:
    faults: list[dict[str, int]] = vendor.control("GET", "faults").json()["faults"]
    return faults


def listen(shop: Shop, mailbox: Mailbox) -> None:
    """Both vendors know where to send their webhooks, and it was seen to work."""
    register_webhooks(shop.tenant.pk, cause=cause())

    def all_arrived() -> bool:
        hooks = list(mailbox.receiver.hooks)
        del mailbox.receiver.hooks[: len(hooks)]
        mailbox.hand_over(hooks)
        with tenant_scope(shop.tenant.pk):
            registering = FreshBooksCallback.State.REGISTERING
            return not FreshBooksCallback.objects.filter(state=registering).exists()

    eventually(all_arrived)
    shop.settle()
    mailbox.count()


# How news arrive ---------------------------------------------------------------------------------


def hear(shop: Shop, mailbox: Mailbox) -> None:
    """Let both vendors tell all they have to tell, and do what follows from it."""
    for _ in range(ROUNDS):
        hooks = mailbox.take()
        if not hooks:
            return
        mailbox.hand_over(hooks)
        shop.settle()
    raise AssertionError("they never stop telling")


def hear_in_disorder(shop: Shop, mailbox: Mailbox, seed: int = 7) -> None:
    """Each webhook comes twice, in any order, and work is done between two of them."""
    disorder = random.Random(seed)
    for _ in range(ROUNDS):
        hooks = mailbox.take() * 2
        if not hooks:
            return
        disorder.shuffle(hooks)
        for third in range(3):
            mailbox.hand_over(hooks[third::3])
            shop.settle()
    raise AssertionError("they never stop telling")


def poll(shop: Shop, _: Mailbox) -> None:
    """Nobody tells anything: ask both vendors."""
    shop.poll()


def hear_and_poll(shop: Shop, mailbox: Mailbox) -> None:
    """What was told is asked for as well."""
    hear(shop, mailbox)
    poll(shop, mailbox)
    hear(shop, mailbox)


Delivery = Callable[[Shop, Mailbox], None]
DELIVERIES: dict[str, Delivery] = {
    "webhooks": hear,
    "polling": poll,
    "both": hear_and_poll,
    "disorder": hear_in_disorder,
}
