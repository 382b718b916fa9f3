"""Webhooks: registration, handshake, signature, events, retries."""

from __future__ import annotations

import time

import pytest

from sandbox.freshbooks.signing import signature
from tests.sandbox.driving import (
    CALLBACKS,
    CLIENTS,
    Account,
    FreshBooks,
    Hook,
    Receiver,
    eventually,
)
from tests.sandbox.hooks import (
    SETTLE_S,
    SIGNATURE,
    arrived,
    handshake,
    live_callback,
    register,
)

VECTOR_KEY = "k3Zs9QdT0vXwB7nEoR5uLh2YpGmC4fJa"


def test_registration_shows_no_verifier_and_starts_a_handshake(
    account: Account, receiver: Receiver
) -> None:
    account.freshbooks.set_clock(1_772_463_960.2)  # 2026-03-02T15:06:00Z
    callback = register(account, "payment.update", receiver.url + "/fb/t_4f1c")
    assert callback == {
        "callbackid": callback["callbackid"],
        "verified": False,
        "event": "payment.update",
        "uri": receiver.url + "/fb/t_4f1c",
        "updated_at": "2026-03-02T15:06:00Z",
    }
    hook = handshake(receiver, "/fb/t_4f1c")
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
    callback = register(account, "client.create", receiver.url + "/fb")
    assert callback["updated_at"] == "2026-03-02 10:06:00"
    hook = handshake(receiver, "/fb")
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
    register(account, "client.create", receiver.url + "/fb")
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
    callback = register(account, "client.create", receiver.url + "/fb")
    path = f"{CALLBACKS}/{callback['callbackid']}"
    assert account.result("GET", path)["callback"]["verified"] is True


def test_wrong_verifier_is_refused(account: Account, receiver: Receiver) -> None:
    callback = register(account, "client.create", receiver.url + "/fb")
    path = f"{CALLBACKS}/{callback['callbackid']}"
    answer = account.call("PUT", path, {"callback": {"verifier": "guess"}})
    assert (answer.status_code, answer.json()["errno"]) == (422, 422)
    assert account.result("GET", path)["callback"]["verified"] is False


def test_resend_keeps_or_changes_the_verifier(account: Account, receiver: Receiver) -> None:
    callback, verifier = live_callback(account, receiver, "client.create")
    path = f"{CALLBACKS}/{callback}"
    account.result("PUT", path, {"callback": {"resend": True}})
    assert handshake(receiver, "/fb").fields["verifier"] == verifier
    receiver.hooks.clear()
    account.freshbooks.switch(resend_verifier="new")
    account.result("PUT", path, {"callback": {"resend": True}})
    assert handshake(receiver, "/fb").fields["verifier"] != verifier


def test_changing_the_uri_needs_a_new_handshake(account: Account, receiver: Receiver) -> None:
    callback, _ = live_callback(account, receiver, "client.create")
    path = f"{CALLBACKS}/{callback}"
    moved = account.result("PUT", path, {"callback": {"uri": receiver.url + "/new"}})["callback"]
    assert (moved["uri"], moved["verified"]) == (receiver.url + "/new", False)
    assert handshake(receiver, "/new").fields["object_id"] == str(callback)
    again = account.result("PUT", path, {"callback": {"uri": receiver.url + "/new"}})
    assert again["callback"]["verified"] is False


def test_list_get_and_delete(account: Account, receiver: Receiver) -> None:
    first, _ = live_callback(account, receiver, "client.create")
    second, _ = live_callback(account, receiver, "invoice.update")
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
    live_callback(account, receiver, "client")
    client = account.client()["id"]
    assert arrived(receiver, 1) == [("client.create", str(client))]


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
