"""What the simulator answers has every field of the published and captured bodies, same types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.conftest import ROOT
from tests.sandbox.driving import CALLBACKS, CLIENTS, INVOICES, PAYMENTS, Account, FreshBooks

FIXTURES = ROOT / "tests" / "fixtures" / "freshbooks"
NOT_OURS = {"test_amount", "presentation", "id_token", "state"}
"""An SDK's own test value, includes left out, undocumented extras."""


def _fixture(name: str) -> Any:
    body = json.loads((FIXTURES / f"{name}.json").read_text())
    return body.get("body", body) if isinstance(body, dict) else body


def _differences(theirs: Any, ours: Any, path: str = "") -> list[str]:
    """Where ours lacks a key or has another type; null fits anything, lists by first item."""
    if theirs is None or ours is None:
        return []
    if type(theirs) is not type(ours):
        return [f"{path}: {theirs!r} or {ours!r}"]
    if isinstance(theirs, list):
        return _differences(theirs[0], ours[0], f"{path}[0]") if theirs and ours else []
    if not isinstance(theirs, dict):
        return []
    missing = [f"{path}.{name} missing" for name in set(theirs) - set(ours) - NOT_OURS]
    shared = set(theirs) & set(ours)
    deeper = [_differences(theirs[name], ours[name], f"{path}.{name}") for name in shared]
    return sorted(missing + [text for texts in deeper for text in texts])


def _keyed_by_account(person: dict[str, Any]) -> dict[str, Any]:
    """users/me without the objects whose keys are account ids."""
    keyed = ("permissions", "subscription_statuses")
    return {name: value for name, value in person.items() if name not in keyed}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("client", f"{CLIENTS}/418201?include[]=grand_total_balance&include[]=outstanding_balance"),
        ("client_created_with_email_only", f"{CLIENTS}/418201"),
        ("clients_page", f"{CLIENTS}?include[]=grand_total_balance"),
        ("invoice", f"{INVOICES}/2903301?include[]=lines"),
        ("invoices_page", f"{INVOICES}?include[]=lines"),
        ("payment", f"{PAYMENTS}/771401"),
        ("payment_created_overpaying", f"{PAYMENTS}/771401"),
        ("payments_page", PAYMENTS),
        ("callback", f"{CALLBACKS}/88201"),
        ("callbacks_page", CALLBACKS),
        ("payment_options", "/payments/account/{acct}/invoice/2903301/payment_options"),
        ("gateway_connections", "/payments/account/{acct}/gateway"),
    ],
)
def test_records(account: Account, name: str, path: str) -> None:
    account.payment(account.invoice(deposit_amount={"amount": "1.00"})["id"], "130.00")
    callback = {"event": "client.create", "uri": "http://127.0.0.1:9/fb"}
    account.result("POST", CALLBACKS, {"callback": callback})
    account.freshbooks.act(
        "connect_gateway", account_id=account.id, stripe_account_id="acct_1", country="CA"
    )
    options = {"gateway_name": "stripe", "has_credit_card": True}
    account.call("POST", "/payments/account/{acct}/invoice/2903301/payment_options", options)
    assert _differences(_fixture(name), account.call("GET", path).json()) == []


def test_identity_and_token(freshbooks: FreshBooks) -> None:
    business = freshbooks.business()
    tokens = freshbooks.tokens(business["login"])
    assert _differences(_fixture("token"), tokens) == []
    account = Account(freshbooks, business["account_id"], tokens["access_token"])
    ours = account.call("GET", "/auth/api/v1/users/me").json()["response"]
    theirs = _fixture("users_me")["response"]
    assert _differences(_keyed_by_account(theirs), _keyed_by_account(ours)) == []


@pytest.mark.parametrize(
    ("name", "path", "headers"),
    [
        ("accounting_old", f"{CLIENTS}/1", {}),
        ("accounting_new", f"{CLIENTS}/1", {"X-API-VERSION": "2023-02-20"}),
        ("accounting_new_401", CLIENTS, {"X-API-VERSION": "2023-02-20", "Authorization": "x"}),
        ("events_401", CALLBACKS, {"Authorization": "x"}),
        ("events_not_found", f"{CALLBACKS}/1", {}),
    ],
)
def test_errors(account: Account, name: str, path: str, headers: dict[str, str]) -> None:
    ours = account.call("GET", path, headers=headers).json()
    assert _differences(_fixture(f"errors/{name}"), ours) == []


def test_the_comparison_sees_what_is_missing() -> None:
    assert _differences({"a": 1, "b": {"c": "x"}}, {"a": "1", "b": {}}) == [
        ".a: 1 or '1'",
        ".b.c missing",
    ]
