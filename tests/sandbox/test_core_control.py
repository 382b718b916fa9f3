"""The control API, the record file, the clock, and the process itself."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from typing import Any

import pytest
import requests

from sandbox.__main__ import parse_arguments
from sandbox.core.clock import Clock
from sandbox.core.faults import FaultList
from sandbox.core.recording import digest
from sandbox.core.webhooks import WebhookSender
from sandbox.freshbooks.simulator import FreshBooksSimulator
from tests.sandbox.conftest import ROOT, SandboxProcess
from tests.sandbox.driving import CLIENTS, Account, FreshBooks


def _lines(process: SandboxProcess, start: int = 0) -> list[dict[str, Any]]:
    return [json.loads(text) for text in process.record.read_text().splitlines()[start:]]


def test_every_request_is_recorded_without_secrets(
    sandbox_process: SandboxProcess, account: Account
) -> None:
    start = len(_lines(sandbox_process))
    body = {"client": {"email": "a@b.example"}}
    account.call("POST", CLIENTS + "?include[]=x&include[]=y&page=1", body)
    tokens = account.freshbooks.tokens("owner@maple.example")
    written, _, exchange = _lines(sandbox_process, start)
    assert written["vendor"] == "freshbooks"
    assert (written["method"], written["status"]) == ("POST", 200)
    assert written["path"] == CLIENTS.format(acct=account.id)
    assert written["query"] == {"include[]": ["x", "y"], "page": "1"}
    assert written["json"] == body
    assert "Authorization" not in written["headers"]
    assert written["headers"]["Content-Type"] == "application/json"
    assert written["credential"] == digest(account.access_token)
    assert "credential" not in exchange
    assert isinstance(written["at"], float)
    assert exchange["form"]["grant_type"] == "authorization_code"
    assert exchange["form"]["client_secret"].startswith("hidden:")
    assert exchange["form"]["code"].startswith("hidden:")
    text = sandbox_process.record.read_text()
    assert "sandbox-secret" not in text
    assert account.access_token not in text
    assert tokens["refresh_token"] not in text
    assert "/_sandbox/" not in text


def test_unanswered_requests_are_recorded_with_status_null(
    sandbox_process: SandboxProcess, account: Account
) -> None:
    account.freshbooks.fault("reset_after", {"path_regex": "clients"})
    with pytest.raises(requests.ConnectionError):
        account.call("GET", CLIENTS)
    assert _lines(sandbox_process)[-1]["status"] is None


def test_the_code_of_an_amount_is_no_secret(
    sandbox_process: SandboxProcess, account: Account
) -> None:
    amount = {"amount": "1.00", "code": "CAD"}
    account.call("POST", "/nowhere", {"payment": {"amount": amount}, "code": "x"})
    written = _lines(sandbox_process)[-1]["json"]
    assert written["payment"]["amount"] == amount
    assert written["code"].startswith("hidden:")


def test_a_body_that_is_no_json_is_recorded_as_text(
    sandbox_process: SandboxProcess, account: Account
) -> None:
    headers = {"Content-Type": "application/json"}
    account.call("POST", CLIENTS, b"{oops", headers=headers)
    assert _lines(sandbox_process)[-1]["json"] == "{oops"


def test_calls_are_counted_by_route_and_status(account: Account) -> None:
    client = account.client()["id"]
    account.call("GET", f"{CLIENTS}/{client}")
    account.call("GET", f"{CLIENTS}/1")
    account.call("GET", "/accounting/nonsense")
    calls = account.freshbooks.calls()
    rows = {(one["method"], one["route"]): one for one in calls["calls"]}
    single = rows[("GET", "/accounting/account/{account_id}/users/clients/{id}")]
    assert (single["count"], single["by_status"]) == (2, {"200": 1, "404": 1})
    assert rows[("GET", "(unknown)")]["by_status"] == {"404": 1}
    assert calls["total"] == sum(one["count"] for one in calls["calls"])


def test_reset_empties_one_vendor_and_leaves_the_clock(account: Account) -> None:
    account.freshbooks.advance(1000)
    account.freshbooks.switch(pkce="ignored")
    before = account.freshbooks.state()["clock"]
    account.freshbooks.control("POST", "reset")
    state = account.freshbooks.state()
    assert (state["accounts"], state["identities"], state["tokens"]) == ({}, [], [])
    assert state["switches"]["pkce"] == "enforced"
    assert state["clock"] >= before
    assert account.freshbooks.calls()["total"] == 0
    assert account.call("GET", CLIENTS).status_code == 401


def test_one_clock_for_both_vendors(sandbox_process: SandboxProcess) -> None:
    sandbox_process.freshbooks.set_clock(1_800_000_000)
    try:
        now = sandbox_process.stripe.control("GET", "clock").json()["now"]
        assert 1_800_000_000 <= now < 1_800_000_060
        sandbox_process.stripe.advance(3600)
        assert sandbox_process.freshbooks.state()["clock"] >= 1_800_003_600
    finally:
        sandbox_process.freshbooks.reset()
    now = sandbox_process.freshbooks.state()["clock"]
    assert now < 1_800_000_000 or now > 1_800_100_000


@pytest.mark.parametrize("body", [{}, {"set": "noon"}, {"advance_s": 1, "set": 2}, [], {"x": 1}])
def test_bad_clock_settings(freshbooks: FreshBooks, body: Any) -> None:
    assert freshbooks.control("POST", "clock", body).status_code == 400


def test_switches_refuse_and_list_what_they_do_not_know(freshbooks: FreshBooks) -> None:
    unknown = freshbooks.control("POST", "switches", {"pkce": "ignored", "shoe_size": "43"})
    assert unknown.status_code == 400
    assert "rounding_mode" in unknown.json()["error"]
    wrong = freshbooks.control("POST", "switches", {"pkce": "perhaps"})
    assert wrong.status_code == 400
    assert "enforced" in wrong.json()["error"]
    assert freshbooks.control("GET", "switches").json()["pkce"] == "enforced"
    assert freshbooks.control("POST", "switches", ["pkce"]).status_code == 400


@pytest.mark.parametrize("body", [None, [], {"do": 5}, {"do": "fly"}])
def test_bad_actions(freshbooks: FreshBooks, body: Any) -> None:
    answer = freshbooks.control("POST", "act", body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_unknown_control_paths(freshbooks: FreshBooks) -> None:
    assert freshbooks.control("GET", "nonsense").status_code == 404
    broken = requests.post(f"{freshbooks.url}/_sandbox/act", data=b"{", timeout=60)
    assert broken.status_code == 400


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_process_starts_alone_with_own_credentials_and_stops_on_sigterm() -> None:
    with _start("--freshbooks", "127.0.0.1:0", "--client-id", "me", "--client-secret", "x") as run:
        assert run.stdout is not None
        addresses = json.loads(run.stdout.readline())
        assert list(addresses) == ["freshbooks"]
        form = {"client_id": "me", "client_secret": "x", "grant_type": "refresh_token"}
        url = addresses["freshbooks"] + "/auth/oauth/token"
        assert requests.post(url, data=form, timeout=60).json()["error"] == "invalid_grant"
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 0


def test_process_needs_a_vendor(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments([])
    assert caught.value.code == 2
    assert "--freshbooks" in capsys.readouterr().err


def test_same_seed_same_ids() -> None:
    def make(seed: int) -> Any:
        clock = Clock()
        webhooks = WebhookSender(clock, FaultList(random.Random(0)))
        vendor = FreshBooksSimulator(clock, webhooks, random.Random(seed))
        owner = {"name": "Maple", "email": "owner@maple.example"}
        return vendor.act({"do": "create_business", **owner})

    assert make(3) == make(3) != make(4)
