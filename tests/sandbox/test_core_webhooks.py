"""Webhook faults: dropped, doubled, late, in the wrong order, forged."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from sandbox.freshbooks.signing import signature
from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.driving import CALLBACKS, Account, Receiver, eventually
from tests.sandbox.hooks import SETTLE_S, SIGNATURE, delivery_log, live_callback


@pytest.fixture
def verifier(account: Account, receiver: Receiver) -> str:
    """The key of a live callback for client.create at /fb."""
    return live_callback(account, receiver, "client.create")[1]


def _ids(receiver: Receiver, count: int) -> list[str]:
    eventually(lambda: len(receiver.hooks) >= count)
    time.sleep(SETTLE_S)
    return [hook.fields["object_id"] for hook in receiver.hooks]


def test_in_order_without_faults(account: Account, receiver: Receiver, verifier: str) -> None:
    made = [str(account.client()["id"]) for _ in range(10)]
    assert _ids(receiver, 10) == made
    assert {one["state"] for one in delivery_log(account)} == {"delivered"}
    assert account.freshbooks.state()["deliveries_waiting"] == 0


def test_drop(account: Account, receiver: Receiver, verifier: str) -> None:
    account.freshbooks.fault("drop_webhook", {"event": "client"})
    account.client()
    second = str(account.client()["id"])
    assert _ids(receiver, 1) == [second]
    assert [one["state"] for one in delivery_log(account)][1:] == ["dropped", "delivered"]


def test_duplicate(account: Account, receiver: Receiver, verifier: str) -> None:
    account.freshbooks.fault("duplicate_webhook", {"path_regex": "/fb$"})
    client = str(account.client()["id"])
    assert _ids(receiver, 2) == [client, client]
    assert receiver.hooks[0].body == receiver.hooks[1].body


def test_delay_lets_later_ones_pass(account: Account, receiver: Receiver, verifier: str) -> None:
    account.freshbooks.fault("delay_webhook", delay_s=1)
    first = str(account.client()["id"])
    second = str(account.client()["id"])
    assert _ids(receiver, 2) == [second, first]


def test_reorder(account: Account, receiver: Receiver, verifier: str) -> None:
    account.freshbooks.fault("reorder_webhooks")
    first, second, third = (str(account.client()["id"]) for _ in range(3))
    assert _ids(receiver, 3) == [second, first, third]


def test_reorder_with_nothing_behind_it_arrives_all_the_same(
    account: Account, receiver: Receiver, verifier: str
) -> None:
    account.freshbooks.fault("reorder_webhooks")
    client = str(account.client()["id"])
    assert _ids(receiver, 1) == [client]


def test_forge_adds_a_wrongly_signed_one(
    account: Account, receiver: Receiver, verifier: str
) -> None:
    account.freshbooks.fault("forge_webhook")
    client = str(account.client()["id"])
    assert _ids(receiver, 2) == [client, client]
    right = signature(verifier, list(receiver.hooks[0].fields.items()))
    signed_right = [hook.headers[SIGNATURE] == right for hook in receiver.hooks]
    assert sorted(signed_right) == [False, True]
    assert [one["forged"] for one in delivery_log(account)][1:] == [False, True]


def test_a_forged_one_is_not_retried(account: Account, receiver: Receiver, verifier: str) -> None:
    account.freshbooks.fault("forge_webhook")
    receiver.answers["/fb"] = [401]
    account.client()
    eventually(lambda: account.freshbooks.state()["deliveries_waiting"] == 0)
    assert len(receiver.hooks) == 2
    assert [len(one["tries"]) for one in delivery_log(account)][1:] == [1, 1]


def test_faults_match_event_and_target(account: Account, receiver: Receiver, verifier: str) -> None:
    account.freshbooks.fault("drop_webhook", {"event": "^invoice"})
    account.freshbooks.fault("drop_webhook", {"path_regex": "/elsewhere"})
    client = str(account.client()["id"])
    assert _ids(receiver, 1) == [client]


def test_unreachable_targets_are_given_up(account: Account, receiver: Receiver) -> None:
    body = {"callback": {"event": "client.create", "uri": "http://127.0.0.1:9/closed"}}
    account.result("POST", CALLBACKS, body)
    log = eventually(lambda: [one for one in delivery_log(account) if one["state"] == "failed"])
    assert len(log[0]["tries"]) == 3
    assert log[0]["tries"][0]["status"] is None
    assert "Connect" in log[0]["tries"][0]["error"]


def test_reset_forgets_what_was_not_sent(
    account: Account, receiver: Receiver, verifier: str
) -> None:
    account.freshbooks.fault("delay_webhook", delay_s=0.2)
    account.client()
    account.freshbooks.reset()
    time.sleep(0.3)
    assert receiver.hooks == []
    assert delivery_log(account) == []


def _redeliver(account: Account) -> int:
    answer = account.freshbooks.control("POST", "redeliver")
    return int(answer.json()["redelivered"])


def _tries(process: SandboxProcess, object_id: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in process.webhooks.read_text().splitlines()]
    return [row for row in rows if row["body"].get("object_id") == object_id]


def test_what_no_try_delivered_is_delivered_again_and_each_try_is_recorded(
    sandbox_process: SandboxProcess, account: Account, receiver: Receiver, verifier: str
) -> None:
    receiver.answers["/fb"] = [503, 503, 503]
    client = str(account.client()["id"])
    eventually(lambda: delivery_log(account)[-1]["state"] == "failed")
    assert _redeliver(account) == 1
    eventually(lambda: delivery_log(account)[-1]["state"] == "delivered")
    assert _redeliver(account) == 0, "what arrived is not sent again"
    assert [row["status"] for row in _tries(sandbox_process, client)][-4:] == [503] * 3 + [200]
    assert verifier not in sandbox_process.webhooks.read_text()


def test_what_a_fault_dropped_or_forged_is_not_delivered_again(
    account: Account, receiver: Receiver, verifier: str
) -> None:
    receiver.answers["/fb"] = [401]
    account.freshbooks.fault("forge_webhook")
    account.client()
    account.freshbooks.fault("drop_webhook")
    account.client()
    eventually(lambda: account.freshbooks.state()["deliveries_waiting"] == 0)
    states = [(one["forged"], one["state"]) for one in account.freshbooks.state()["deliveries"]]
    assert states[-3:] == [(False, "delivered"), (True, "failed"), (False, "dropped")]
    assert _redeliver(account) == 0
