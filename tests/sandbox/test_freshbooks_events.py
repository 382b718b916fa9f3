"""Webhook deliveries: signature, which events, retries."""

from __future__ import annotations

import time

import pytest

from sandbox.freshbooks.signing import signature, signed_text
from tests.sandbox.driving import (
    CALLBACKS,
    CLIENTS,
    INVOICES,
    PAYMENTS,
    Account,
    Receiver,
    eventually,
)
from tests.sandbox.hooks import (
    SETTLE_S,
    SIGNATURE,
    arrived,
    delivery_log,
    handshake,
    live_callback,
    register,
)

VECTOR_KEY = "k3Zs9QdT0vXwB7nEoR5uLh2YpGmC4fJa"


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


def test_unverified_callbacks_get_nothing(account: Account, receiver: Receiver) -> None:
    register(account, "client.create", receiver.url + "/fb")
    handshake(receiver, "/fb")
    account.client()
    assert arrived(receiver, 1) == [("callback.verify", receiver.hooks[0].fields["object_id"])]


def test_delivery_is_signed_and_carries_no_record(account: Account, receiver: Receiver) -> None:
    _, verifier = live_callback(account, receiver, "client.create")
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
    _, verifier = live_callback(account, receiver, "client.create")
    account.freshbooks.switch(webhook_field_order="alphabetical")
    account.client()
    eventually(lambda: receiver.hooks)
    fields = receiver.hooks[0].fields
    assert list(fields) == sorted(fields)
    assert receiver.hooks[0].headers[SIGNATURE] == signature(verifier, list(fields.items()))


def test_each_callback_has_its_own_key(account: Account, receiver: Receiver) -> None:
    _, first = live_callback(account, receiver, "client.create", "/a")
    _, second = live_callback(account, receiver, "client.create", "/b")
    account.client()
    eventually(lambda: len(receiver.hooks) == 2)
    signed = {hook.path: hook.headers[SIGNATURE] for hook in receiver.hooks}
    fields = list(receiver.hooks[0].fields.items())
    assert signed == {"/a": signature(first, fields), "/b": signature(second, fields)}


def test_client_events(account: Account, receiver: Receiver) -> None:
    for verb in ("create", "update", "delete"):
        live_callback(account, receiver, f"client.{verb}")
    client = account.client()["id"]
    account.result("PUT", f"{CLIENTS}/{client}", {"client": {"fname": "N"}})
    account.result("PUT", f"{CLIENTS}/{client}", {"client": {"vis_state": 1}})
    object_id = str(client)
    expected = [(f"client.{verb}", object_id) for verb in ("create", "update", "delete")]
    assert arrived(receiver, 3) == expected


def test_invoice_and_payment_events(account: Account, receiver: Receiver) -> None:
    events = ["invoice.create", "invoice.update", "invoice.delete", "invoice.sendByEmail"]
    events += ["payment.create", "payment.update", "payment.delete", "credit_note.create"]
    for event in events:
        live_callback(account, receiver, event)
    invoice = account.invoice()["id"]
    body = {"invoice": {"action_email": True}}
    account.result("PUT", f"{INVOICES}/{invoice}", body)
    payment = account.payment(invoice, "120.00")["id"]
    account.result("PUT", f"{PAYMENTS}/{payment}", {"payment": {"note": "x"}})
    account.result("PUT", f"{PAYMENTS}/{payment}", {"payment": {"vis_state": 1}})
    account.call("DELETE", f"{INVOICES}/{invoice}")
    names = [name for name, _ in arrived(receiver, 11)]
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
    live_callback(account, receiver, "invoice.update")
    live_callback(account, receiver, "payment.create")
    account.freshbooks.switch(payment_raises_invoice_update="no")
    payment = account.payment(account.invoice()["id"], "1.00")
    assert arrived(receiver, 1) == [("payment.create", str(payment["id"]))]


def test_other_accounts_hear_nothing(account: Account, receiver: Receiver) -> None:
    other = account.freshbooks.account("kim@birch.example")
    live_callback(account, receiver, "client.create", "/mine")
    live_callback(other, receiver, "client.create", "/other")
    account.client()
    eventually(lambda: receiver.at("/mine"))
    time.sleep(SETTLE_S)
    assert receiver.at("/other") == []


def test_failed_deliveries_are_retried_a_few_times(account: Account, receiver: Receiver) -> None:
    live_callback(account, receiver, "client.create")
    receiver.answers["/fb"] = [500, 503]
    account.client()
    eventually(lambda: len(receiver.hooks) == 3)
    log = eventually(
        lambda: [
            one for one in delivery_log(account) if one["state"] == "delivered" and one["tries"][1:]
        ]
    )
    assert [one["status"] for one in log[0]["tries"]] == [500, 503, 200]
    assert len({hook.body for hook in receiver.hooks}) == 1
    account.freshbooks.switch(webhook_retries="no")
    receiver.answers["/fb"] = [500]
    account.client()
    eventually(lambda: any(one["state"] == "failed" for one in delivery_log(account)))
    assert len(receiver.hooks) == 4


def test_failing_callbacks_may_be_disabled(account: Account, receiver: Receiver) -> None:
    callback, _ = live_callback(account, receiver, "client.create")
    account.freshbooks.switch(webhook_retries="no", failing_callback="is_disabled")
    receiver.answers["/fb"] = [500] * 3
    for _ in range(3):
        account.client()
    path = f"{CALLBACKS}/{callback}"
    eventually(lambda: not account.result("GET", path)["callback"]["verified"])


def test_people_can_stop_and_resume_callbacks(account: Account, receiver: Receiver) -> None:
    live_callback(account, receiver, "client.create")
    account.freshbooks.act("stop_callbacks", account_id=account.id)
    account.client()
    account.freshbooks.act("resume_callbacks", account_id=account.id)
    client = account.client()["id"]
    assert arrived(receiver, 1) == [("client.create", str(client))]
