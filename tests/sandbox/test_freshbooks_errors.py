"""Refusals: every family, both accounting versions, HTTP 200 with an error, limits, roles."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.driving import CALLBACKS, CLIENTS, INVOICES, PAYMENTS, Account, FreshBooks

ONLINE = "/payments/account/{acct}/gateway"
NEWER = {"X-API-VERSION": "2023-02-20"}
NO_ACCESS = {"Authorization": "Bearer nonsense"}


def test_unknown_record_in_both_accounting_versions(account: Account) -> None:
    older = account.call("GET", f"{CLIENTS}/134")
    assert older.status_code == 404
    assert older.json() == {
        "response": {
            "errors": [
                {
                    "errno": 1012,
                    "field": "userid",
                    "message": "Client not found.",
                    "object": "client",
                    "value": "134",
                }
            ]
        }
    }
    newer = account.call("GET", f"{CLIENTS}/134", headers=NEWER)
    assert newer.status_code == 404
    assert newer.json() == {
        "code": 5,
        "message": "Request failed with status_code: 404",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "1012",
                "domain": "accounting.api.freshbooks.com",
                "metadata": {
                    "object": "client",
                    "message": "Client not found.",
                    "value": "134",
                    "field": "userid",
                },
            }
        ],
    }


def test_errors_can_be_one_object_and_come_with_http_200(account: Account) -> None:
    account.freshbooks.switch(errors_form="object", errors_with_http_200="yes")
    answer = account.call("GET", f"{CLIENTS}/134")
    assert answer.status_code == 200
    assert answer.json()["response"]["errors"]["errno"] == 1012
    assert account.call("GET", f"{CLIENTS}/134", headers=NEWER).json()["code"] == 5
    assert account.call("GET", CLIENTS, headers=NO_ACCESS).status_code == 401


def test_malformed_json(account: Account) -> None:
    for body in (b"{'client': {}}", b"[]", b""):
        assert account.errno("POST", CLIENTS, body) == (400, 1005)
    assert account.errno("POST", CLIENTS, {"invoice": {}}) == (422, 1001)
    assert account.errno("POST", CLIENTS, {"client": []}) == (422, 1004)
    answer = account.call("POST", CLIENTS, b"{", headers=NEWER)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)


def test_unauthenticated_in_every_family(account: Account) -> None:
    def body(path: str, headers: dict[str, str] | None = None) -> object:
        answer = account.call("GET", path, headers={**NO_ACCESS, **(headers or {})})
        assert answer.status_code == 401
        return answer.json()

    auth = {
        "error": "unauthenticated",
        "error_description": "This action requires authentication to continue.",
    }
    assert body("/auth/api/v1/users/me") == auth
    assert body(CLIENTS) == auth
    newer = body(CLIENTS, NEWER)
    assert isinstance(newer, dict)
    assert (newer["code"], newer["details"][0]["reason"]) == (16, "1003")
    assert body(CALLBACKS) == {
        "errno": 401,
        "message": "invalid_token: The request token failed to authenticate or validate.",
    }
    online = body(ONLINE)
    assert isinstance(online, dict)
    assert online["error_type"] == "unauthorized"


def test_wrong_family_of_id_is_404_and_foreign_account_403(account: Account) -> None:
    other = account.freshbooks.business("kim@birch.example", name="Birch")
    by_business_id = CLIENTS.format(acct=other["business_id"])
    assert account.errno("GET", by_business_id) == (404, 1012)
    assert account.errno("GET", CLIENTS.format(acct=other["account_id"])) == (403, 1003)


def test_records_of_another_account_do_not_exist(account: Account) -> None:
    other = account.freshbooks.account("kim@birch.example")
    other.client()
    second = other.client()["id"]
    assert account.errno("GET", f"{CLIENTS}/{second}") == (404, 1012)
    assert account.errno("GET", f"{CLIENTS}/abc") == (404, 1012)


@pytest.mark.parametrize(
    ("path", "method"),
    [("/accounting/nonsense", "GET"), (CLIENTS, "PATCH"), ("/events/nonsense", "GET")],
)
def test_unknown_routes(account: Account, path: str, method: str) -> None:
    assert account.call(method, path).status_code == 404


@pytest.mark.parametrize("verb", ["read", "write"])
def test_missing_scope_is_403(freshbooks: FreshBooks, verb: str) -> None:
    account = freshbooks.account(scope=f"user:clients:{verb}")
    body = {"client": {"email": "a@b.example"}}
    assert account.call("GET", CLIENTS).status_code == (200 if verb == "read" else 403)
    assert account.call("POST", CLIENTS, body).status_code == (200 if verb == "write" else 403)
    assert account.errno("GET", INVOICES) == (403, 1003)
    assert account.call("GET", ONLINE).json()["error_type"] == "forbidden"
    freshbooks.switch(write_scope_implies_read="yes")
    assert account.call("GET", CLIENTS).status_code == 200
    assert account.call("GET", INVOICES).status_code == 403


def test_client_role_reads_its_own_and_writes_nothing(account: Account) -> None:
    freshbooks = account.freshbooks
    freshbooks.act("add_member", account_id=account.id, email="pat@client.example", role="client")
    own = account.client(email="pat@client.example")["id"]
    sent = account.invoice(own, status=2)["id"]
    draft = account.invoice(own)["id"]
    foreign = account.invoice(status=2)["id"]
    account.payment(sent, "5.00")
    account.payment(foreign, "5.00")
    token = freshbooks.tokens("pat@client.example")["access_token"]
    guest = Account(freshbooks, account.id, token)
    assert [row["id"] for row in guest.result("GET", INVOICES)["invoices"]] == [sent]
    assert [row["invoiceid"] for row in guest.result("GET", PAYMENTS)["payments"]] == [sent]
    assert guest.read_invoice(sent)["id"] == sent
    assert guest.errno("GET", f"{INVOICES}/{draft}") == (403, 1003)
    assert guest.errno("GET", f"{INVOICES}/{foreign}") == (403, 1003)
    assert guest.errno("PUT", f"{INVOICES}/{sent}", {"invoice": {"notes": "x"}}) == (403, 1003)
    assert guest.call("GET", CALLBACKS).status_code == 403
    assert account.read_invoice(sent)["notes"] == ""


def test_staff_may_work(account: Account) -> None:
    freshbooks = account.freshbooks
    freshbooks.act("add_member", account_id=account.id, email="kim@maple.example")
    staff = Account(freshbooks, account.id, freshbooks.tokens("kim@maple.example")["access_token"])
    assert staff.client()["vis_state"] == 0
    assert "role is one of" in freshbooks.refusal(
        "add_member", account_id=account.id, email="x@y.example", role="king"
    )


@pytest.mark.parametrize(
    ("answer", "limit", "window_s"), [("5_per_second", 5, 1), ("100_per_minute", 100, 60)]
)
def test_rate_limit_is_a_switch(account: Account, answer: str, limit: int, window_s: int) -> None:
    other = account.freshbooks.account("kim@birch.example")
    statuses = [account.call("GET", CLIENTS).status_code for _ in range(7)]
    assert set(statuses) == {200}
    account.freshbooks.switch(rate_limit=answer)
    answers = [account.call("GET", CLIENTS) for _ in range(limit + 1)]
    if any(one.status_code == 429 for one in answers[:limit]):
        pytest.fail("refused too early")
    refused = answers[-1]
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= window_s + 1
    assert refused.json()["response"]["errors"][0]["message"] == "Rate limit exceeded."
    assert other.call("GET", CLIENTS).status_code == 200
    account.freshbooks.advance(window_s + 0.1)
    assert account.call("GET", CLIENTS).status_code == 200


def test_a_broken_header_is_no_access(account: Account) -> None:
    for value in ("", "Bearer", account.access_token, f"Basic {account.access_token}"):
        url = account.freshbooks.url + CLIENTS.format(acct=account.id)
        answer = requests.get(url, headers={"Authorization": value}, timeout=60)
        assert answer.status_code == 401
