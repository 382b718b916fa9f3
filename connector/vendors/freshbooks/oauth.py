"""FreshBooks' OAuth2: consent, code exchange, refresh, revocation, and whose grant it is.

The consent URL is built by requests-oauthlib; the token calls go over our own door, because only it
knows whether a lost answer may have rotated the token. A refresh token works once, so a lost answer
to a refresh is OutcomeUnknown and the protocol around it is the caller's.
Source: FreshBooks API "Authentication"; contract section 1.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import urlencode

import requests
from requests_oauthlib import OAuth2Session

from connector.errors import ConnectorError, CredentialRejected, GrantLost
from connector.vendors.freshbooks.api import USER_AGENT, Call, parsed_or_unknown
from connector.vendors.freshbooks.envelopes import VENDOR, Family, read_success, request_id_of
from connector.vendors.freshbooks.identities import to_identity
from connector.vendors.freshbooks.records import Identity, TokenPair
from connector.vendors.gate import CallGate, gated_call
from connector.vendors.http import HttpDoor, HttpRequest, Limits, checked_base_url
from connector.vendors.reading import Fields

Result = TypeVar("Result")
MAX_LIFE_S = 366 * 24 * 3600
OAUTH_ERRORS: dict[str, type[ConnectorError]] = {
    "invalid_grant": GrantLost,
    "invalid_client": CredentialRejected,
    "unauthorized_client": CredentialRejected,
    "invalid_scope": CredentialRejected,
}


@dataclass(frozen=True, kw_only=True)
class OAuthApp:
    """Our registration at FreshBooks. `repr` hides the secret."""

    client_id: str
    client_secret: str
    redirect_uri: str
    auth_base: str  # https://auth.freshbooks.com: where people consent
    api_base: str  # https://api.freshbooks.com: where tokens come from

    def __repr__(self) -> str:
        return f"OAuthApp(client_id={self.client_id!r}, redirect_uri={self.redirect_uri!r})"


class FreshBooksOAuth:
    """OAuth calls of our app; holds no grant."""

    def __init__(
        self,
        *,
        app: OAuthApp,
        gate: CallGate,
        session: requests.Session | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._app = app
        self._gate = gate
        self._door = HttpDoor(vendor=VENDOR, base_url=app.api_base, session=session, limits=limits)

    def authorize_url(self, *, state: str, code_verifier: str, scopes: Sequence[str]) -> str:
        """Where to send the person. `state` and `code_verifier` are single use and kept by us."""
        base = checked_base_url(self._app.auth_base)
        # oauthlib knows https only, or http everywhere by a process-wide switch. The base was
        # checked above, so http here means a loopback simulator: build it as https, then put back.
        secure, scheme = base.replace("http://", "https://", 1), base.partition("://")[0]
        session = OAuth2Session(
            self._app.client_id, redirect_uri=self._app.redirect_uri, scope=list(scopes)
        )
        url, _ = session.authorization_url(
            f"{secure}/oauth/authorize/",
            state=state,
            code_challenge=_challenge(code_verifier),
            code_challenge_method="S256",
        )
        return f"{scheme}://{str(url).partition('://')[2]}"

    def exchange_code(self, *, code: str, code_verifier: str) -> TokenPair:
        """The first token pair of a new grant. Raises GrantLost if the code is spent or too old."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": code_verifier,
            "redirect_uri": self._app.redirect_uri,
        }
        return self._token_call("freshbooks.oauth.exchange", form, _to_token_pair)

    def refresh(self, *, refresh_token: str) -> TokenPair:
        """A new pair; the given refresh token is dead afterwards, answer or no answer.

        Raises: GrantLost if it was dead before; OutcomeUnknown if the answer was lost.
        """
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "redirect_uri": self._app.redirect_uri,
        }
        return self._token_call("freshbooks.oauth.refresh", form, _to_token_pair)

    def revoke(self, *, token: str) -> None:
        """Give a grant back."""
        self._token_call(
            "freshbooks.oauth.revoke", {"token": token}, _nothing, path="/auth/oauth/revoke"
        )

    def identity(self, *, access_token: str) -> Identity:
        """Who granted, and which businesses can be reached. About 20 calls a minute: keep it."""
        call = Call(
            operation="freshbooks.oauth.identity",
            method="GET",
            path="/auth/api/v1/users/me",
            family=Family.IDENTITY,
        )
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        return self._send(call, headers, None, to_identity)

    def _token_call(
        self,
        operation: str,
        form: dict[str, str],
        parse: Callable[[Fields], Result],
        *,
        path: str = "/auth/oauth/token",
    ) -> Result:
        call = Call(operation=operation, method="POST", path=path, family=Family.OAUTH)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        }
        ours = {"client_id": self._app.client_id, "client_secret": self._app.client_secret}
        return self._send(call, headers, urlencode({**form, **ours}).encode(), parse)

    def _send(
        self,
        call: Call,
        headers: dict[str, str],
        body: bytes | None,
        parse: Callable[[Fields], Result],
    ) -> Result:
        request = HttpRequest(
            method=call.method,
            url=f"{self._door.base_url}{call.path}",
            headers={**headers, "User-Agent": USER_AGENT},
            body=body,
            operation=call.operation,
        )
        with gated_call(
            self._gate, vendor=VENDOR, operation=call.operation, method=call.method
        ) as progress:
            answer = self._door.send(request)
            progress.status = answer.status
            progress.request_id = request_id_of(answer)
            success = read_success(
                answer,
                family=call.family,
                operation=call.operation,
                is_read=call.is_read,
                special_codes=OAUTH_ERRORS if call.family is Family.OAUTH else None,
            )
            return parsed_or_unknown(call, success, parse)


def _challenge(code_verifier: str) -> str:
    """PKCE's S256 challenge (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _to_token_pair(source: Fields) -> TokenPair:
    """Expiry is `created_at + expires_in`: FreshBooks may echo an earlier created_at."""
    life_s = source.integer("expires_in")
    created = source.integer_or_none("created_at")
    if not 0 < life_s <= MAX_LIFE_S or (created is not None and not 0 < created < 2**33):
        raise source.broken("expires_in", expected="a life in seconds", found=life_s)
    start = datetime.now(UTC) if created is None else datetime.fromtimestamp(created, UTC)
    return TokenPair(
        access_token=source.text("access_token"),
        refresh_token=source.text("refresh_token"),
        expires_at=start + timedelta(seconds=life_s),
        scopes=tuple(source.text_or_empty("scope").split()),
    )


def _nothing(_source: Fields) -> None:
    return None
