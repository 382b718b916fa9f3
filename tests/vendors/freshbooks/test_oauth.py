"""FreshBooks' OAuth2: a code or a refresh token works once, so every ending must be told apart."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connector.errors import (
    ConnectorError,
    CredentialRejected,
    GrantLost,
    OutcomeUnknown,
    VendorContractBroken,
    VendorRateLimited,
    VendorUnavailable,
)
from connector.vendors.freshbooks.oauth import FreshBooksOAuth, OAuthApp
from connector.vendors.freshbooks.tokens import AccessTokenRejected
from tests.vendors.local_server import SHORT, LocalVendor, RecordingGate, Reply, fixture

TOKEN = fixture("freshbooks/token.json")
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B


def app(base: str) -> OAuthApp:
    return OAuthApp(
        client_id="app-id",
        client_secret="app-secret",
        redirect_uri="https://connector.example/oauth/freshbooks/callback",
        auth_base=base,
        api_base=base,
    )


@pytest.fixture
def oauth(vendor: LocalVendor, gate: RecordingGate) -> FreshBooksOAuth:
    return FreshBooksOAuth(app=app(vendor.url), gate=gate, limits=SHORT)


@pytest.mark.parametrize("base", ["https://auth.freshbooks.com", "http://127.0.0.1:8123"])
def test_the_consent_url_has_state_scopes_and_pkce(base: str, gate: RecordingGate) -> None:
    oauth = FreshBooksOAuth(app=app(base), gate=gate)
    url = oauth.authorize_url(
        state="s-1", code_verifier=VERIFIER, scopes=["user:profile:read", "user:clients:read"]
    )
    assert url.startswith(f"{base}/oauth/authorize/?")
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "client_id": "app-id",
        "redirect_uri": "https://connector.example/oauth/freshbooks/callback",
        "scope": "user:profile:read user:clients:read",
        "state": "s-1",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert base64.urlsafe_b64encode(digest).startswith(b"E9Melhoa2Owv")
    assert gate.asked == []


def test_a_consent_url_over_plain_http_is_for_loopback_only(gate: RecordingGate) -> None:
    oauth = FreshBooksOAuth(app=app("http://127.0.0.1:1"), gate=gate)
    oauth._app = app("http://auth.freshbooks.com")
    with pytest.raises(ValueError, match="Plain http"):
        oauth.authorize_url(state="s", code_verifier=VERIFIER, scopes=[])


def test_a_code_is_exchanged(
    oauth: FreshBooksOAuth, vendor: LocalVendor, gate: RecordingGate
) -> None:
    vendor.answers_json(TOKEN)
    pair = oauth.exchange_code(code="c-1", code_verifier=VERIFIER)
    assert (pair.access_token, pair.refresh_token) == ("my_access_token", "my_refresh_token")
    assert pair.scopes == ("some:scope", "some:other:scope")
    (seen,) = vendor.seen
    assert (seen.method, seen.path) == ("POST", "/auth/oauth/token")
    assert dict(seen.form) == {
        "grant_type": "authorization_code",
        "code": "c-1",
        "code_verifier": VERIFIER,
        "redirect_uri": "https://connector.example/oauth/freshbooks/callback",
        "client_id": "app-id",
        "client_secret": "app-secret",
    }
    assert gate.asked == [("freshbooks", "freshbooks.oauth.exchange")]


def test_a_refresh_sends_the_redirect_uri_too(oauth: FreshBooksOAuth, vendor: LocalVendor) -> None:
    vendor.answers_json(TOKEN)
    oauth.refresh(refresh_token="r-1")
    assert dict(vendor.seen[0].form) == {
        "grant_type": "refresh_token",
        "refresh_token": "r-1",
        "redirect_uri": "https://connector.example/oauth/freshbooks/callback",
        "client_id": "app-id",
        "client_secret": "app-secret",
    }


def test_expiry_counts_from_created_at(oauth: FreshBooksOAuth, vendor: LocalVendor) -> None:
    vendor.answers_json(TOKEN)
    created = datetime.fromtimestamp(TOKEN["created_at"], UTC)
    assert oauth.refresh(refresh_token="r").expires_at == created + timedelta(seconds=100)


def test_expiry_counts_from_now_without_created_at(
    oauth: FreshBooksOAuth, vendor: LocalVendor
) -> None:
    vendor.answers_json({**TOKEN, "created_at": None, "expires_in": 43200})
    before = datetime.now(UTC)
    expires_at = oauth.refresh(refresh_token="r").expires_at
    assert before <= expires_at - timedelta(hours=12) <= datetime.now(UTC)


Do = Callable[[FreshBooksOAuth], object]
REFRESH: Do = lambda oauth: oauth.refresh(refresh_token="secret-refresh")  # noqa: E731
EXCHANGE: Do = lambda oauth: oauth.exchange_code(code="c", code_verifier=VERIFIER)  # noqa: E731


@pytest.mark.parametrize("do", [REFRESH, EXCHANGE])
@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=400, body={"error": "invalid_grant", "error_description": "x"}), GrantLost),
        (Reply(status=401, body={"error": "invalid_grant", "error_description": "x"}), GrantLost),
        (Reply(status=401, body={"error": "invalid_client"}), CredentialRejected),
        (Reply(status=400, body={"error": "unauthorized_client"}), CredentialRejected),
        (Reply(status=429, body={"error": "slow_down"}), VendorRateLimited),
        (Reply(status=500, body={"error": "server_error"}), OutcomeUnknown),
        (Reply(status=502, body=b"<html>"), OutcomeUnknown),
        (Reply(status=200, body=b"<html>"), OutcomeUnknown),
        (Reply(status=200, body={**TOKEN, "access_token": None}), OutcomeUnknown),
        (Reply(status=200, body={**TOKEN, "refresh_token": ""}), OutcomeUnknown),
        (Reply(status=200, body={**TOKEN, "expires_in": 0}), OutcomeUnknown),
        (Reply(status=200, body={**TOKEN, "expires_in": 10**12}), OutcomeUnknown),
        (Reply(status=200, body={**TOKEN, "created_at": 10**15}), OutcomeUnknown),
        (Reply(how="reset"), OutcomeUnknown),
        (Reply(how="hang"), OutcomeUnknown),
        (Reply(body=TOKEN, how="truncate"), OutcomeUnknown),
    ],
)
def test_each_ending_of_a_token_call(
    oauth: FreshBooksOAuth, vendor: LocalVendor, do: Do, reply: Reply, kind: type[ConnectorError]
) -> None:
    vendor.answers(reply)
    with pytest.raises(kind) as raised:
        do(oauth)
    assert type(raised.value) is kind
    shown = f"{raised.value} {raised.value.__dict__}"
    assert "secret-refresh" not in shown
    assert "app-secret" not in shown
    assert len(vendor.seen) == 1


def test_nothing_is_lost_when_freshbooks_cannot_be_reached(gate: RecordingGate) -> None:
    oauth = FreshBooksOAuth(app=app("http://127.0.0.1:1"), gate=gate, limits=SHORT)
    with pytest.raises(VendorUnavailable):
        oauth.refresh(refresh_token="r")
    assert gate.outcomes == ["unavailable"]


def test_revoking(oauth: FreshBooksOAuth, vendor: LocalVendor) -> None:
    vendor.answers_json({})
    oauth.revoke(token="t-1")
    (seen,) = vendor.seen
    assert seen.path == "/auth/oauth/revoke"
    assert dict(seen.form)["token"] == "t-1"


def test_identity(oauth: FreshBooksOAuth, vendor: LocalVendor) -> None:
    vendor.answers_json(fixture("freshbooks/users_me.json"), Retry_After="59")
    identity = oauth.identity(access_token="a-1")
    assert (identity.identity_id, identity.email) == (12345, "skovalic@cis.com")
    found = [(b.business_id, b.account_id, b.role) for b in identity.businesses]
    assert (439000, "ABC123", "owner") in found
    (seen,) = vendor.seen
    assert (seen.method, seen.path) == ("GET", "/auth/api/v1/users/me")
    assert seen.headers["authorization"] == "Bearer a-1"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=401, body={"error": "unauthenticated"}), AccessTokenRejected),
        (Reply(status=503), VendorUnavailable),
        (Reply(how="reset"), VendorUnavailable),
        (Reply(body={"response": {}}), VendorContractBroken),
        (Reply(body={"response": {"business_memberships": []}}), VendorContractBroken),
    ],
)
def test_an_identity_that_is_not_to_be_had(
    oauth: FreshBooksOAuth, vendor: LocalVendor, reply: Reply, kind: type[ConnectorError]
) -> None:
    vendor.answers(reply)
    with pytest.raises(kind):
        oauth.identity(access_token="a")


def test_nothing_secret_shows_in_repr(oauth: FreshBooksOAuth, vendor: LocalVendor) -> None:
    body: dict[str, Any] = TOKEN
    vendor.answers_json(body)
    assert "my_" not in repr(oauth.refresh(refresh_token="r"))
    assert "app-secret" not in repr(app("https://auth.freshbooks.com"))
