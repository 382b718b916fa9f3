"""Idempotency keys of the simulated Stripe: replayed, refused, forgotten."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.conftest import SandboxProcess
from tests.sandbox.driving import eventually
from tests.sandbox.stripe_desk import Desk, lent_desk


@pytest.fixture
def desk(sandbox_process: SandboxProcess) -> Iterator[Desk]:
    yield from lent_desk(sandbox_process.stripe.url)


def test_a_key_replays_its_answer_and_nothing_is_done_twice(desk: Desk) -> None:
    client = desk.client()
    options: Any = {"idempotency_key": "fb:1"}
    first = client.v1.customers.create({"name": "Once"}, options)
    assert "Idempotent-Replayed" not in desk.http.last_headers
    again = client.v1.customers.create({"name": "Once"}, options)
    assert desk.http.last_headers["Idempotent-Replayed"] == "true"
    assert (again.id, len(desk.book()["customers"])) == (first.id, 1)
    with pytest.raises(stripe.IdempotencyError, match="same parameters"):
        client.v1.customers.create({"name": "Other"}, options)


def test_keys_belong_to_one_account_and_are_forgotten_after_a_day(desk: Desk) -> None:
    options: Any = {"idempotency_key": "fb:1"}
    first = desk.client().v1.customers.create({"name": "Once"}, options)
    other = desk.act("create_account", own=False, name="Other")["secret_key"]
    assert desk.client(other).v1.customers.create({"name": "Once"}, options).id != first.id
    desk.advance(24 * 3600 + 1)
    assert desk.client().v1.customers.create({"name": "Once"}, options).id != first.id
    assert len(desk.book()["customers"]) == 2


def test_failed_validation_is_not_kept_for_a_key(desk: Desk) -> None:
    options: Any = {"idempotency_key": "fb:1"}
    with pytest.raises(stripe.InvalidRequestError):
        desk.client().v1.customers.create({"name": "x" * 300}, options)
    assert desk.client().v1.customers.create({"name": "x"}, options).name == "x"


@pytest.mark.parametrize(("executed", "count"), [(True, 1), (False, 0)])
def test_a_500_is_replayed_for_ever(desk: Desk, executed: bool, count: int) -> None:
    desk.act("break_next_write", executed=executed)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            desk.client().v1.customers.create({"name": "A"}, {"idempotency_key": "fb:1"})
        assert failed.value.http_status == 500
    assert len(desk.book().get("customers", [])) == count
    assert desk.client().v1.customers.create({"name": "A"}, {"idempotency_key": "fb:2"}).id


def test_a_key_that_is_still_running_answers_409(desk: Desk) -> None:
    desk.control(
        "faults", [{"match": {"method": "POST"}, "fault": "slow", "delay_s": 1.5, "times": 1}]
    )
    headers = {"Idempotency-Key": "fb:1"}
    answers: list[int] = []

    def slowly() -> None:
        answers.append(desk.post("/v1/customers", "name=A", **headers).status_code)

    thread = threading.Thread(target=slowly)
    thread.start()
    eventually(
        lambda: requests.get(f"{desk.url}/_sandbox/faults", timeout=60).json()["faults"][0]["hits"]
    )
    running = desk.post("/v1/customers", "name=A", **headers)
    thread.join()
    assert running.status_code == 409
    assert running.json()["error"]["code"] == "idempotency_key_in_use"
    assert answers == [200]
    assert desk.post("/v1/customers", "name=A", **headers).headers["Idempotent-Replayed"] == "true"
    assert len(desk.book()["customers"]) == 1


@pytest.mark.parametrize(("replays", "again"), [("yes", 400), ("no", 200)])
def test_whether_a_refusal_is_kept_for_its_key_is_a_switch(
    desk: Desk, replays: str, again: int
) -> None:
    desk.switch(refused_request_replays=replays)
    invoice = desk.draft().id
    headers = {"Idempotency-Key": "fb:1"}
    path = f"/v1/invoices/{invoice}/void"
    assert desk.post(path, **headers).status_code == 400
    desk.client().v1.invoices.add_lines(invoice, {"lines": [{"amount": 500}]})
    desk.client().v1.invoices.finalize_invoice(invoice)
    assert desk.post(path, **headers).status_code == again


def test_an_answer_that_got_lost_is_replayed(desk: Desk) -> None:
    desk.control("faults", [{"match": {"method": "POST"}, "fault": "reset_after"}])
    headers = {"Idempotency-Key": "fb:1"}
    with pytest.raises(requests.ConnectionError):
        desk.post("/v1/customers", "name=A", **headers)
    again = desk.post("/v1/customers", "name=A", **headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [row["id"] for row in desk.book()["customers"]] == [again.json()["id"]]
