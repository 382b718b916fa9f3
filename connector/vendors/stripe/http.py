"""The official `stripe` client on our own bounded HTTP door.

`stripe.StripeClient` encodes parameters, sets the headers and pins the API version; the bytes go
through `connector.vendors.http`, which bounds time and size, follows no redirect and knows whether
a lost answer may have been a write. Nothing of `stripe`'s process-wide configuration is used, save
two switches that only exist there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import stripe

from connector.vendors.http import HttpAnswer, HttpDoor, HttpRequest

API_VERSION = "2026-10-28.endive"

# Both are process-wide in the package: telemetry would write a machine id to disk, and its logger
# would put request bodies (people's names and addresses) into our logs.
stripe.enable_telemetry = False
logging.getLogger("stripe").setLevel(logging.WARNING)


class Exchange(stripe.HTTPClient):
    """The transport of exactly one call; keeps its answer, which carries headers and bytes."""

    name = "requests"

    def __init__(self, door: HttpDoor, *, operation: str) -> None:
        super().__init__()
        self._door = door
        self._operation = operation
        self.answer: HttpAnswer | None = None

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """What the `stripe` package asks of a transport."""
        self.answer = self._door.send(
            HttpRequest(
                method=method.upper(),
                url=url,
                headers=headers or {},
                body=post_data.encode() if isinstance(post_data, str) else post_data,
                operation=self._operation,
            )
        )
        try:
            text = self.answer.body.decode()
        except UnicodeDecodeError:
            text = ""  # no JSON; the package refuses it and `errors` says so
        return text, self.answer.status, self.answer.headers

    def close(self) -> None:
        """Nothing to close: the session belongs to the door."""


def client_for(exchange: Exchange, *, api_key: str, base_url: str) -> stripe.StripeClient:
    """A client for one call, with the tenant's own key and no retries of its own."""
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": base_url},
        http_client=exchange,
        max_network_retries=0,
        stripe_version=API_VERSION,
    )
