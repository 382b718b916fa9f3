"""Faults: what is executed, what the client gets, how often they strike."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.sandbox.driving import CALLBACKS, CLIENTS, Account, FreshBooks, eventually

BODY = {"client": {"email": "a@b.example"}}
POSTS = {"method": "POST", "path_regex": "/users/clients$"}


def _clients(account: Account) -> int:
    return len(account.freshbooks.state()["accounts"][account.id]["clients"])


def _post(account: Account, timeout_s: float = 10) -> requests.Response:
    return requests.post(
        account.freshbooks.url + CLIENTS.format(acct=account.id),
        json=BODY,
        headers={"Authorization": f"Bearer {account.access_token}"},
        timeout=timeout_s,
    )


def _faults(account: Account) -> list[dict[str, Any]]:
    faults: list[dict[str, Any]] = account.freshbooks.control("GET", "faults").json()["faults"]
    return faults


@pytest.mark.parametrize(
    ("kind", "executed"),
    [("timeout_before", 0), ("timeout_after", 1)],
)
def test_timeouts(account: Account, kind: str, executed: int) -> None:
    account.freshbooks.fault(kind, POSTS)
    with pytest.raises(requests.ReadTimeout):
        _post(account, timeout_s=1)  # time enough to be carried out, even on a busy machine
    assert _clients(account) == executed
    assert _post(account).status_code == 200


def test_reset_after_executes_and_cuts_the_connection(account: Account) -> None:
    account.freshbooks.fault("reset_after", POSTS)
    with pytest.raises(requests.ConnectionError):
        _post(account)
    assert _clients(account) == 1


def test_status_faults_execute_nothing(account: Account) -> None:
    account.freshbooks.fault("status_500", POSTS)
    broken = _post(account)
    assert broken.status_code == 500
    assert broken.json()["response"]["errors"][0]["errno"] == 500
    account.freshbooks.fault("status_429", POSTS)
    limited = _post(account)
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    assert limited.json()["response"]["errors"][0]["errno"] == 429
    assert _clients(account) == 0


def test_error_under_http_200_in_both_versions(account: Account) -> None:
    account.freshbooks.fault("error_200", times=2)
    older = account.call("POST", CLIENTS, BODY)
    assert older.status_code == 200
    assert "errors" in older.json()["response"]
    newer = account.call("POST", CLIENTS, BODY, headers={"X-API-VERSION": "2023-02-20"})
    assert (newer.status_code, newer.json()["code"]) == (200, 13)
    assert _clients(account) == 0


def test_slow_executes_after_a_pause(account: Account) -> None:
    account.freshbooks.fault("slow", POSTS, delay_s=0.3)
    started = time.monotonic()
    assert _post(account).status_code == 200
    assert time.monotonic() - started >= 0.3
    assert _clients(account) == 1


def test_faults_match_method_and_path_only(account: Account) -> None:
    account.freshbooks.fault("status_500", {"method": "post", "path_regex": "users/clients"})
    assert account.call("GET", CLIENTS).status_code == 200
    assert account.call("POST", CALLBACKS, {}).status_code == 422
    assert account.call("POST", CLIENTS, BODY).status_code == 500
    assert account.call("POST", CLIENTS, BODY).status_code == 200


def test_times_hits_and_clearing(account: Account) -> None:
    account.freshbooks.fault("status_500", POSTS, times=2)
    account.freshbooks.fault("status_429", POSTS, times=None)
    statuses = [_post(account).status_code for _ in range(4)]
    assert statuses == [500, 500, 429, 429]
    counts = [(one["fault"], one["remaining"], one["hits"]) for one in _faults(account)]
    assert counts == [("status_500", 0, 2), ("status_429", None, 2)]
    assert account.freshbooks.control("DELETE", "faults").json() == {"faults": []}
    assert _post(account).status_code == 200
    account.freshbooks.fault("status_429", POSTS, times=None)
    assert account.freshbooks.control("POST", "faults", []).json() == {"faults": []}
    assert _post(account).status_code == 200


def test_probability_is_a_share_of_the_matches(account: Account) -> None:
    account.freshbooks.fault("status_500", POSTS, times=None, probability=0.5)
    statuses = [_post(account).status_code for _ in range(60)]
    assert 10 < statuses.count(500) < 50
    account.freshbooks.control("DELETE", "faults")
    account.freshbooks.fault("status_500", POSTS, times=None, probability=0)
    assert _post(account).status_code == 200


@pytest.mark.parametrize(
    "description",
    [
        "status_500",
        {"fault": "explode"},
        {"fault": "slow", "often": 3},
        {"fault": "slow", "match": {"host": "x"}},
        {"fault": "slow", "match": {"path_regex": "("}},
        {"fault": "slow", "times": "many"},
    ],
)
def test_bad_descriptions_are_refused(freshbooks: FreshBooks, description: Any) -> None:
    good = {"fault": "slow"}
    answer = freshbooks.control("POST", "faults", [good, description])
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert freshbooks.control("GET", "faults").json() == {"faults": []}


def test_control_api_is_never_hit(account: Account) -> None:
    account.freshbooks.fault("status_500", times=None)
    assert account.freshbooks.control("GET", "state").status_code == 200
    assert account.call("GET", "/auth/api/v1/users/me").json()["error"] == "server_error"


def test_hung_requests_do_not_block_others(account: Account) -> None:
    account.freshbooks.fault("timeout_before", POSTS)
    with pytest.raises(requests.ReadTimeout):
        _post(account, timeout_s=0.05)
    assert account.call("GET", CLIENTS).status_code == 200
    counted = eventually(
        lambda: [one for one in account.freshbooks.calls()["calls"] if "none" in one["by_status"]]
    )
    assert counted[0]["route"] == "/accounting/account/{account_id}/users/clients"
