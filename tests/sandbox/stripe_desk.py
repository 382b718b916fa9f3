"""A desk for tests of the simulated Stripe: an account, its client, and the control API.

Every answer that passes is held against the OpenAPI description of the pinned version.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import requests
import stripe

from sandbox.stripe.contract import StripeContract

SPEC = Path(__file__).parents[1] / "contracts" / "stripe_spec3.json"
WAIT_S = 60.0

stripe.enable_telemetry = False


@cache
def contract() -> StripeContract:
    return StripeContract.read(SPEC)


def description() -> dict[str, Any]:
    return contract().description


def check_answer(method: str, path: str, status: int, body: Any) -> None:
    """Fail unless an answer is one that the pinned version could give."""
    problems = contract().problems(method, path, status, body)
    assert not problems, f"{method} {path}: {problems}"


def check_resource(obj: dict[str, Any]) -> None:
    """Fail unless an object (of a webhook, say) fits its resource."""
    problems = contract().of_object(obj)
    assert not problems, problems


class CheckingClient(stripe.RequestsClient):
    """The usual HTTP client; looks at every answer, and keeps the last one's headers."""

    last_headers: dict[str, str]

    # The library types one argument of the base class that this subclass of it does not take.
    def request(  # type: ignore[override]
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        text, status, answered = super().request(method, url, headers, post_data)
        self.last_headers = dict(answered)
        check_answer(method, urlsplit(url).path, status, json.loads(text))
        assert answered["Request-Id"].startswith("req_")
        return text, status, answered


@dataclass
class Desk:
    """One account of the simulated Stripe."""

    url: str
    account_id: str = ""
    key: str = ""
    http: CheckingClient = field(default_factory=CheckingClient)

    @classmethod
    def fresh(cls, url: str, **account: Any) -> "Desk":
        """Empty the simulator and open an account."""
        desk = cls(url)
        desk.control("reset")
        desk.control("clock", {"reset": True})
        desk.open(**account)
        return desk

    def open(self, **account: Any) -> dict[str, Any]:
        opened: dict[str, Any] = self.act("create_account", own=False, **account)
        self.account_id, self.key = opened["account_id"], opened["secret_key"]
        return opened

    def control(self, name: str, body: Any = None) -> Any:
        answer = requests.post(f"{self.url}/_sandbox/{name}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def act(self, verb: str, *, own: bool = True, **arguments: Any) -> Any:
        action = {"do": verb, **arguments}
        if own:
            action.setdefault("account_id", self.account_id)
        return self.control("act", action)

    def refused_act(self, verb: str, **arguments: Any) -> str:
        action = {"do": verb, "account_id": self.account_id, **arguments}
        answer = requests.post(f"{self.url}/_sandbox/act", json=action, timeout=60)
        assert answer.status_code == 400, answer.text
        return cast("str", answer.json()["error"])

    def switch(self, **answers: str) -> None:
        self.control("switches", answers)

    def state(self) -> dict[str, Any]:
        state = requests.get(f"{self.url}/_sandbox/state", timeout=60).json()
        return cast("dict[str, Any]", state)

    def book(self) -> dict[str, Any]:
        """The state of this account."""
        accounts = self.state()["accounts"]
        return cast("dict[str, Any]", next(a for a in accounts if a["id"] == self.account_id))

    def advance(self, seconds: float) -> int:
        return int(self.control("clock", {"advance_s": seconds})["now"])

    def client(self, key: str | None = None) -> stripe.StripeClient:
        return stripe.StripeClient(
            key or self.key, base_addresses={"api": self.url}, http_client=self.http
        )

    def post(self, path: str, body: str = "", **headers: str) -> requests.Response:
        """A POST as no client library would make it."""
        sent = {
            "Authorization": f"Bearer {self.key}",
            "Stripe-Version": "2026-10-28.endive",
            "Content-Type": "application/x-www-form-urlencoded",
            **headers,
        }
        return requests.post(self.url + path, data=body, headers=sent, timeout=60)

    def get(self, path: str, **headers: str) -> requests.Response:
        sent = {"Authorization": f"Bearer {self.key}", **headers}
        return requests.get(self.url + path, headers=sent, timeout=60)

    # What most tests need first.

    def customer(self, **params: Any) -> stripe.Customer:
        given = {"name": "Blue Fir LLC", "email": "ap@bluefir.example", **params}
        return self.client().v1.customers.create(cast("Any", given))

    def draft(self, customer: str | None = None, **params: Any) -> stripe.Invoice:
        given = {
            "customer": customer or self.customer().id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "currency": "usd",
            **params,
        }
        return self.client().v1.invoices.create(cast("Any", given))

    def open_invoice(self, amount: int = 12600, **params: Any) -> stripe.Invoice:
        invoice = self.draft(**params)
        line = {"amount": amount, "description": "Design hours"}
        self.client().v1.invoices.add_lines(invoice.id, {"lines": [cast("Any", line)]})
        return self.client().v1.invoices.finalize_invoice(invoice.id)

    def invoice(self, invoice_id: str, *expand: str) -> stripe.Invoice:
        return self.client().v1.invoices.retrieve(invoice_id, {"expand": list(expand)})

    def event_types(self) -> list[str]:
        """Types of all events, oldest first."""
        return [event["type"] for event in self.book().get("events", [])]

    def wait_for_deliveries(self) -> list[dict[str, Any]]:
        """All webhooks, once none is under way any more."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            state = self.state()
            if not state["deliveries_waiting"]:
                return cast("list[dict[str, Any]]", state["deliveries"])
            time.sleep(0.05)
        raise AssertionError("webhooks are still under way")


def lent_desk(url: str) -> Iterator[Desk]:
    """A fresh desk for one test; afterwards the clock, shared by all tests, runs as before."""
    desk = Desk.fresh(url)
    yield desk
    desk.control("clock", {"reset": True})


def refusal(error: stripe.StripeError) -> tuple[int | None, str | None, str | None]:
    """Status, code and param of a refusal."""
    body = cast("Any", error.json_body)["error"]
    return error.http_status, body.get("code"), body.get("param")
