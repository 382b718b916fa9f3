"""OAuth: consent, codes, rotation, expiry, revocation."""

from __future__ import annotations

import base64
import hashlib

import pytest
import requests

from tests.sandbox.driving import CLIENTS, REDIRECT_URI, Account, FreshBooks

LOGIN = "owner@maple.example"


def _works(freshbooks: FreshBooks, access_token: str) -> bool:
    headers = {"Authorization": f"Bearer {access_token}"}
    url = f"{freshbooks.url}/auth/api/v1/users/me"
    return requests.get(url, headers=headers, timeout=60).status_code == 200


def test_token_body(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    freshbooks.set_clock(1_777_054_938.2)
    tokens = freshbooks.tokens(LOGIN)
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 43200
    assert tokens["created_at"] == 1_777_054_938
    assert len(tokens["refresh_token"]) == 64
    assert len(tokens["access_token"]) > 900
    assert tokens["scope"].startswith("user:profile:read user:clients:read")


@pytest.mark.parametrize("encoding", ["form", "json", "basic"])
def test_token_endpoint_takes_form_json_and_basic(freshbooks: FreshBooks, encoding: str) -> None:
    freshbooks.business()
    fields = {
        "grant_type": "authorization_code",
        "code": freshbooks.code(LOGIN),
        "redirect_uri": REDIRECT_URI,
    }
    secret = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    url = f"{freshbooks.url}/service/auth/oauth/token"
    if encoding == "form":
        answer = requests.post(url, data={**fields, **secret}, timeout=60)
    elif encoding == "json":
        answer = requests.post(url, json={**fields, **secret}, timeout=60)
    else:
        answer = requests.post(
            url, data=fields, auth=("sandbox-client", "sandbox-secret"), timeout=60
        )
    assert answer.status_code == 200
    assert _works(freshbooks, answer.json()["access_token"])


def test_code_works_once_and_for_five_minutes(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    code = freshbooks.code(LOGIN)
    assert freshbooks.token_call(grant_type="authorization_code", code=code).status_code == 200
    again = freshbooks.token_call(grant_type="authorization_code", code=code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    late = freshbooks.code(LOGIN)
    freshbooks.advance(301)
    answer = freshbooks.token_call(grant_type="authorization_code", code=late)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_code_is_bound_to_its_redirect_uri(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    answer = freshbooks.token_call(
        grant_type="authorization_code",
        code=freshbooks.code(LOGIN),
        redirect_uri="http://127.0.0.1:9/other",
    )
    assert answer.json()["error"] == "invalid_grant"


def test_wrong_secret_is_invalid_client(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    tokens = freshbooks.tokens(LOGIN)
    answer = freshbooks.refresh(tokens["refresh_token"], client_secret="wrong")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert freshbooks.refresh(tokens["refresh_token"]).status_code == 200


def test_unknown_grant_type(freshbooks: FreshBooks) -> None:
    answer = freshbooks.token_call(grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_pkce_is_verified_when_a_challenge_was_given(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    digest = hashlib.sha256(b"a-long-verifier").digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    query = {"code_challenge": challenge, "code_challenge_method": "S256"}
    grant = {"grant_type": "authorization_code", "code": freshbooks.code(LOGIN, **query)}
    assert freshbooks.token_call(**grant).json()["error"] == "invalid_grant"
    assert freshbooks.token_call(**grant, code_verifier="wrong").status_code == 400
    assert freshbooks.token_call(**grant, code_verifier="a-long-verifier").status_code == 200
    freshbooks.switch(pkce="ignored")
    grant["code"] = freshbooks.code(LOGIN, **query)
    assert freshbooks.token_call(**grant).status_code == 200


def test_refresh_token_works_once(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    first = freshbooks.tokens(LOGIN)
    second = freshbooks.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    again = freshbooks.refresh(first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert "error_description" in again.json()
    assert freshbooks.refresh(second["refresh_token"]).status_code == 200


def test_refresh_needs_redirect_uri(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    tokens = freshbooks.tokens(LOGIN)
    answer = freshbooks.refresh(tokens["refresh_token"], redirect_uri="")
    assert answer.json()["error"] == "invalid_grant"
    freshbooks.switch(refresh_redirect_uri="optional")
    assert freshbooks.refresh(tokens["refresh_token"], redirect_uri="").status_code == 200


@pytest.mark.parametrize(("kills", "still_works"), [("no", True), ("yes", False)])
def test_older_access_token_after_refresh(
    freshbooks: FreshBooks, kills: str, still_works: bool
) -> None:
    freshbooks.business()
    freshbooks.switch(refresh_kills_older_access=kills)
    first = freshbooks.tokens(LOGIN)
    second = freshbooks.refresh(first["refresh_token"]).json()
    assert _works(freshbooks, second["access_token"])
    assert _works(freshbooks, first["access_token"]) is still_works


def test_refresh_may_echo_an_earlier_created_at(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    freshbooks.set_clock(1_777_054_938.2)
    freshbooks.switch(refresh_created_at="echoed")
    refreshed = freshbooks.refresh(freshbooks.tokens(LOGIN)["refresh_token"]).json()
    assert (refreshed["created_at"], refreshed["expires_in"]) == (1_777_054_937, 43199)


def test_access_token_lives_twelve_hours(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    tokens = freshbooks.tokens(LOGIN)
    freshbooks.advance(43200 - 60)
    assert _works(freshbooks, tokens["access_token"])
    freshbooks.advance(120)
    assert not _works(freshbooks, tokens["access_token"])
    freshbooks.advance(90 * 86400)
    assert freshbooks.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize(("grants", "older_lives"), [("one", False), ("many", True)])
def test_new_authorisation_kills_the_older_grant(
    freshbooks: FreshBooks, grants: str, older_lives: bool
) -> None:
    freshbooks.business()
    freshbooks.business("kim@birch.example", name="Birch")
    freshbooks.switch(grants_per_identity=grants)
    other = freshbooks.tokens("kim@birch.example")
    older = freshbooks.tokens(LOGIN)
    newer = freshbooks.tokens(LOGIN)
    assert _works(freshbooks, newer["access_token"])
    assert _works(freshbooks, other["access_token"])
    assert _works(freshbooks, older["access_token"]) is older_lives
    assert freshbooks.refresh(older["refresh_token"]).ok is older_lives


def test_revoke_kills_at_once(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    tokens = freshbooks.tokens(LOGIN)
    form = {
        "client_id": "sandbox-client",
        "client_secret": "wrong",
        "token": tokens["access_token"],
    }
    url = f"{freshbooks.url}/auth/oauth/revoke"
    assert requests.post(url, data=form, timeout=60).status_code == 401
    assert _works(freshbooks, tokens["access_token"])
    form["client_secret"] = "sandbox-secret"
    answer = requests.post(url, data=form, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {})
    assert not _works(freshbooks, tokens["access_token"])
    assert freshbooks.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_people_can_expire_and_revoke(freshbooks: FreshBooks) -> None:
    business = freshbooks.business()
    tokens = freshbooks.tokens(LOGIN)
    freshbooks.act("expire_tokens", account_id=business["account_id"], access_only=True)
    assert not _works(freshbooks, tokens["access_token"])
    tokens = freshbooks.refresh(tokens["refresh_token"]).json()
    assert _works(freshbooks, tokens["access_token"])
    freshbooks.act("expire_tokens", access_only=False)
    assert freshbooks.refresh(tokens["refresh_token"]).status_code == 400
    tokens = freshbooks.tokens(LOGIN)
    freshbooks.act("revoke_grant", identity_id=business["identity_id"])
    assert not _works(freshbooks, tokens["access_token"])
    assert freshbooks.refresh(tokens["refresh_token"]).status_code == 400


def test_expired_token_at_accounting(account: Account) -> None:
    account.freshbooks.advance(43201)
    assert account.call("GET", CLIENTS).status_code == 401
