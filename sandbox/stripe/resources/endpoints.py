"""Webhook endpoints and the list of events."""

from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from sandbox.stripe.context import Context, merge_metadata, or_null
from sandbox.stripe.errors import refuse
from sandbox.stripe.lists import newest_first
from sandbox.stripe.operation import Call, Listing, Operation, listing, retrieve
from sandbox.stripe.types import Obj

MAX_ENDPOINTS = 16
MAX_TYPES = 20
EVENTS_KEPT_S = 30 * 86_400


def check_url(ctx: Context, url: str) -> None:
    """Refuse what is no web address; a live one must be https."""
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise refuse("Not a valid URL", param="url", code="url_invalid")
    if ctx.account.livemode and scheme != "https":
        message = "Invalid URL: URL must be HTTPS in live mode"
        raise refuse(message, param="url", code="url_invalid")


def check_events(params: Obj) -> None:
    """Refuse an empty list of events."""
    if "enabled_events" in params and not params["enabled_events"]:
        message = "You must specify at least one event."
        raise refuse(message, param="enabled_events", code="parameter_missing")


def create(ctx: Context, call: Call) -> Obj:
    """POST /v1/webhook_endpoints: the only answer that carries the secret."""
    params = call.params
    check_url(ctx, params["url"])
    check_events(params)
    if len(ctx.account.table("webhook_endpoint")) >= MAX_ENDPOINTS:
        mode = "live" if ctx.account.livemode else "test"
        raise refuse(f"You have reached the maximum of {MAX_ENDPOINTS} {mode} webhook endpoints.")
    endpoint = ctx.account.add(
        {
            "id": ctx.ids.make("we"),
            "object": "webhook_endpoint",
            "api_version": params.get("api_version"),
            "application": None,
            "created": ctx.now,
            "description": or_null(params.get("description")),
            "enabled_events": list(params["enabled_events"]),
            "livemode": ctx.account.livemode,
            "metadata": {},
            "status": "enabled",
            "url": params["url"],
            "_secret": f"whsec_{ctx.ids.token(32)}",
        }
    )
    merge_metadata(endpoint, params)
    shown = {key: value for key, value in endpoint.items() if key[0] != "_"}
    return {**shown, "secret": endpoint["_secret"]}


def named(ctx: Context, call: Call) -> Obj:
    """Give the endpoint named in the path."""
    endpoint_id = call.path["webhook_endpoint"]
    return ctx.get("webhook_endpoint", endpoint_id, param="webhook_endpoint", in_path=True)


def update(ctx: Context, call: Call) -> Obj:
    """POST /v1/webhook_endpoints/{webhook_endpoint}."""
    endpoint = named(ctx, call)
    check_events(call.params)
    if "url" in call.params:
        check_url(ctx, call.params["url"])
        endpoint["url"] = call.params["url"]
    if "enabled_events" in call.params:
        endpoint["enabled_events"] = list(call.params["enabled_events"])
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    if "description" in call.params:
        endpoint["description"] = or_null(call.params["description"])
    merge_metadata(endpoint, call.params)
    return endpoint


def delete(ctx: Context, call: Call) -> Obj:
    """DELETE /v1/webhook_endpoints/{webhook_endpoint}."""
    endpoint = named(ctx, call)
    ctx.account.drop(endpoint)
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def list_events(ctx: Context, call: Call) -> Listing:
    """GET /v1/events: the last 30 days."""
    kind, kinds = call.get("type"), call.get("types")
    if kind and kinds:
        message = "You may only specify one of these parameters: type, types."
        raise refuse(message, param="type")
    if kinds and len(kinds) > MAX_TYPES:
        raise refuse(f"You can specify up to {MAX_TYPES} event types.", param="types")
    success = call.get("delivery_success")

    def matches(row: Obj) -> bool:
        return (
            row["created"] >= ctx.now - EVENTS_KEPT_S
            and (not kind or fnmatchcase(row["type"], kind))
            and (not kinds or row["type"] in kinds)
            and success in (None, not row["_undelivered"])
        )

    return Listing(newest_first(ctx.account, "event"), "/v1/events", matches)


ALL = "/v1/webhook_endpoints"
ONE = f"{ALL}/{{webhook_endpoint}}"
KIND = "webhook_endpoint"
OPERATIONS = [
    Operation("POST", ALL, create, KIND),
    Operation("GET", ALL, listing(KIND, ALL), KIND),
    Operation("GET", ONE, retrieve(KIND, KIND), KIND),
    Operation("POST", ONE, update, KIND),
    Operation("DELETE", ONE, delete, KIND),
    Operation("GET", "/v1/events", list_events, "event"),
    Operation("GET", "/v1/events/{id}", retrieve("event", "id"), "event"),
]
