"""The consent page: who, what, and back to where."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.driving import REDIRECT_URI, SCOPES, FreshBooks

LOGIN = "owner@maple.example"


def _location(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: values[0] for name, values in query.items()}


@pytest.mark.parametrize(
    "path", ["/oauth/authorize", "/oauth/authorize/", "/service/auth/oauth/authorize"]
)
def test_consent_page_offers_every_login_and_keeps_the_query(
    freshbooks: FreshBooks, path: str
) -> None:
    freshbooks.business()
    freshbooks.business("kim@birch.example", name="Birch")
    query = {
        "client_id": "sandbox-client",
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        "state": '"><script>',
    }
    page = requests.get(freshbooks.url + path, params=query, timeout=60)
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f'value="{LOGIN}"' in page.text
    assert 'value="kim@birch.example"' in page.text
    assert 'value="&quot;&gt;&lt;script&gt;"' in page.text
    assert 'name="decision" value="deny"' in page.text


def test_allow_redirects_with_code_and_state(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    answer = freshbooks.decide(LOGIN, state="a b/c")
    assert answer.headers["Location"].startswith(REDIRECT_URI + "?")
    assert _location(answer)["state"] == "a b/c"
    assert "code" in _location(answer)


def test_deny_redirects_with_access_denied_and_state(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    answer = _location(freshbooks.decide(LOGIN, decision="deny", state="s1"))
    assert answer["error"] == "access_denied"
    assert answer["state"] == "s1"
    assert "code" not in answer


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": REDIRECT_URI + "?tenant=1"},
        {"response_type": "token"},
        {"code_challenge": "x", "code_challenge_method": "plain"},
        {"login": "nobody@nowhere.example"},
    ],
)
def test_bad_requests_stay_on_the_page(freshbooks: FreshBooks, wrong: dict[str, str]) -> None:
    freshbooks.business()
    answer = freshbooks.decide(**{"login": LOGIN, **wrong})
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_registered_https_redirect_uri_is_accepted(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    uri = "https://connector.example/oauth/freshbooks/callback"
    assert freshbooks.decide(LOGIN, redirect_uri=uri).status_code == 400
    freshbooks.act("register_redirect_uri", uri=uri)
    assert freshbooks.decide(LOGIN, redirect_uri=uri).headers["Location"].startswith(uri)


def test_one_unknown_scope_fails_the_whole_consent(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    answer = freshbooks.decide(LOGIN, scope=f"{SCOPES} user:profile:write")
    assert _location(answer)["error"] == "invalid_scope"
    freshbooks.switch(invalid_scope_answer="page")
    assert freshbooks.decide(LOGIN, scope="user:webhooks:read").status_code == 400


def test_scope_not_ticked_for_the_app_fails(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    freshbooks.act("set_app_scopes", scopes=["user:clients:read"])
    assert "error" in _location(freshbooks.decide(LOGIN, scope="user:invoices:read"))
    assert freshbooks.tokens(LOGIN, scope="")["scope"] == "user:clients:read"


def test_profile_is_always_granted(freshbooks: FreshBooks) -> None:
    freshbooks.business()
    tokens = freshbooks.tokens(LOGIN, scope="user:clients:read")
    assert tokens["scope"] == "user:profile:read user:clients:read"
