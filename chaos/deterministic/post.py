"""Webhooks between the vendors and us: they lie here until the schedule hands them over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.test import Client

from sandbox.core.webhooks import Delivery, Ticket, WebhookSender

HEADERS = ("stripe-signature", "x-freshbooks-hmac-sha256")
TRIES = 3


class PostBox(WebhookSender):
    """One vendor's outgoing webhooks; nothing leaves by itself."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.lying: list[Ticket] = []

    def send(self, delivery: Delivery) -> Ticket:
        """Put it into the box."""
        ticket = self._ticket(delivery)
        self.lying.append(ticket)
        return ticket

    def all(self) -> list[Ticket]:
        """Every webhook so far."""
        return list(self._log)

    def signed(self, ticket: Ticket, headers: dict[str, str]) -> Ticket:
        """The same webhook with a signature of another moment."""
        return self._ticket(replace(ticket.delivery, sign=lambda _: headers))

    def forged(self, ticket: Ticket) -> Ticket:
        """The same webhook as somebody would write it who does not know the secret."""
        return self._ticket(ticket.delivery, forged=True)

    def reset(self) -> None:
        """Forget all."""
        super().reset()
        self.lying.clear()


@dataclass
class Postman:
    """Hands webhooks to the product's own URLs."""

    browser: Client

    def hand_over(self, ticket: Ticket) -> int:
        """One try; answer our status. A vendor tries again what was not answered 2xx."""
        delivery = ticket.delivery
        signed = {name.lower(): text for name, text in delivery.sign(ticket.forged).items()}
        answer = self.browser.post(
            urlsplit(delivery.url).path,
            delivery.body,
            content_type=delivery.content_type,
            headers={name: signed[name] for name in HEADERS if name in signed},
        )
        ticket.tries.append({"status": answer.status_code})
        taken = 200 <= answer.status_code < 300
        ticket.state = "delivered" if taken else "retrying"
        if taken and delivery.on_done is not None and not ticket.forged:
            delivery.on_done(True)  # noqa: FBT003 - the simulator's own signature
        return answer.status_code
