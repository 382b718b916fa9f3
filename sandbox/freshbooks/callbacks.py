"""Webhook registrations: register, handshake, verify, resend, delete."""

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.core.vendor import Request, Response, Route
from sandbox.core.webhooks import Ticket
from sandbox.freshbooks.access import Access
from sandbox.freshbooks.accounting import guarded, read_wrapped
from sandbox.freshbooks.book import Account, Callback
from sandbox.freshbooks.events import EVENTS, SCOPE_OF_NOUN, noun_of, send_handshake
from sandbox.freshbooks.listing import read_page, read_search
from sandbox.freshbooks.problems import DENIED, INVALID, UNKNOWN, Problem
from sandbox.freshbooks.scopes import scope_of
from sandbox.freshbooks.times import eastern_text, iso_text
from sandbox.freshbooks.world import World

_BASE = "/events/account/{account_id}/events/callbacks"
Handle = Callable[[Account, Request], Response]


class CallbacksApi:
    """HTTP for the callbacks of an account."""

    def __init__(self, world: World, access: Access) -> None:
        self._world, self._access = world, access

    def routes(self) -> list[Route]:
        """The events API."""
        one = f"{_BASE}/{{id}}"
        return [
            self._route("GET", _BASE, self._list),
            self._route("POST", _BASE, self._register),
            self._route("GET", one, self._get),
            self._route("PUT", one, self._update),
            self._route("DELETE", one, self._delete),
        ]

    def _route(self, method: str, path: str, handle: Handle) -> Route:
        def answer(request: Request) -> Response:
            # No scope of its own: any token may, each event is checked by its resource.
            caller = self._access.caller(request, "profile", "read")
            if caller.is_client:
                raise Problem(DENIED, "Permission Denied")
            headers, _ = self._access.rate_headers(f"events {caller.token.access}")
            response = handle(caller.account, request)
            response.headers.update(headers)
            return response

        return Route(method, path, guarded(self._world, answer))

    def _list(self, account: Account, request: Request) -> Response:
        wanted = read_search(request).get("event")
        matching = [
            callback
            for callback in account.callbacks.values()
            if wanted is None or wanted[-1] in (callback.event, noun_of(callback.event))
        ]
        page = read_page(request, self._world.switches)
        rows = [self.render(callback) for callback in page.cut(matching)]
        return _result({"callbacks": rows, **page.envelope(len(matching))})

    def _register(self, account: Account, request: Request) -> Response:
        data = read_wrapped(request.body, "callback")
        event, uri = data.get("event"), data.get("uri")
        self._check(event, uri)
        self._check_scope(request, str(event))
        callback = Callback(
            id=self._world.next_id(account, "callback"),
            event=str(event),
            uri=str(uri),
            verifier=self._world.word(32),
            updated_at=self._world.now(),
        )
        account.callbacks[callback.id] = callback
        return self._shown(callback, send_handshake(self._world, account, callback))

    def _get(self, account: Account, request: Request) -> Response:
        return self._shown(self._callback(account, request))

    def _update(self, account: Account, request: Request) -> Response:
        callback = self._callback(account, request)
        data = read_wrapped(request.body, "callback")
        if "verifier" in data:
            self._verify(callback, data["verifier"])
            return self._shown(callback)
        if data.get("resend"):
            if self._world.switches["resend_verifier"] == "new":
                callback.verifier = self._world.word(32)
            return self._shown(callback, send_handshake(self._world, account, callback))
        return self._retarget(account, callback, data, request)

    def _retarget(
        self, account: Account, callback: Callback, data: Mapping[str, Any], request: Request
    ) -> Response:
        event, uri = data.get("event", callback.event), data.get("uri", callback.uri)
        self._check(event, uri)
        self._check_scope(request, event)
        if (event, uri) == (callback.event, callback.uri):
            return self._shown(callback)
        callback.event, callback.uri = event, uri
        callback.verified, callback.updated_at = False, self._world.now()
        return self._shown(callback, send_handshake(self._world, account, callback))

    def _delete(self, account: Account, request: Request) -> Response:
        del account.callbacks[self._callback(account, request).id]
        return Response(204)

    def _verify(self, callback: Callback, verifier: Any) -> None:
        given = verifier if isinstance(verifier, str) else ""
        if not hmac.compare_digest(given.encode(), callback.verifier.encode()):
            raise Problem(INVALID, "verifier: Value error, Verifier does not match.")
        callback.verified, callback.failures = True, 0
        callback.updated_at = self._world.now()

    def _check(self, event: Any, uri: Any) -> None:
        errors = []
        bare = self._world.switches["bare_noun_events"] == "accepted" and event in SCOPE_OF_NOUN
        if event not in EVENTS and not bare:
            errors.append("event: Value error, Unrecognized event.")
        parts = urlsplit(uri) if isinstance(uri, str) else None
        if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
            errors.append("uri: Input should be a valid URL, relative URL without a base")
        if errors:
            raise Problem(INVALID, "; ".join(errors))

    def _check_scope(self, request: Request, event: str) -> None:
        scope = scope_of(SCOPE_OF_NOUN[noun_of(event)], "read")
        if scope not in self._access.token(request).scopes:
            raise Problem(DENIED, "The access token lacks the required scope.")

    def _callback(self, account: Account, request: Request) -> Callback:
        text = request.params["id"]
        callback = account.callbacks.get(int(text)) if re.fullmatch(r"\d{1,18}", text) else None
        if callback is None:
            raise Problem(UNKNOWN, "Requested resource could not be found.")
        return callback

    def _shown(self, callback: Callback, handshake: Ticket | None = None) -> Response:
        waiting = self._world.switches["handshake_arrival"] == "before_answer"
        return _result({"callback": self.render(callback)}, handshake if waiting else None)

    def render(self, callback: Callback) -> dict[str, Any]:
        """The callback as the API shows it: without its verifier."""
        iso = self._world.switches["callback_updated_at"] == "iso_utc"
        return {
            "callbackid": callback.id,
            "verified": callback.verified,
            "uri": callback.uri,
            "event": callback.event,
            "updated_at": (iso_text if iso else eastern_text)(callback.updated_at),
        }


def _result(result: dict[str, Any], after: Ticket | None = None) -> Response:
    return Response(200, {"response": {"result": result}}, after=after)
