"""The accounting API: one shape for clients, invoices, payments, credit notes and taxes."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.core.vendor import Handler, Request, Response, Route
from sandbox.freshbooks.access import Access, Caller
from sandbox.freshbooks.invoices import Invoices
from sandbox.freshbooks.listing import find_rows, read_includes, read_page
from sandbox.freshbooks.problems import (
    INVALID,
    MALFORMED,
    REQUIRED,
    Problem,
    denied,
    not_found,
    render_problem,
)
from sandbox.freshbooks.resource import Resource
from sandbox.freshbooks.world import World


def read_json(body: bytes) -> Any:
    """The body as JSON; numbers with a point as Decimal. Errno 1005 if it is none."""
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise Problem(MALFORMED, str(error)) from error


def read_wrapped(body: bytes, wrapper: str) -> Mapping[str, Any]:
    """The object under the wrapper key."""
    data = read_json(body)
    if not isinstance(data, dict):
        raise Problem(MALFORMED, "Expecting a JSON object.")
    if wrapper not in data:
        raise Problem(REQUIRED, f"The {wrapper} object is required.", field=wrapper, thing=wrapper)
    inner = data[wrapper]
    if not isinstance(inner, dict):
        raise Problem(INVALID, f"The {wrapper} must be an object.", field=wrapper, thing=wrapper)
    return inner


def guarded(world: World, handle: Handler) -> Handler:
    """Answer a Problem in the words of the family."""

    def guard(request: Request) -> Response:
        try:
            return handle(request)
        except Problem as problem:
            return render_problem(problem, request, world.switches)

    return guard


class AccountingApi:
    """HTTP for all resources of an account."""

    def __init__(self, world: World, access: Access, resources: list[Resource[Any]]) -> None:
        self._world, self._access, self._resources = world, access, resources

    def routes(self) -> list[Route]:
        """List and get for all, create and update for the writable ones."""
        routes: list[Route] = []
        for resource in self._resources:
            base = f"/accounting/account/{{account_id}}/{resource.path}"
            one = f"{base}/{{id}}"
            routes.append(self._route("GET", base, resource, self._list))
            routes.append(self._route("GET", one, resource, self._get))
            if resource.writable:
                routes.append(self._route("POST", base, resource, self._create))
                routes.append(self._route("PUT", one, resource, self._update))
            if isinstance(resource, Invoices):
                routes.append(self._route("DELETE", one, resource, self._delete))
                link = f"{one}/share_link"
                routes.append(self._route("GET", link, resource, self._share_link))
        return routes

    def _route(
        self,
        method: str,
        path: str,
        resource: Resource[Any],
        handle: Callable[[Any, Caller, Request], dict[str, Any]],
    ) -> Route:
        verb = "read" if method == "GET" else "write"

        def answer(request: Request) -> Response:
            caller = self._access.caller(request, resource.scope, verb)
            return Response(200, {"response": handle(resource, caller, request)})

        return Route(method, path, guarded(self._world, answer))

    def _list(self, resource: Resource[Any], caller: Caller, request: Request) -> dict[str, Any]:
        page = read_page(request, self._world.switches)
        matching = find_rows(resource, caller.account, request, self._world.switches)
        readable = (
            [row for row in matching if self._may_read(resource, caller, row)]
            if caller.is_client
            else matching
        )
        includes = read_includes(request)
        shown = [resource.render(caller.account, row, includes) for row in page.cut(readable)]
        counting_all = self._world.switches["total_counts"] == "all_rows"
        total = len(resource.rows(caller.account)) if counting_all else len(readable)
        return {"result": {resource.plural: shown, **page.envelope(total)}}

    def _get(self, resource: Resource[Any], caller: Caller, request: Request) -> dict[str, Any]:
        return self._one(resource, caller, self._row(resource, caller, request), request)

    def _create(self, resource: Resource[Any], caller: Caller, request: Request) -> dict[str, Any]:
        row = resource.create(caller.account, read_wrapped(request.body, resource.singular))
        return self._one(resource, caller, row, request)

    def _update(self, resource: Resource[Any], caller: Caller, request: Request) -> dict[str, Any]:
        row = self._row(resource, caller, request)
        resource.update(caller.account, row, read_wrapped(request.body, resource.singular))
        return self._one(resource, caller, row, request)

    def _delete(self, resource: Invoices, caller: Caller, request: Request) -> dict[str, Any]:
        resource.delete(caller.account, self._row(resource, caller, request))
        return {}

    def _share_link(self, resource: Invoices, caller: Caller, request: Request) -> dict[str, Any]:
        invoice = self._row(resource, caller, request)
        if dict(request.query).get("share_method") != "share_link":
            raise Problem(INVALID, "Invalid share_method.", field="share_method", thing="invoice")
        return {"result": {"share_link": resource.share_link(caller.account, invoice)}}

    def _one(
        self, resource: Resource[Any], caller: Caller, row: Any, request: Request
    ) -> dict[str, Any]:
        shown = resource.render(caller.account, row, read_includes(request))
        return {"result": {resource.singular: shown}}

    def _row(self, resource: Resource[Any], caller: Caller, request: Request) -> Any:
        text = request.params["id"]
        row = resource.rows(caller.account).get(int(text)) if _is_id(text) else None
        if row is None:
            raise not_found(resource.thing, resource.id_field, text)
        if not self._may_read(resource, caller, row):
            raise denied()
        return row

    def _may_read(self, resource: Resource[Any], caller: Caller, row: Any) -> bool:
        if not caller.is_client:
            return True
        client = caller.account.clients.get(resource.client_of(row) or 0)
        return client is not None and client.fields["email"] == caller.identity.email


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
