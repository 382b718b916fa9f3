"""Ping: try, on both sides and without changing anything, all that the work needs.

Each line is one permission or one registration, with what to do if it is missing. The lines are
kept with the connections, so that a page can show the last check without calling anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict

from django.utils import timezone

from connector.clients import freshbooks_client, stripe_client
from connector.connecting.freshbooks_callbacks import find_silent_events
from connector.connecting.lines import WEBHOOK, PingLine, Side
from connector.connecting.oauth import SCOPES
from connector.connecting.stripe import permission_lines
from connector.connecting.stripe_endpoint import find_stripe_endpoint
from connector.errors import ConnectorError, VendorRateLimited
from connector.sync.own_collector import remember_own_gateway
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.stripe.client import StripeAccountClient
from tenants.models import FreshBooksConnection, StripeConnection, Tenant
from tenants.scope import tenant_scope

RECONNECT = "Connect FreshBooks again and allow everything that is asked for."
REGISTER = "Register webhooks again on the tenant's page. Until then polling finds changes."


def ping(tenant_id: int) -> list[PingLine]:
    """Check both sides; a side that is down or not connected gives one line that says so.

    Raises: VendorRateLimited when the tenant's call budget is used up: then ask again later.
    """
    freshbooks, stripe = list(_freshbooks(tenant_id)), list(_stripe(tenant_id))
    now = timezone.now()
    with tenant_scope(tenant_id):
        FreshBooksConnection.objects.update(
            last_ping=[asdict(line) for line in freshbooks], last_ping_at=now
        )
        StripeConnection.objects.update(
            last_ping=[asdict(line) for line in stripe], last_ping_at=now
        )
    return [*freshbooks, *stripe]


def _freshbooks(tenant_id: int) -> Iterator[PingLine]:
    try:
        client = freshbooks_client(tenant_id)
    except ConnectorError as error:
        yield _failed("freshbooks", "Connection", error)
        return
    yield _tried("freshbooks", "Clients: read", lambda: _first_clients(client))
    yield _tried("freshbooks", "Invoices: read", lambda: _first_invoices(client))
    yield _tried("freshbooks", "Payments: read", lambda: _first_payments(client))
    yield from _scopes(tenant_id)
    yield _tried("freshbooks", "Own payment gateway", lambda: _gateway(client, tenant_id))
    if _is_live(tenant_id):
        yield _callbacks(client, tenant_id)


def _first_clients(client: FreshBooksAccountClient) -> str:
    return f"{client.list_clients(page=1).total} clients"


def _first_invoices(client: FreshBooksAccountClient) -> str:
    return f"{client.list_invoices(page=1).total} invoices"


def _first_payments(client: FreshBooksAccountClient) -> str:
    return f"{client.list_payments(page=1).total} payments"


def _gateway(client: FreshBooksAccountClient, tenant_id: int) -> str:
    """Not a failure, but a person should know: two pay buttons could collect one invoice twice."""
    names = remember_own_gateway(tenant_id, client.gateway())
    if not names:
        return "none: only Stripe invoices collect"
    return (
        f"{names} also collects: where an invoice shows both pay buttons, it may be paid "
        "twice. Turn FreshBooks' own online payments off for invoices that Stripe collects here."
    )


def _scopes(tenant_id: int) -> Iterator[PingLine]:
    """Writing payments cannot be tried without writing one; the grant tells whether we may."""
    with tenant_scope(tenant_id):
        granted = FreshBooksConnection.objects.select_related("grant").get().grant.scopes.split()
    for scope in (scope for scope in SCOPES if granted):
        if scope.endswith(":write") or scope not in granted:
            ok = scope in granted
            yield PingLine(
                side="freshbooks",
                what=f"Scope {scope}",
                ok=ok,
                message="granted" if ok else "not granted",
                next_step="" if ok else RECONNECT,
            )


def _callbacks(client: FreshBooksAccountClient, tenant_id: int) -> PingLine:
    def check() -> str:
        silent = find_silent_events(client, tenant_id)
        if silent:
            raise _Missing(f"no working webhook for {', '.join(silent)}")
        return "all events"

    return _tried("freshbooks", "Webhooks", check)


def _stripe(tenant_id: int) -> Iterator[PingLine]:
    try:
        client = stripe_client(tenant_id)
        with tenant_scope(tenant_id):
            connection = StripeConnection.objects.get()
    except ConnectorError as error:
        yield _failed("stripe", "Connection", error)
        return
    yield _tried("stripe", "Account", lambda: _account(client, connection))
    yield from permission_lines(client.probe_permissions())
    if _is_live(tenant_id):
        yield _tried("stripe", WEBHOOK, lambda: _endpoint(client, connection))


def _account(client: StripeAccountClient, connection: StripeConnection) -> str:
    found = client.account().account_id
    if found != connection.account_id:
        raise _Missing(f"the key now belongs to {found or 'an account it may not name'}")
    return f"{connection} ({found})"


def _endpoint(client: StripeAccountClient, connection: StripeConnection) -> str:
    endpoint = find_stripe_endpoint(client, connection)
    if endpoint is None:
        raise _Missing("no working endpoint in this Stripe account")
    return f"{len(endpoint.enabled_events)} kinds of event"


class _Missing(ConnectorError):
    """A check worked and found something missing."""


def _tried(side: Side, what: str, check: Callable[[], str]) -> PingLine:
    try:
        return PingLine(side=side, what=what, ok=True, message=check())
    except _Missing as missing:
        return PingLine(side=side, what=what, ok=False, message=missing.message, next_step=REGISTER)
    except VendorRateLimited:
        raise  # says nothing about the connection
    except ConnectorError as error:
        return _failed(side, what, error)


def _failed(side: Side, what: str, error: ConnectorError) -> PingLine:
    return PingLine(
        side=side,
        what=what,
        ok=False,
        message=error.message,
        next_step=error.next_step or "Try again in a minute; if it stays, ask the operator.",
    )


def _is_live(tenant_id: int) -> bool:
    """Webhooks are registered when a tenant goes live, so before that none are missing."""
    return Tenant.objects.get(pk=tenant_id).is_live
