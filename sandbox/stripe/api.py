"""The door of the API: key, version, idempotency, permission, parameters, work, answer."""

import json
from dataclasses import dataclass, field

from sandbox.core.vendor import Request, Response
from sandbox.core.windows import Windows
from sandbox.stripe import idempotency, keys
from sandbox.stripe.book import Account, ApiKey, StoredAnswer
from sandbox.stripe.context import Context
from sandbox.stripe.errors import InvalidParametersError, StripeRefusedError
from sandbox.stripe.forms import Node, decode_body, decode_pairs
from sandbox.stripe.lists import page
from sandbox.stripe.operation import Answer, Call, Listing, Operation
from sandbox.stripe.params import check_parameters
from sandbox.stripe.render import expanded, render
from sandbox.stripe.spec import parameters_of, pinned_version, webhook_versions
from sandbox.stripe.types import Obj
from sandbox.stripe.world import World

TOO_MANY = (
    "Request rate limit exceeded. You can learn more about rate limits here "
    "https://stripe.com/docs/rate-limits."
)
BROKEN = (
    "Sorry! There was an error while talking to one of our backends. Support has been notified."
)


@dataclass
class Visit:
    """One request on its way through the door."""

    request: Request
    request_id: str
    headers: dict[str, str] = field(default_factory=dict)
    account: Account | None = None

    def answer(self, status: int, body: str) -> Response:
        """Give the HTTP answer with the headers every answer carries."""
        headers = {"Request-Id": self.request_id, "Stripe-Version": pinned_version()}
        return Response(status, body, headers | self.headers)

    def refusal(self, error: StripeRefusedError) -> Response:
        """Give the answer for a refusal."""
        return self.answer(error.status, written(error.body(self.request_id)))


def written(body: Obj) -> str:
    """Write an answer. (Without indentation: that would take ten times as long.)"""
    return json.dumps(body)


class Api:
    """Answers API requests on the accounts of a world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.windows = Windows()

    def answer(self, request: Request, operation: Operation) -> Response:
        """Answer one request."""
        visit = Visit(request, self._world.ids.make("req"))
        try:
            account, key = keys.find_account(
                self._world.accounts.values(), keys.key_of(request.headers)
            )
            visit.account = account
            self._limit(visit, account, operation)
            self._check_version(request)
            return self._once(visit, operation, account, key)
        except StripeRefusedError as error:
            return visit.refusal(error)

    def _limit(self, visit: Visit, account: Account, operation: Operation) -> None:
        """Refuse a call too many in one second, to the account or to this endpoint (switches)."""
        whose = f"{account.id} {account.livemode}"
        for switch, key, reason in (
            (
                "endpoint_rate_limit",
                f"{whose} {operation.method} {operation.path}",
                "endpoint-rate",
            ),
            ("rate_limit", whose, "global-rate"),
        ):
            limit, _, _ = self._world.switches[switch].partition("_")
            if not limit.isdigit():
                continue
            if self.windows.take(key, int(limit), 1.0, self._world.now())[0] < 0:
                visit.headers["Stripe-Rate-Limited-Reason"] = reason
                raise StripeRefusedError(TOO_MANY, status=429, code="rate_limit")

    def _check_version(self, request: Request) -> None:
        version = request.headers.get("Stripe-Version")
        if version is None:
            if self._world.switches["missing_version"] == "refused":
                raise InvalidParametersError("The Stripe-Version header is missing.")
            return
        if version == pinned_version():
            return
        if version in webhook_versions():
            text = f"This simulator speaks {pinned_version()} only, not {version}."
            raise InvalidParametersError(text)
        raise InvalidParametersError(f"Invalid Stripe API version: {version}")

    def _once(self, visit: Visit, operation: Operation, account: Account, key: ApiKey) -> Response:
        """Execute, or replay what was answered to the same idempotency key."""
        request = visit.request
        idempotency_key = idempotency.key_of(request.method, request.headers)
        self._world.run_due(account)
        ctx = self._world.context(account, visit.request_id, idempotency_key)
        if idempotency_key is None:
            return self._execute(visit, operation, ctx, key)[0]
        visit.headers["Idempotency-Key"] = idempotency_key
        print_ = idempotency.fingerprint(request.path, request.body)
        stored = idempotency.stored_answer(account, idempotency_key, print_, ctx.now)
        if stored is not None:
            visit.headers["Idempotent-Replayed"] = "true"
            return visit.answer(stored.status, stored.body)
        response, begun = self._execute(visit, operation, ctx, key)
        if begun:
            body = str(response.body)
            kept = StoredAnswer(print_, response.status, body, ctx.now)
            account.answers[idempotency_key] = kept
        return response

    def _execute(
        self, visit: Visit, operation: Operation, ctx: Context, key: ApiKey
    ) -> tuple[Response, bool]:
        """Give the answer, and whether execution began (only then is it kept)."""
        params = self._checked(visit, operation, ctx, key)
        expand = params.pop("expand", [])
        if visit.request.method == "POST" and ctx.account.broken_writes:
            return self._broken(visit, operation, ctx, params)
        try:
            found = operation.handler(ctx, Call(visit.request.params, params))
            shown = shape(ctx, found, params)
            body = written(expanded(ctx.account, shown, expand))
        except InvalidParametersError as error:
            return visit.refusal(error), False
        except StripeRefusedError as error:
            replays = self._world.switches["refused_request_replays"] == "yes"
            return visit.refusal(error), replays
        return visit.answer(200, body), True

    def _checked(self, visit: Visit, operation: Operation, ctx: Context, key: ApiKey) -> Obj:
        """Give the typed parameters. Permissions are checked first, as Stripe does."""
        request, switches = visit.request, self._world.switches
        for slug in keys.needed_permissions(operation, {}, switches):
            keys.check_permission(ctx.account, key, slug, switches)
        params = check_parameters(parameters_of(operation.method, operation.path), given(request))
        for slug in keys.needed_permissions(operation, params, switches):
            keys.check_permission(ctx.account, key, slug, switches)
        return params

    def _broken(
        self, visit: Visit, operation: Operation, ctx: Context, params: Obj
    ) -> tuple[Response, bool]:
        """Answer 500, before or after the work was done; such answers are kept, too."""
        if ctx.account.broken_writes.pop(0) == "after":
            try:
                operation.handler(ctx, Call(visit.request.params, params))
            except StripeRefusedError as error:
                return visit.refusal(error), True
        return visit.refusal(StripeRefusedError(BROKEN, status=500, kind="api_error")), True


def given(request: Request) -> dict[str, Node]:
    """Decode the parameters: the body of a POST, the query of anything else."""
    if request.method == "POST":
        kind = request.headers.get("Content-Type", "")
        if request.body and not kind.startswith("application/x-www-form-urlencoded"):
            raise InvalidParametersError(
                "Invalid request (check that your POST content type is "
                "application/x-www-form-urlencoded). If you have any questions, we can help at "
                "https://support.stripe.com/."
            )
        return decode_body(request.body)
    return decode_pairs(request.query)


def shape(ctx: Context, found: Answer, params: Obj) -> Obj:
    """Give an answer its JSON shape."""
    if isinstance(found, Listing):
        return page(ctx.account, found, params, found.url)
    return render(ctx.account, found) if "object" in found else found
