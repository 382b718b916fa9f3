"""OAuth 2: consent page, codes, tokens that rotate, revocation."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.core.vendor import Request, Response, Route
from sandbox.freshbooks.book import Code, Identity, Token
from sandbox.freshbooks.pages.consent import consent_page, refusal_page
from sandbox.freshbooks.scopes import PROFILE
from sandbox.freshbooks.world import World

CODE_LIFE_S = 5 * 60
TOKEN_LIFE_S = 12 * 60 * 60
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ACCESS_HEADER = "eyJraWQiOiJzYW5kYm94IiwiYWxnIjoiUlMyNTYifQ"
_BAD_SCOPE = "The requested scope is invalid, unknown, or malformed."


class OAuthError(Exception):
    """A refusal of the token endpoint."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


class ConsentError(Exception):
    """The consent page cannot be shown; the browser stays here."""


class OAuthApi:
    """Authorize, token and revoke, each under both of its addresses."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The documented addresses and the advertised alternatives."""
        routes = []
        for path in ("/oauth/authorize", "/oauth/authorize/", "/service/auth/oauth/authorize"):
            routes.append(Route("GET", path, self._show_consent))
            routes.append(Route("POST", path, self._decide))
        for base in ("/auth/oauth", "/service/auth/oauth"):
            routes.append(Route("POST", f"{base}/token", self._token))
            routes.append(Route("POST", f"{base}/revoke", self._revoke))
        return routes

    # Consent

    def _show_consent(self, request: Request) -> Response:
        query = dict(request.query)
        try:
            self._check_consent(query)
        except ConsentError as error:
            return refusal_page(str(error))
        if self._scopes(query) is None:
            return self._invalid_scope(query)
        identities = list(self._world.book.identities.values())
        return consent_page(query, identities)

    def _decide(self, request: Request) -> Response:
        form = {**dict(request.query), **_read_fields(request)}
        try:
            self._check_consent(form)
        except ConsentError as error:
            return refusal_page(str(error))
        scopes = self._scopes(form)
        if scopes is None:
            return self._invalid_scope(form)
        if form.get("decision") != "allow":
            description = "The resource owner or authorization server denied the request."
            return _redirect(form, {"error": "access_denied", "error_description": description})
        identity = self._world.book.identity_by_email(form.get("login", ""))
        if identity is None:
            return refusal_page("There is no such login.")
        return _redirect(form, {"code": self._issue_code(form, identity, scopes)})

    def _check_consent(self, query: Mapping[str, str]) -> None:
        if query.get("client_id") != self._world.app.client_id:
            raise ConsentError("Client authentication failed due to unknown client.")
        if not self.redirect_uri_registered(query.get("redirect_uri", "")):
            raise ConsentError("The requested redirect uri is malformed or not registered.")
        if query.get("response_type") != "code":
            raise ConsentError("The authorization server does not support this response type.")
        method = query.get("code_challenge_method", "S256")
        if query.get("code_challenge") and method != "S256":
            raise ConsentError("The code challenge method must be S256.")

    def redirect_uri_registered(self, uri: str) -> bool:
        """Registered ones exactly; besides, any loopback address without a query."""
        if uri in self._world.app.redirect_uris:
            return True
        parts = urlsplit(uri)
        loopback = parts.hostname in _LOOPBACK and parts.scheme in ("http", "https")
        return loopback and not parts.query and not parts.fragment

    def _scopes(self, query: Mapping[str, str]) -> tuple[str, ...] | None:
        """What would be granted; None = one of them is unknown, so nothing is."""
        ticked = self._world.app.scopes
        asked = query.get("scope", "").split()
        if not asked:
            return ticked
        if not set(asked) <= {*ticked, PROFILE}:
            return None
        return tuple(dict.fromkeys([PROFILE, *asked]))

    def _invalid_scope(self, query: Mapping[str, str]) -> Response:
        if self._world.switches["invalid_scope_answer"] == "page":
            return refusal_page(_BAD_SCOPE)
        return _redirect(query, {"error": "invalid_scope", "error_description": _BAD_SCOPE})

    def _issue_code(
        self, form: Mapping[str, str], identity: Identity, scopes: tuple[str, ...]
    ) -> str:
        code = Code(
            value=self._world.hex(64),
            identity_id=identity.id,
            redirect_uri=form["redirect_uri"],
            scopes=scopes,
            challenge=form.get("code_challenge") or None,
            expires_at=self._world.now() + CODE_LIFE_S,
        )
        self._world.book.codes[code.value] = code
        return code.value

    # Tokens

    def _token(self, request: Request) -> Response:
        fields = _read_fields(request)
        try:
            self._check_app(request, fields)
            grant_type = fields.get("grant_type")
            if grant_type == "authorization_code":
                return Response(200, self._token_body(self._exchange(fields), refreshed=False))
            if grant_type == "refresh_token":
                return Response(200, self._token_body(self._refresh(fields), refreshed=True))
            raise OAuthError(400, "unsupported_grant_type", "The grant type is not supported.")
        except OAuthError as error:
            body = {"error": error.error, "error_description": error.description}
            return Response(error.status, body)

    def _check_app(self, request: Request, fields: Mapping[str, str]) -> None:
        client_id, secret = _basic(request) or (
            fields.get("client_id", ""),
            fields.get("client_secret", ""),
        )
        app = self._world.app
        known = hmac.compare_digest(client_id.encode(), app.client_id.encode())
        if not known or not hmac.compare_digest(secret.encode(), app.client_secret.encode()):
            raise OAuthError(401, "invalid_client", "Client authentication failed.")

    def _exchange(self, fields: Mapping[str, str]) -> Token:
        code = self._world.book.codes.get(fields.get("code", ""))
        if code is None or code.used or self._world.now() >= code.expires_at:
            raise _invalid_grant()
        if fields.get("redirect_uri") != code.redirect_uri:
            raise _invalid_grant()
        checked = self._world.switches["pkce"] == "enforced" and code.challenge is not None
        if checked and _challenge_of(fields.get("code_verifier", "")) != code.challenge:
            raise _invalid_grant()
        code.used = True
        if self._world.switches["grants_per_identity"] == "one":
            self.revoke_identity(code.identity_id)
        return self._issue(code.identity_id, code.scopes)

    def _refresh(self, fields: Mapping[str, str]) -> Token:
        old = self._world.book.by_refresh.get(fields.get("refresh_token", ""))
        if old is None or not old.refresh_live:
            raise _invalid_grant()
        uri = fields.get("redirect_uri", "")
        required = self._world.switches["refresh_redirect_uri"] == "required"
        if (required or uri) and not self.redirect_uri_registered(uri):
            raise _invalid_grant()
        old.refresh_live = False
        if self._world.switches.on("refresh_kills_older_access"):
            old.access_live = False
        return self._issue(old.identity_id, old.scopes)

    def _issue(self, identity_id: int, scopes: tuple[str, ...]) -> Token:
        now = self._world.now()
        token = Token(
            access=f"{_ACCESS_HEADER}.{self._world.word(700)}.{self._world.word(256)}",
            refresh=self._world.hex(64),
            identity_id=identity_id,
            scopes=scopes,
            issued_at=now,
            expires_at=now + TOKEN_LIFE_S,
        )
        self._world.book.by_access[token.access] = token
        self._world.book.by_refresh[token.refresh] = token
        return token

    def _token_body(self, token: Token, *, refreshed: bool) -> dict[str, object]:
        echoed = refreshed and self._world.switches["refresh_created_at"] == "echoed"
        age_s = 1 if echoed else 0
        return {
            "access_token": token.access,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_S - age_s,
            "created_at": int(token.issued_at) - age_s,
            "refresh_token": token.refresh,
            "scope": " ".join(token.scopes),
            "direct_buy_tokens": {},
        }

    def _revoke(self, request: Request) -> Response:
        fields = _read_fields(request)
        try:
            self._check_app(request, fields)
        except OAuthError as error:
            body = {"error": error.error, "error_description": error.description}
            return Response(error.status, body)
        book, value = self._world.book, fields.get("token", "")
        token = book.by_access.get(value) or book.by_refresh.get(value)
        if token is not None:
            token.access_live = token.refresh_live = False
        return Response(200, {})

    def revoke_identity(self, identity_id: int) -> int:
        """Kill every token of an identity; how many had still been alive."""
        killed = 0
        for token in self._world.book.by_access.values():
            if token.identity_id == identity_id:
                killed += token.access_live or token.refresh_live
                token.access_live = token.refresh_live = False
        return killed


def _invalid_grant() -> OAuthError:
    return OAuthError(
        400,
        "invalid_grant",
        "The provided authorization grant is invalid, expired, revoked, does not match the "
        "redirection URI used in the authorization request, or was issued to another client.",
    )


def _read_fields(request: Request) -> dict[str, str]:
    """Form or JSON body, whichever was sent."""
    text = request.body.decode("utf-8", "replace")
    if "json" in request.headers.get("Content-Type", ""):
        try:
            data = json.loads(text)
        except ValueError:
            return {}
        strings = data.items() if isinstance(data, dict) else ()
        return {key: value for key, value in strings if isinstance(value, str)}
    return dict(parse_qsl(text, keep_blank_values=True))


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return ("", "")
    return user, password


def _challenge_of(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _redirect(query: Mapping[str, str], answer: dict[str, str]) -> Response:
    if "state" in query:
        answer["state"] = query["state"]
    return Response(302, headers={"Location": f"{query['redirect_uri']}?{urlencode(answer)}"})
