"""Both vendors in this process: the sandbox's own simulators, reached without a socket.

Requests of the product go out through its one HTTP door and the `requests` package as always; only
the transport below is ours. Whatever may happen to a request under way is decided by `around`.
"""

from __future__ import annotations

import io
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from chaos.deterministic.post import PostBox
from connector.vendors import http
from sandbox.core.clock import Clock
from sandbox.core.control import Controls
from sandbox.core.faults import FaultList
from sandbox.core.recording import Recorder, noted
from sandbox.core.vendor import ActRefused, Request, Response, Route, VendorSimulator
from sandbox.freshbooks.simulator import FreshBooksSimulator
from sandbox.stripe.simulator import StripeSimulator
from tests.sandbox import driving

# Nothing listens there: a request that takes another way than ours fails at once.
FRESHBOOKS_URL = "http://127.0.0.1:2"
STRIPE_URL = "http://127.0.0.1:3"

Execute = Callable[[], Response]


class Surroundings(Protocol):
    """Whoever may interfere with requests under way."""

    @property
    def around(self) -> Callable[[Request, Execute], Response]:
        """Given a request and a way to execute it: answer, or raise as a network would."""


@dataclass(frozen=True)
class InProcess(driving.FreshBooks):
    """One simulator, driven by people as in all other tests, but without HTTP."""

    controls: Controls
    box: PostBox
    clock: Clock
    acts: list[dict[str, Any]] = field(default_factory=list)
    """What people did, oldest first."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """The record of all requests, as the sandbox writes it."""

    def act(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Do what a person does. Raises ActRefused where the vendor would not let them."""
        result = self.controls.act({"do": do, **arguments})
        self.acts.append(
            {"at": time.time(), "vendor": self.controls.vendor.name, "do": do, **arguments}
        )
        return result

    def state(self) -> dict[str, Any]:
        """The whole book, as the control API shows it."""
        book: dict[str, Any] = json.loads(json.dumps(self.controls.vendor.state(), default=str))
        return book

    def switch(self, **answers: str) -> None:
        """Answer open questions differently."""
        self.controls.set_switches(answers)

    def calls(self) -> dict[str, Any]:
        """Counts of calls."""
        return self.controls.calls()


@dataclass
class Vendors:
    """Both of them, with empty books."""

    freshbooks: InProcess
    stripe: InProcess

    def boxes(self) -> tuple[PostBox, PostBox]:
        """Where their webhooks lie."""
        return self.freshbooks.box, self.stripe.box


def new_vendors(seed: int) -> Vendors:
    """Both vendors with dice of the seed's own."""
    freshbooks = _vendor(FreshBooksSimulator, FRESHBOOKS_URL, seed)
    return Vendors(freshbooks, _vendor(StripeSimulator, STRIPE_URL, seed))


def _vendor(make: Callable[..., VendorSimulator], url: str, seed: int) -> InProcess:
    clock, faults = Clock(), FaultList(random.Random(f"{seed} {url} faults"))
    box = PostBox(clock, faults)
    vendor = make(clock, box, random.Random(f"{seed} {url}"))
    vendor.base_url = url
    return InProcess(url, Controls(vendor, clock, faults, box, Recorder()), box, clock)


class Transport(BaseAdapter):
    """Carries the requests of one session to a simulator in this process."""

    def __init__(self, vendor: InProcess, surroundings: Surroundings | None) -> None:
        super().__init__()
        self._controls, self._record = vendor.controls, vendor.requests
        self._surroundings = surroundings
        self._routes = [(r, _pattern(r.path)) for r in vendor.controls.vendor.routes()]

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        """One exchange."""
        route, params = self._route(str(request.method), urlsplit(str(request.url)).path)
        asked = _decoded(request, route, params)
        status = None
        try:
            answer = self._answer(asked, route)
            status = answer.status
        finally:
            self._record.append(noted(self._controls.vendor.name, asked, status))
        return _encoded(request, answer)

    def _answer(self, asked: Request, route: Route | None) -> Response:
        if self._surroundings is None:
            return self._execute(asked, route)
        return self._surroundings.around(asked, lambda: self._execute(asked, route))

    def close(self) -> None:
        """Nothing to close."""

    def _route(self, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        for route, pattern in self._routes:
            if route.method == method and (found := pattern.fullmatch(path)):
                return route, {name: unquote(text) for name, text in found.groupdict().items()}
        return None, {}

    def _execute(self, asked: Request, route: Route | None) -> Response:
        vendor = self._controls.vendor
        answer = (
            route.handler(asked)
            if route is not None
            else vendor.error_response("no_such_route", asked)
        )
        self._controls.recorder.record(vendor.name, asked, answer.status)
        return answer


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", path)
    text = "".join(
        re.escape(part) if number % 2 == 0 else f"(?P<{part}>[^/]+)"
        for number, part in enumerate(parts)
    )
    return re.compile(text)


def _decoded(
    request: requests.PreparedRequest, route: Route | None, params: dict[str, str]
) -> Request:
    parts = urlsplit(str(request.url))
    body = request.body or b""
    return Request(
        method=str(request.method),
        path=unquote(parts.path),
        route=route.path if route else "(unknown)",
        params=params,
        query=parse_qsl(parts.query, keep_blank_values=True),
        headers=request.headers,
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def _encoded(request: requests.PreparedRequest, answer: Response) -> requests.Response:
    body = answer.body
    text = json.dumps(body) if isinstance(body, dict | list) else body
    payload = text.encode() if isinstance(text, str) else text
    headers: Mapping[str, str] = {"Content-Type": answer.content_type, **answer.headers}
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(headers)
    response.request, response.url = request, str(request.url)
    response.raw = urllib3.HTTPResponse(
        io.BytesIO(payload), headers=headers, status=answer.status, preload_content=False
    )
    return response


@contextmanager
def reachable(vendors: Vendors, surroundings: Surroundings) -> Iterator[None]:
    """Inside the block the product reaches these vendors, and people's browsers do as well."""
    real = http.new_session
    mounts = {
        vendor.url: Transport(vendor, surroundings)
        for vendor in (vendors.freshbooks, vendors.stripe)
    }

    def new_session(base_url: str) -> requests.Session:
        session = real(base_url)
        for url, transport in mounts.items():
            session.mount(url, transport)
        return session

    http.new_session = new_session
    for vendor in (vendors.freshbooks, vendors.stripe):
        driving.HTTP.mount(vendor.url, Transport(vendor, None))
    try:
        yield
    finally:
        http.new_session = real
        for vendor in (vendors.freshbooks, vendors.stripe):
            driving.HTTP.adapters.pop(vendor.url)


__all__ = ["ActRefused", "InProcess", "Vendors", "new_vendors", "reachable"]
