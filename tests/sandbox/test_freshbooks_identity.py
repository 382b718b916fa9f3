"""users/me: businesses, roles, missing accounts, its rate limit."""

from __future__ import annotations

import requests

from tests.sandbox.driving import Account, FreshBooks

ME = "/auth/api/v1/users/me"


def test_identity_has_no_result_layer_and_names_its_businesses(freshbooks: FreshBooks) -> None:
    first = freshbooks.business()
    second = freshbooks.business(name="Second", currency="USD")
    assert second["identity_id"] == first["identity_id"]
    tokens = freshbooks.tokens(first["login"])
    me = Account(freshbooks, first["account_id"], tokens["access_token"]).call("GET", ME).json()
    person = me["response"]
    assert person["id"] == person["identity_id"] == first["identity_id"]
    assert person["email"] == "owner@maple.example"
    businesses = [entry["business"] for entry in person["business_memberships"]]
    assert [one["name"] for one in businesses] == ["Maple Joinery", "Second"]
    assert [one["account_id"] for one in businesses] == [first["account_id"], second["account_id"]]
    assert [one["id"] for one in businesses] == [first["business_id"], second["business_id"]]
    assert {entry["id"] for entry in person["business_memberships"]}.isdisjoint(
        {one["id"] for one in businesses}
    )
    assert person["roles"][0]["accountid"] == first["account_id"]
    assert person["subscription_statuses"][first["account_id"]] == "active"


def test_a_business_can_lack_an_account(freshbooks: FreshBooks) -> None:
    made = freshbooks.business(without_accounting=True)
    assert made["account_id"] is None
    tokens = freshbooks.tokens(made["login"])
    person = Account(freshbooks, "", tokens["access_token"]).call("GET", ME).json()["response"]
    assert person["business_memberships"][0]["business"]["account_id"] is None
    assert person["business_memberships"][0]["role"] == "owner"
    assert person["roles"] == []


def test_subscription_status_is_shown(account: Account) -> None:
    account.freshbooks.act("set_subscription", account_id=account.id, status="cancelled")
    person = account.call("GET", ME).json()["response"]
    assert person["subscription_statuses"] == {account.id: "cancelled"}


def test_rate_headers_come_with_every_answer_and_the_limit_is_twenty(account: Account) -> None:
    first = account.call("GET", ME)
    assert first.headers["X-RateLimit-Limit"] == "20"
    assert first.headers["X-RateLimit-Remaining"] == "19"
    assert 1 <= int(first.headers["Retry-After"]) <= 60
    assert int(first.headers["X-RateLimit-Reset"]) > 1_600_000_000
    statuses = [account.call("GET", ME).status_code for _ in range(20)]
    assert statuses == [200] * 19 + [429]
    account.freshbooks.switch(users_me_limit="headers_only")
    assert account.call("GET", ME).status_code == 200
    account.freshbooks.switch(users_me_limit="enforced")
    account.freshbooks.advance(61)
    assert account.call("GET", ME).status_code == 200


def test_unauthenticated_shape(freshbooks: FreshBooks) -> None:
    answer = requests.get(freshbooks.url + ME, timeout=60)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "unauthenticated",
        "error_description": "This action requires authentication to continue.",
    }
