"""Webhook endpoints, the events they are sent, and the list to catch up with."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.driving import Receiver, eventually
from tests.sandbox.stripe_desk import Desk, check_resource, lent_desk, refusal

VERSION: Any = "2026-10-28.endive"


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def listen(desk: Desk, url: str, *events: Any) -> stripe.WebhookEndpoint:
    return desk.client().v1.webhook_endpoints.create(
        {"url": url, "enabled_events": list(events), "api_version": VERSION}
    )


def test_the_secret_is_told_once(desk: Desk) -> None:
    client = desk.client()
    made = listen(desk, "https://hooks.example/a", "invoice.paid")
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id)
    assert "secret" not in client.v1.webhook_endpoints.list().data[0]
    changed = client.v1.webhook_endpoints.update(
        made.id, {"disabled": True, "enabled_events": ["*"], "url": "https://hooks.example/b"}
    )
    assert (changed.status, changed.enabled_events, changed.url) == (
        "disabled",
        ["*"],
        "https://hooks.example/b",
    )
    client.v1.webhook_endpoints.delete(made.id)
    assert client.v1.webhook_endpoints.list().data == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("url=nowhere&enabled_events[]=*", "url"),
        ("url=https://a.example&enabled_events[]=invoice.eaten", "enabled_events[0]"),
        ("url=https://a.example", "enabled_events"),
        ("enabled_events[]=*", "url"),
        ("url=https://a.example&enabled_events[]=*&api_version=1", "api_version"),
    ],
)
def test_bad_endpoints_are_refused(desk: Desk, body: str, param: str) -> None:
    answer = desk.post("/v1/webhook_endpoints", body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_there_are_sixteen_endpoints_at_most_and_live_ones_are_https(desk: Desk) -> None:
    for number in range(16):
        listen(desk, f"https://hooks.example/{number}", "*")
    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
        listen(desk, "https://hooks.example/17", "*")
    desk.key = desk.act("create_account", livemode=True)["secret_key"]
    with pytest.raises(stripe.InvalidRequestError) as refused:
        listen(desk, "http://hooks.example/live", "*")
    assert refusal(refused.value)[2] == "url"


def test_events_arrive_signed_whole_and_only_where_wanted(desk: Desk, receiver: Receiver) -> None:
    wanted = listen(desk, receiver.url + "/a", "invoice_payment.paid", "invoice.paid")
    every = listen(desk, receiver.url + "/b", "*")
    off = listen(desk, receiver.url + "/c", "*")
    desk.client().v1.webhook_endpoints.update(off.id, {"disabled": True})
    invoice = desk.open_invoice()
    desk.act("pay_invoice", invoice=invoice.id)
    deliveries = desk.wait_for_deliveries()
    by_path: dict[str, list[dict[str, Any]]] = {}
    for delivery in deliveries:
        by_path.setdefault(delivery["url"].rsplit("/", 1)[1], []).append(delivery)
    assert [d["event"] for d in by_path["a"]] == ["invoice_payment.paid", "invoice.paid"]
    assert "c" not in by_path
    assert len(by_path["b"]) == len(desk.event_types())
    assert wanted.secret
    assert every.secret
    for hook in receiver.hooks:
        secret = wanted.secret if hook.path.endswith("/a") else every.secret
        event = desk.client().construct_event(hook.body, hook.headers["Stripe-Signature"], secret)
        assert event.api_version == VERSION
        shown = json.loads(hook.body)["data"]["object"]
        check_resource(shown)
        assert not {"payments", "amount_paid_off_stripe", "refunds"} & set(shown)
    assert all(event["pending_webhooks"] == 0 for event in desk.book()["events"])


def test_a_forged_delivery_does_not_verify(desk: Desk, receiver: Receiver) -> None:
    made = listen(desk, receiver.url, "customer.created")
    desk.control("faults", [{"fault": "forge_webhook"}])
    desk.customer()
    desk.wait_for_deliveries()
    assert made.secret is not None
    good = 0
    for hook in receiver.hooks:
        try:
            desk.client().construct_event(hook.body, hook.headers["Stripe-Signature"], made.secret)
            good += 1
        except stripe.SignatureVerificationError:
            continue
    assert (good, len(receiver.hooks)) == (1, 2)


def test_a_deaf_endpoint_is_seen_in_the_list_and_can_be_sent_again(desk: Desk) -> None:
    listen(desk, "http://127.0.0.1:9/closed", "customer.created")
    desk.customer()
    (delivery,) = desk.wait_for_deliveries()
    assert (delivery["state"], len(delivery["tries"])) == ("failed", 3)
    client = desk.client()
    (missed,) = client.v1.events.list({"delivery_success": False}).data
    assert missed.type == "customer.created"
    assert desk.act("resend_event", event=missed.id) == {"sent": 1}
    assert len(desk.state()["deliveries"]) == 2


def test_the_list_of_events_is_for_catching_up(desk: Desk) -> None:
    client = desk.client()
    desk.open_invoice()
    rows = client.v1.events.list({"types": ["invoice.created", "customer.created"]}).data
    assert [row.type for row in rows] == ["invoice.created", "customer.created"]
    assert {row.type for row in client.v1.events.list({"type": "invoice.*"}).data} == {
        "invoice.created",
        "invoice.updated",
        "invoice.finalized",
    }
    one = client.v1.events.retrieve(rows[0].id)
    assert one.request is not None
    assert one.request.idempotency_key
    bad: Any
    for bad in ({"type": "a", "types": ["a"]}, {"types": ["x"] * 21}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.events.list(bad)
    desk.advance(31 * 86_400)
    kinds = {row.type for row in client.v1.events.list().data}
    assert kinds <= {"invoice.overdue"}


def test_what_happens_by_itself_is_told_without_a_request(desk: Desk, receiver: Receiver) -> None:
    listen(desk, receiver.url, "charge.updated")
    desk.act("pay_invoice", invoice=desk.open_invoice().id)
    desk.advance(3)
    assert eventually(lambda: receiver.hooks)
    assert json.loads(receiver.hooks[0].body)["data"]["object"]["balance_transaction"]
