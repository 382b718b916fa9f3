"""Webhooks: registration, handshake, signature, events, retries."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sandbox.freshbooks.signing import signature, signed_text
from tests.sandbox.driving import (
    CALLBACKS,
    CLIENTS,
    INVOICES,
    PAYMENTS,
    Account,
    FreshBooks,
    Hook,
    Receiver,
    eventually,
)

SIGNATURE = "X-FreshBooks-Hmac-SHA256"
VECTOR_KEY = "k3Zs9QdT0vXwB7nEoR5uLh2YpGmC4fJa"
SETTLE_S = 0.08


def _register(account: Account, event: str, uri: str) -> dict[str, Any]:
    body = {"callback": {"event": event, "uri": uri}}
    callback: dict[str, Any] = account.result("POST", CALLBACKS, body)["callback"]
    return callback


def _handshake(receiver: Receiver, path: str) -> Hook:
    return eventually(lambda: receiver.at(path))[-1]


def _live(account: Account, receiver: Receiver, event: str, path: str = "/fb") -> tuple[int, str]:
    """A verified callback; its id and verifier. The handshake is forgotten."""
    callback = _register(account, event, receiver.url + path)
    verifier = _handshake(receiver, path).fields["verifier"]
    one = f"{CALLBACKS}/{callback['callbackid']}"
    verified = account.result("PUT", one, {"callback": {"verifier": verifier}})["callback"]
    assert verified["verified"] is True
    receiver.hooks.clear()
    return callback["callbackid"], verifier


def _names(receiver: Receiver, count: int) -> list[tuple[str, str]]:
    eventually(lambda: len(receiver.hooks) >= count)
    time.sleep(SETTLE_S)
    return [(hook.fields["name"], hook.fields["object_id"]) for hook in receiver.hooks]


@pytest.mark.parametrize(
    ("fields", "text", "header"),
    [
        (
            [
                ("name", "payment.create"),
                ("object_id", "10318"),
                ("account_id", "wkMd2g"),
                ("business_id", "439000"),
                ("identity_id", "12345"),
                ("user_id", "1"),
            ],
            (
                '{"name": "payment.create", "object_id": "10318", "account_id": "wkMd2g", '
                '"business_id": "439000", "identity_id": "12345", "user_id": "1"}'
            ),
            "4QC9bUlYqw/LDuvY2USN//60j+3va7HgzCN3hYmxkbg=",
        ),
        (
            [
                ("name", "callback.verify"),
                ("object_id", "2001"),
                ("account_id", "wkMd2g"),
                ("verifier", "café/a:b,c"),
                ("user_id", "1"),
            ],
            (
                '{"name": "callback.verify", "object_id": "2001", "account_id": "wkMd2g", '
                '"verifier": "caf\\u00e9/a:b,c", "user_id": "1"}'
            ),
            "n1f1dMAHlXK7/bFcm0TJ//tp1W4UKnOH/n55FlUXpLw=",
        ),
    ],
)
def test_golden_signatures(fields: list[tuple[str, str]], text: str, header: str) -> None:
    assert signed_text(fields) == text
    assert signature(VECTOR_KEY, fields) == header


def test_registration_shows_no_verifier_and_starts_a_handshake(
    account: Account, receiver: Receiver
) -> None:
    account.freshbooks.set_clock(1_772_463_960.2)  # 2026-03-02T15:06:00Z
    callback = _register(account, "payment.update", receiver.url + "/fb/t_4f1c")
    assert callback == {
        "callbackid": callback["callbackid"],
        "verified": False,
        "event": "payment.update",
        "uri": receiver.url + "/fb/t_4f1c",
        "updated_at": "2026-03-02T15:06:00Z",
    }
    hook = _handshake(receiver, "/fb/t_4f1c")
    assert hook.headers["Content-Type"] == "application/x-www-form-urlencoded"
    fields = hook.fields
    assert list(fields)[:4] == ["name", "object_id", "verifier", "account_id"]
    assert fields["name"] == "callback.verify"
    assert (fields["object_id"], fields["account_id"]) == (
        str(callback["callbackid"]),
        account.id,
    )
    assert SIGNATURE not in hook.headers


def test_handshake_is_signed_with_its_own_verifier_if_switched(
    account: Account, receiver: Receiver
) -> None:
    account.freshbooks.switch(handshake_signed="yes", callback_updated_at="eastern")
    account.freshbooks.set_clock(1_772_463_960.2)
    callback = _register(account, "client.create", receiver.url + "/fb")
    assert callback["updated_at"] == "2026-03-02 10:06:00"
    hook = _handshake(receiver, "/fb")
    expected = signature(hook.fields["verifier"], list(hook.fields.items()))
    assert hook.headers[SIGNATURE] == expected


@pytest.mark.parametrize(
    ("answer", "arrived"), [("before_answer", ["hook", "answer"]), ("after_answer", None)]
)
def test_handshake_may_arrive_before_the_answer(
    account: Account, receiver: Receiver, answer: str, arrived: list[str] | None
) -> None:
    account.freshbooks.switch(handshake_arrival=answer)
    order: list[str] = []
    receiver.on_hook = lambda _hook: order.append("hook")
    _register(account, "client.create", receiver.url + "/fb")
    order.append("answer")
    eventually(lambda: len(order) == 2)
    assert order == (arrived or ["answer", "hook"])


def test_verifying_inside_the_handshake_works(account: Account, receiver: Receiver) -> None:
    account.freshbooks.switch(handshake_arrival="before_answer")

    def verify(hook: Hook) -> None:
        fields = hook.fields
        body = {"callback": {"verifier": fields["verifier"]}}
        account.result("PUT", f"{CALLBACKS}/{fields['object_id']}", body)

    receiver.on_hook = verify
    callback = _register(account, "client.create", receiver.url + "/fb")
    path = f"{CALLBACKS}/{callback['callbackid']}"
    assert account.result("GET", path)["callback"]["verified"] is True


def test_unverified_callbacks_get_nothing(account: Account, receiver: Receiver) -> None:
    _register(account, "client.create", receiver.url + "/fb")
    _handshake(receiver, "/fb")
    account.client()
    assert _names(receiver, 1) == [("callback.verify", receiver.hooks[0].fields["object_id"])]


def test_wrong_verifier_is_refused(account: Account, receiver: Receiver) -> None:
    callback = _register(account, "client.create", receiver.url + "/fb")
    path = f"{CALLBACKS}/{callback['callbackid']}"
    answer = account.call("PUT", path, {"callback": {"verifier": "guess"}})
    assert (answer.status_code, answer.json()["errno"]) == (422, 422)
    assert account.result("GET", path)["callback"]["verified"] is False


def test_delivery_is_signed_and_carries_no_record(account: Account, receiver: Receiver) -> None:
    _, verifier = _live(account, receiver, "client.create")
    client = account.client()
    eventually(lambda: receiver.hooks)
    hook = receiver.hooks[0]
    assert list(hook.fields) == [
        "name",
        "object_id",
        "account_id",
        "business_id",
        "identity_id",
        "user_id",
    ]
    assert hook.fields["object_id"] == str(client["id"])
    assert hook.fields["account_id"] == account.id
    assert hook.headers[SIGNATURE] == signature(verifier, list(hook.fields.items()))


def test_field_order_is_a_switch(account: Account, receiver: Receiver) -> None:
    _, verifier = _live(account, receiver, "client.create")
    account.freshbooks.switch(webhook_field_order="alphabetical")
    account.client()
    eventually(lambda: receiver.hooks)
    fields = receiver.hooks[0].fields
    assert list(fields) == sorted(fields)
    assert receiver.hooks[0].headers[SIGNATURE] == signature(verifier, list(fields.items()))


def test_each_callback_has_its_own_key(account: Account, receiver: Receiver) -> None:
    _, first = _live(account, receiver, "client.create", "/a")
    _, second = _live(account, receiver, "client.create", "/b")
    account.client()
    eventually(lambda: len(receiver.hooks) == 2)
    signed = {hook.path: hook.headers[SIGNATURE] for hook in receiver.hooks}
    fields = list(receiver.hooks[0].fields.items())
    assert signed == {"/a": signature(first, fields), "/b": signature(second, fields)}


def test_client_events(account: Account, receiver: Receiver) -> None:
    for verb in ("create", "update", "delete"):
        _live(account, receiver, f"client.{verb}")
    client = account.client()["id"]
    account.result("PUT", f"{CLIENTS}/{client}", {"client": {"fname": "N"}})
    account.result("PUT", f"{CLIENTS}/{client}", {"client": {"vis_state": 1}})
    object_id = str(client)
    expected = [(f"client.{verb}", object_id) for verb in ("create", "update", "delete")]
    assert _names(receiver, 3) == expected


def test_invoice_and_payment_events(account: Account, receiver: Receiver) -> None:
    events = ["invoice.create", "invoice.update", "invoice.delete", "invoice.sendByEmail"]
    events += ["payment.create", "payment.update", "payment.delete", "credit_note.create"]
    for event in events:
        _live(account, receiver, event)
    invoice = account.invoice()["id"]
    body = {"invoice": {"action_email": True}}
    account.result("PUT", f"{INVOICES}/{invoice}", body)
    payment = account.payment(invoice, "120.00")["id"]
    account.result("PUT", f"{PAYMENTS}/{payment}", {"payment": {"note": "x"}})
    account.result("PUT", f"{PAYMENTS}/{payment}", {"payment": {"vis_state": 1}})
    account.call("DELETE", f"{INVOICES}/{invoice}")
    names = [name for name, _ in _names(receiver, 11)]
    assert names == [
        "invoice.create",
        "invoice.update",
        "invoice.sendByEmail",
        "credit_note.create",
        "payment.create",
        "invoice.update",
        "payment.update",
        "invoice.update",
        "payment.delete",
        "invoice.update",
        "invoice.delete",
    ]


def test_payment_need_not_raise_invoice_update(account: Account, receiver: Receiver) -> None:
    _live(account, receiver, "invoice.update")
    _live(account, receiver, "payment.create")
    account.freshbooks.switch(payment_raises_invoice_update="no")
    payment = account.payment(account.invoice()["id"], "1.00")
    assert _names(receiver, 1) == [("payment.create", str(payment["id"]))]


def test_other_accounts_hear_nothing(account: Account, receiver: Receiver) -> None:
    other = account.freshbooks.account("kim@birch.example")
    _live(account, receiver, "client.create", "/mine")
    _live(other, receiver, "client.create", "/other")
    account.client()
    eventually(lambda: receiver.at("/mine"))
    time.sleep(SETTLE_S)
    assert receiver.at("/other") == []


def test_resend_keeps_or_changes_the_verifier(account: Account, receiver: Receiver) -> None:
    callback, verifier = _live(account, receiver, "client.create")
    path = f"{CALLBACKS}/{callback}"
    account.result("PUT", path, {"callback": {"resend": True}})
    assert _handshake(receiver, "/fb").fields["verifier"] == verifier
    receiver.hooks.clear()
    account.freshbooks.switch(resend_verifier="new")
    account.result("PUT", path, {"callback": {"resend": True}})
    assert _handshake(receiver, "/fb").fields["verifier"] != verifier


def test_changing_the_uri_needs_a_new_handshake(account: Account, receiver: Receiver) -> None:
    callback, _ = _live(account, receiver, "client.create")
    path = f"{CALLBACKS}/{callback}"
    moved = account.result("PUT", path, {"callback": {"uri": receiver.url + "/new"}})["callback"]
    assert (moved["uri"], moved["verified"]) == (receiver.url + "/new", False)
    assert _handshake(receiver, "/new").fields["object_id"] == str(callback)
    again = account.result("PUT", path, {"callback": {"uri": receiver.url + "/new"}})
    assert again["callback"]["verified"] is False


def test_list_get_and_delete(account: Account, receiver: Receiver) -> None:
    first, _ = _live(account, receiver, "client.create")
    second, _ = _live(account, receiver, "invoice.update")
    listed = account.result("GET", CALLBACKS)
    assert (listed["total"], listed["per_page"]) == (2, 15)
    assert [one["callbackid"] for one in listed["callbacks"]] == [first, second]
    found = account.result("GET", f"{CALLBACKS}?search[event]=invoice.update")["callbacks"]
    assert [one["callbackid"] for one in found] == [second]
    deleted = account.call("DELETE", f"{CALLBACKS}/{first}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    gone = account.call("GET", f"{CALLBACKS}/{first}")
    assert (gone.status_code, gone.json()) == (
        404,
        {"errno": 404, "message": "Requested resource could not be found."},
    )
    newer = account.call("GET", f"{CALLBACKS}/{first}", headers={"X-API-VERSION": "2023-02-20"})
    assert newer.json()["code"] == 5
    account.client()
    time.sleep(SETTLE_S)
    assert receiver.hooks == []


def test_bad_registrations(account: Account) -> None:
    body = {"callback": {"event": "invoice.explode", "uri": "not a url"}}
    answer = account.call("POST", CALLBACKS, body)
    assert answer.status_code == 422
    assert answer.json()["errno"] == 422
    assert answer.json()["details"] == [
        "event: Value error, Unrecognized event.",
        "uri: Input should be a valid URL, relative URL without a base",
    ]
    newer = account.call("POST", CALLBACKS, body, headers={"X-API-VERSION": "2023-02-20"}).json()
    assert newer["code"] == 3
    violations = newer["details"][0]["fieldViolations"]
    assert violations[0] == {"field": "event", "description": "Unrecognized event."}
    assert account.call("POST", CALLBACKS, b"{").status_code == 400


def test_bare_nouns_are_a_switch(account: Account, receiver: Receiver) -> None:
    body = {"callback": {"event": "client", "uri": receiver.url + "/fb"}}
    assert account.call("POST", CALLBACKS, body).status_code == 422
    account.freshbooks.switch(bare_noun_events="accepted")
    _live(account, receiver, "client")
    client = account.client()["id"]
    assert _names(receiver, 1) == [("client.create", str(client))]


def test_events_need_the_read_scope_of_their_resource(freshbooks: FreshBooks) -> None:
    account = freshbooks.account(scope="user:clients:read")
    body = {"callback": {"event": "client.create", "uri": "http://127.0.0.1:9/x"}}
    assert account.call("POST", CALLBACKS, body).status_code == 200
    body["callback"]["event"] = "invoice.create"
    answer = account.call("POST", CALLBACKS, body)
    assert (answer.status_code, answer.json()["errno"]) == (403, 403)


def test_events_answers_carry_rate_headers(account: Account) -> None:
    assert "X-RateLimit-Remaining" in account.call("GET", CALLBACKS).headers
    assert "X-RateLimit-Remaining" not in account.call("GET", CLIENTS).headers


def test_failed_deliveries_are_retried_a_few_times(account: Account, receiver: Receiver) -> None:
    _live(account, receiver, "client.create")
    receiver.answers["/fb"] = [500, 503]
    account.client()
    eventually(lambda: len(receiver.hooks) == 3)
    log = eventually(
        lambda: [one for one in _log(account) if one["state"] == "delivered" and one["tries"][1:]]
    )
    assert [one["status"] for one in log[0]["tries"]] == [500, 503, 200]
    assert len({hook.body for hook in receiver.hooks}) == 1
    account.freshbooks.switch(webhook_retries="no")
    receiver.answers["/fb"] = [500]
    account.client()
    eventually(lambda: any(one["state"] == "failed" for one in _log(account)))
    assert len(receiver.hooks) == 4


def test_failing_callbacks_may_be_disabled(account: Account, receiver: Receiver) -> None:
    callback, _ = _live(account, receiver, "client.create")
    account.freshbooks.switch(webhook_retries="no", failing_callback="is_disabled")
    receiver.answers["/fb"] = [500] * 3
    for _ in range(3):
        account.client()
    path = f"{CALLBACKS}/{callback}"
    eventually(lambda: not account.result("GET", path)["callback"]["verified"])


def test_people_can_stop_and_resume_callbacks(account: Account, receiver: Receiver) -> None:
    _live(account, receiver, "client.create")
    account.freshbooks.act("stop_callbacks", account_id=account.id)
    account.client()
    account.freshbooks.act("resume_callbacks", account_id=account.id)
    client = account.client()["id"]
    assert _names(receiver, 1) == [("client.create", str(client))]


def _log(account: Account) -> list[dict[str, Any]]:
    deliveries: list[dict[str, Any]] = account.freshbooks.state()["deliveries"]
    return deliveries
