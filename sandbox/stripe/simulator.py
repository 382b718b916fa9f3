"""Stripe, simulated: what the core serves."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.core.clock import Clock
from sandbox.core.vendor import ActRefused, ErrorKind, Request, Response, Route
from sandbox.core.webhooks import WebhookSender
from sandbox.stripe import idempotency, keys
from sandbox.stripe.acts import ACTS
from sandbox.stripe.api import TOO_MANY, Api, Visit
from sandbox.stripe.book import Account
from sandbox.stripe.errors import StripeRefusedError
from sandbox.stripe.operation import Operation
from sandbox.stripe.pages import Pages
from sandbox.stripe.resources.registry import OPERATIONS
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World

TICK_S = 0.5


class StripeSimulator:
    """One process full of Stripe accounts."""

    name = "stripe"

    def __init__(self, clock: Clock, webhooks: WebhookSender, source: random.Random) -> None:
        self.world = World(clock, webhooks, source)
        self._api = Api(self.world)
        self._pages = Pages(self.world)
        self._ticking = False

    @property
    def base_url(self) -> str:
        """Where this simulator is reached; links in answers begin with it."""
        return self.world.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self.world.base_url = url

    def routes(self) -> list[Route]:
        """Every API operation and the pages for people."""
        api = [Route(o.method, o.path, self._handler(o)) for o in OPERATIONS]
        return api + self._pages.routes()

    def _handler(self, operation: Operation) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            self._start_ticking()
            return self._api.answer(request, operation)

        return handle

    def _start_ticking(self) -> None:
        """Have alarms go off without a request, once a loop is there."""
        if self._ticking:
            return
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().call_later(TICK_S, self._tick)
            self._ticking = True

    def _tick(self) -> None:
        self._ticking = False
        self.world.run_all_due()
        self._start_ticking()

    def state(self) -> Obj:
        """Every account with all it holds."""
        self.world.run_all_due()
        return {"accounts": [account.describe() for account in self.world.accounts.values()]}

    def reset(self) -> None:
        """Forget every account."""
        self.world.reset()
        self._api.windows.reset()

    def act(self, action: Obj) -> Obj:
        """Do what a person or a bank does."""
        self._start_ticking()
        verb = ACTS.get(str(action.get("do")))
        if verb is None:
            raise ActRefused(f"unknown verb {action.get('do')!r}; there are {sorted(ACTS)}")
        try:
            return verb(self.world, {k: v for k, v in action.items() if k != "do"})
        except StripeRefusedError as error:
            raise ActRefused(error.message) from error
        except (KeyError, TypeError, ValueError) as error:
            text = f"bad or missing argument of {action['do']}: {error!r}"
            raise ActRefused(text) from error

    def switches(self) -> dict[str, str]:
        """Every open question and today's answer."""
        return self.world.switches.current()

    def set_switches(self, answers: dict[str, str]) -> None:
        """Change answers."""
        self.world.switches.set(answers)

    def error_response(self, kind: ErrorKind, request: Request) -> Response:
        """Say in Stripe's words what the core decided."""
        visit = Visit(request, self.world.ids.make("req"))
        if kind == "error_200":
            page = "<html><body><h1>Bad gateway</h1></body></html>"
            return Response(200, page, {"Request-Id": visit.request_id}, "text/html")
        if kind == "status_429":
            return self._limited(visit)
        if kind == "no_such_route":
            text = (
                f"Unrecognized request URL ({request.method}: {request.path}). Please see "
                "https://stripe.com/docs or we can help at https://support.stripe.com/."
            )
            return visit.refusal(StripeRefusedError(text, status=404))
        text = "An unknown error occurred"
        return visit.refusal(StripeRefusedError(text, status=500, kind="api_error"))

    def _limited(self, visit: Visit) -> Response:
        """Say that there were too many requests, or that an object is locked (a switch)."""
        if self.world.switches["status_429"] == "lock_timeout":
            text = (
                "This object cannot be accessed right now because another API request or Stripe "
                "process is currently accessing it. If you see this error intermittently, retry "
                "the request."
            )
            locked = StripeRefusedError(text, status=429, code="lock_timeout")
            return visit.refusal(locked)
        visit.headers["Stripe-Rate-Limited-Reason"] = "global-rate"
        return visit.refusal(StripeRefusedError(TOO_MANY, status=429, code="rate_limit"))

    @contextmanager
    def under_way(self, request: Request) -> Iterator[None]:
        """Count a request as running while the core holds it back (fault `slow`)."""
        account, key = self._marked(request)
        if account is None or key is None or key in account.running:
            yield
            return
        account.running.add(key)
        try:
            yield
        finally:
            account.running.discard(key)

    def _marked(self, request: Request) -> tuple[Account | None, str | None]:
        """Give the account and the idempotency key of a request that has both."""
        try:
            key = idempotency.key_of(request.method, request.headers)
            secret = keys.key_of(request.headers)
            return keys.find_account(self.world.accounts.values(), secret)[0], key
        except StripeRefusedError:
            return None, None
