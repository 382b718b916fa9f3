"""Turns a simulated vendor into a web application: faults, then record, then handler."""

import asyncio
import contextlib
import json
import sys
import traceback
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler as AiohttpHandler
from aiohttp.typedefs import Middleware

from sandbox.core.control import PREFIX, Controls, add_control_routes
from sandbox.core.faults import Fault
from sandbox.core.vendor import (
    ActRefused,
    ErrorKind,
    Handler,
    Request,
    Response,
    Route,
    VendorSimulator,
)

__all__ = [
    "ActRefused",
    "Controls",
    "Request",
    "Response",
    "Route",
    "VendorSimulator",
    "build_vendor_app",
]

HANG_S = 30.0
HOLD_S = 5.0
MAX_BODY_BYTES = 8 * 1024 * 1024
NOT_EXECUTED: dict[str, ErrorKind] = {
    "status_500": "status_500",
    "status_429": "status_429",
    "error_200": "error_200",
}


def build_vendor_app(controls: Controls) -> web.Application:
    """One application with the vendor's own routes and the control API."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[_unknown_routes(controls)])
    for route in controls.vendor.routes():
        app.router.add_route(route.method, route.path, _serve(controls, route))
    add_control_routes(app, controls)

    async def close(_app: web.Application) -> None:
        await controls.webhooks.close()

    app.on_cleanup.append(close)
    return app


def _serve(controls: Controls, route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(raw: web.Request) -> web.Response:
        request = await _decode(raw, route.path)
        fault = controls.faults.for_request(request.method, request.path)
        if fault is None:
            return await _answer(controls, request, route.handler)
        return await _answer_with_fault(controls, request, route.handler, fault, raw)

    return handle


async def _answer_with_fault(
    controls: Controls, request: Request, handler: Handler, fault: Fault, raw: web.Request
) -> web.Response:
    if fault.kind in NOT_EXECUTED:
        response = controls.vendor.error_response(NOT_EXECUTED[fault.kind], request)
        controls.recorder.record(controls.vendor.name, request, response.status)
        return _encode(response)
    if fault.kind == "slow":
        # A vendor may want to know of requests that are being executed for a while.
        under_way = getattr(controls.vendor, "under_way", _unnoticed)
        with under_way(request):
            await asyncio.sleep(fault.delay_s)
        return await _answer(controls, request, handler)
    if fault.kind != "timeout_before":
        _execute(controls, request, handler)
    controls.recorder.record(controls.vendor.name, request, None)
    if fault.kind != "reset_after":
        await _hang(raw)
    if raw.transport is not None:
        raw.transport.abort()
    return web.Response()  # nobody is there to read it


def _unnoticed(_request: Request) -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


async def _answer(controls: Controls, request: Request, handler: Handler) -> web.Response:
    response = _execute(controls, request, handler)
    controls.answers.look(request, response)
    controls.recorder.record(controls.vendor.name, request, response.status)
    if response.after is not None:
        await _first_try(response)
    return _encode(response)


async def _first_try(response: Response) -> None:
    assert response.after is not None  # noqa: S101 - for the type checker
    try:
        await asyncio.wait_for(response.after.tried.wait(), HOLD_S)
    except TimeoutError:
        return


def _execute(controls: Controls, request: Request, handler: Handler) -> Response:
    try:
        return handler(request)
    # A broken simulator must not look like a broken network: say so loudly, answer 500.
    except Exception:  # noqa: BLE001
        traceback.print_exc(file=sys.stderr)
        return controls.vendor.error_response("status_500", request)


async def _hang(raw: web.Request) -> None:
    """Until the client leaves, or HANG_S at most."""
    for _ in range(int(HANG_S / 0.1)):
        if raw.transport is None or raw.transport.is_closing():
            return
        await asyncio.sleep(0.1)


def _unknown_routes(controls: Controls) -> Middleware:
    """Answer what matches no route in the vendor's own words."""

    @web.middleware
    async def middleware(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
            if request.path.startswith(PREFIX):
                raise
            decoded = await _decode(request, "(unknown)")
            response = controls.vendor.error_response("no_such_route", decoded)
            controls.answers.look(decoded, response)
            controls.recorder.record(controls.vendor.name, decoded, response.status)
            return _encode(response)

    return middleware


async def _decode(raw: web.Request, route: str) -> Request:
    return Request(
        method=raw.method,
        path=raw.path,
        route=route,
        params=dict(raw.match_info),
        query=list(raw.query.items()),
        headers=raw.headers,
        body=await raw.read(),
    )


def _encode(response: Response) -> web.Response:
    body = response.body
    if isinstance(body, dict | list):
        body = json.dumps(body)
    payload = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": response.content_type, **response.headers}
    if response.content_type.startswith("text/"):
        headers["Content-Type"] = f"{response.content_type}; charset=utf-8"
    return web.Response(status=response.status, body=payload, headers=headers)
