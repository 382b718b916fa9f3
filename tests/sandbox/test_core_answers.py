"""The simulators hold their own answers and webhooks against the vendors' contracts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.answers import AnswerBook
from sandbox.core.vendor import Request, Response
from sandbox.core.webhooks import Delivery
from sandbox.freshbooks.contract import FreshBooksContract
from tests.sandbox.conftest import ROOT, SandboxProcess
from tests.sandbox.driving import CLIENTS, FreshBooks, Vendor
from tests.sandbox.stripe_desk import Desk, contract

SAMPLES = ROOT / "tests" / "fixtures" / "freshbooks"
CUSTOMER = {"id": "cus_1", "object": "customer", "deleted": True}


@pytest.fixture
def stripe_book() -> AnswerBook:
    return AnswerBook(contract())


@pytest.fixture
def freshbooks_book() -> AnswerBook:
    return AnswerBook(FreshBooksContract(SAMPLES))


def look(book: AnswerBook, path: str, body: Any, status: int = 200, method: str = "GET") -> None:
    request = Request(method, path, path, {}, [], {}, b"")
    book.look(request, Response(status, body))


def sample(name: str) -> Any:
    body = json.loads((SAMPLES / f"{name}.json").read_text())
    return body.get("body", body)


def violations(book: AnswerBook) -> list[str]:
    found: list[str] = book.describe()["violations"]
    return found


def test_good_answers_are_no_violations(stripe_book: AnswerBook) -> None:
    look(stripe_book, "/v1/customers/cus_1", CUSTOMER)
    look(stripe_book, "/v1/customers/cus_1", json.dumps(CUSTOMER))
    refusal = {"error": {"type": "invalid_request_error", "message": "No such customer"}}
    look(stripe_book, "/v1/customers/cus_2", refusal, 404)
    assert stripe_book.describe() == {
        "checked": True,
        "looked_at": 3,
        "shapes": 2,
        "violations": [],
    }


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/webhook_endpoints/we_1", {"id": "we_1"}, 200),
        ("/v1/customers/cus_1", {**CUSTOMER, "name": "More"}, 200),
        ("/v1/customers/cus_1", {"message": "no"}, 404),
        ("/v1/no_such_thing", {"id": "x"}, 200),
    ],
)
def test_a_wrong_answer_of_stripe_is_found(
    stripe_book: AnswerBook, path: str, body: Any, status: int
) -> None:
    look(stripe_book, path, body, status)
    assert len(violations(stripe_book)) >= 1


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("client", "/accounting/account/a1/users/clients/1"),
        ("clients_page", "/accounting/account/a1/users/clients"),
        ("invoice_every_include", "/accounting/account/a1/invoices/invoices/1"),
        ("payment_deleted", "/accounting/account/a1/payments/payments/1"),
        ("callbacks_empty", "/events/account/a1/events/callbacks"),
        ("gateway_connections", "/payments/account/a1/gateway"),
    ],
)
def test_the_vendors_own_bodies_are_no_violations(
    freshbooks_book: AnswerBook, name: str, path: str
) -> None:
    look(freshbooks_book, path, sample(name))
    assert freshbooks_book.describe()["looked_at"] == 1
    assert violations(freshbooks_book) == []


def _without_total(body: Any) -> None:
    del body["response"]["result"]["total"]


def _without_currency(body: Any) -> None:
    del body["response"]["result"]["clients"][0]["currency_code"]


def _with_more(body: Any) -> None:
    body["response"]["result"]["clients"][0]["favourite_colour"] = "blue"


def _with_texts(body: Any) -> None:
    body["response"]["result"]["clients"][0]["vis_state"] = "0"


def _without_result(body: Any) -> None:
    body["response"] = {"clients": []}


@pytest.mark.parametrize(
    "change", [_without_total, _without_currency, _with_more, _with_texts, _without_result]
)
def test_a_wrong_answer_of_freshbooks_is_found(
    freshbooks_book: AnswerBook, change: Callable[[Any], None]
) -> None:
    body = sample("clients_page")
    change(body)
    look(freshbooks_book, "/accounting/account/a1/users/clients", body)
    assert len(violations(freshbooks_book)) == 1


def test_refusals_of_freshbooks_have_a_known_form(freshbooks_book: AnswerBook) -> None:
    path = "/accounting/account/a1/users/clients/1"
    look(freshbooks_book, path, sample("errors/accounting_old"), 404)
    look(freshbooks_book, path, sample("errors/accounting_new"), 200)
    one = {"response": {"errors": sample("errors/accounting_old")["response"]["errors"][0]}}
    look(freshbooks_book, path, one, 404)
    assert violations(freshbooks_book) == []
    look(freshbooks_book, path, {"problem": "no"}, 404)
    assert len(violations(freshbooks_book)) == 1


def webhook(body: bytes, content_type: str) -> Delivery:
    return Delivery(
        url="http://127.0.0.1:9/hook",
        event="invoice.update",
        body=body,
        content_type=content_type,
        sign=lambda _forged: {},
    )


def test_wrong_webhooks_are_found(stripe_book: AnswerBook, freshbooks_book: AnswerBook) -> None:
    form = "application/x-www-form-urlencoded"
    freshbooks_book.look_at_webhook(webhook(b"name=invoice.update&object_id=7&user_id=1", form))
    assert violations(freshbooks_book) == []
    freshbooks_book.look_at_webhook(webhook(b"name=invoice.update&colour=blue", form))
    assert len(violations(freshbooks_book)) == 2
    event = {"id": "evt_1", "object": "event", "data": {"object": {"object": "invoice"}}}
    stripe_book.look_at_webhook(webhook(json.dumps(event).encode(), "application/json"))
    found = violations(stripe_book)
    assert any("'pending_webhooks' is a required" in text for text in found), "of the event"
    assert any("'amount_due' is a required" in text for text in found), "of its invoice"


def test_without_contracts_nothing_is_looked_at() -> None:
    book = AnswerBook(None)
    look(book, "/v1/customers/cus_1", {"nonsense": True})
    assert book.describe() == {"checked": False, "looked_at": 0, "shapes": 0, "violations": []}


def test_all_that_was_answered_so_far_was_looked_at(sandbox_process: SandboxProcess) -> None:
    account = sandbox_process.freshbooks.account()
    account.result("GET", CLIENTS)
    told = sandbox_process.freshbooks.control("GET", "violations").json()
    assert told["looked_at"] > 0
    sandbox_process.freshbooks.reset()
    after = sandbox_process.freshbooks.control("GET", "violations").json()
    assert after["looked_at"] >= told["looked_at"], "a reset forgets no violation"


@contextmanager
def sandbox_checking(folder: Path) -> Iterator[tuple[FreshBooks, Vendor]]:
    command = [sys.executable, "-m", "sandbox", "--check-answers", str(folder)]
    command += ["--freshbooks", "127.0.0.1:0", "--stripe", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        try:
            yield FreshBooks(addresses["freshbooks"]), Vendor(addresses["stripe"])
        finally:
            process.terminate()


def test_a_simulator_that_answers_otherwise_than_its_vendor_says_so(tmp_path: Path) -> None:
    """Held against other contracts than it was made for, it must find itself wrong."""
    shutil.copytree(SAMPLES, tmp_path / "fixtures" / "freshbooks")
    for file in ("callback", "callbacks_page"):
        path = tmp_path / "fixtures" / "freshbooks" / f"{file}.json"
        path.write_text(path.read_text().replace('"callbackid"', '"number"'))
    described = json.loads((ROOT / "tests" / "contracts" / "stripe_spec3.json").read_text())
    described["components"]["schemas"]["customer"]["properties"]["name"] = {"type": "integer"}
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "stripe_spec3.json").write_text(json.dumps(described))
    with sandbox_checking(tmp_path) as (freshbooks, stripe):
        account = freshbooks.account()
        assert freshbooks.violations() == []
        callback = {"event": "client.create", "uri": "http://127.0.0.1:9/fb"}
        account.result("POST", "/events/account/{acct}/events/callbacks", {"callback": callback})
        found = freshbooks.violations()
        assert [text for text in found if ".number is missing" in text]
        assert [text for text in found if ".callbackid is unknown" in text]
        desk = Desk(stripe.url)
        desk.open()
        assert stripe.violations() == []
        endpoint = "url=http%3A%2F%2F127.0.0.1%3A9%2Fst&enabled_events[0]=customer.created"
        assert desk.post("/v1/webhook_endpoints", endpoint).status_code == 200
        assert desk.post("/v1/customers", "name=Blue+Fir").status_code == 200
        (told, answered) = stripe.violations()
        assert told.startswith("webhook customer.created: name")
        assert answered.startswith("POST /v1/customers 200: name")
