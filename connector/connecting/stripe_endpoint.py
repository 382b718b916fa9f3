"""Our webhook endpoint in a tenant's Stripe account: one, pinned to our API version.

The URL is secret and only its digest is stored, so an endpoint that Stripe lists is recognised as
ours by its address and as the current one by the digest of its token.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.conf import settings

from audit.recording import Cause, record
from connector.clients import stripe_client
from connector.errors import VendorNotFound
from connector.vendors.stripe.client import StripeAccountClient
from connector.vendors.stripe.http import API_VERSION
from connector.vendors.stripe.records import StripeWebhookEndpoint
from connector.vendors.stripe.subscriptions import ENABLED_EVENTS
from tenants.models import StripeConnection, new_url_token, token_digest
from tenants.scope import tenant_scope

MAX_PAGES = 10  # Stripe allows 16 endpoints


def register_stripe_endpoint(tenant_id: int, *, cause: Cause, renew: bool = False) -> bool:
    """Make sure that exactly one endpoint of ours exists; whether a new one had to be made.

    A healthy one stays, unless `renew`. Otherwise a new one is made and saved before older ones are
    removed, so that no event falls between them.
    """
    client = stripe_client(tenant_id)
    with tenant_scope(tenant_id):
        connection = StripeConnection.objects.get()
    ours = list(_endpoints_of_ours(client))
    current = [row for row in ours if not renew and is_healthy(row, connection)]
    keep = current[0].id if current else _create(client, connection, cause=cause)
    for endpoint in ours:
        if endpoint.id != keep:
            _delete(client, endpoint.id)
    return not current


def unregister_stripe_endpoint(tenant_id: int) -> int:
    """Remove every endpoint of ours; answer how many there were."""
    client = stripe_client(tenant_id)
    ours = list(_endpoints_of_ours(client))
    for endpoint in ours:
        _delete(client, endpoint.id)
    with tenant_scope(tenant_id):
        connection = StripeConnection.objects.select_for_update().get()
        connection.endpoint_id = connection.endpoint_token_digest = ""
        connection.endpoint_secret = ""
        connection.save()
    return len(ours)


def find_stripe_endpoint(
    client: StripeAccountClient, connection: StripeConnection
) -> StripeWebhookEndpoint | None:
    """The endpoint that our row names, as Stripe sees it; None if it is gone or unfit."""
    for endpoint in _endpoints_of_ours(client):
        if is_healthy(endpoint, connection):
            return endpoint
    return None


def is_healthy(endpoint: StripeWebhookEndpoint, connection: StripeConnection) -> bool:
    """Switched on, complete, of our version, and its URL and secret are the ones we know."""
    return (
        endpoint.id == connection.endpoint_id
        and endpoint.status == "enabled"
        and endpoint.api_version == API_VERSION
        and set(endpoint.enabled_events) == set(ENABLED_EVENTS)
        and token_digest(_token_in(endpoint.url)) == connection.endpoint_token_digest
        and bool(connection.endpoint_secret)
    )


def _create(client: StripeAccountClient, connection: StripeConnection, *, cause: Cause) -> str:
    token = new_url_token()
    endpoint = client.create_webhook_endpoint(
        url=f"{_prefix()}{token}/",
        enabled_events=ENABLED_EVENTS,
        description="ml-connector: keeps FreshBooks invoices and payments in step",
        metadata={"ml_connector_tenant": str(connection.tenant_id)},
        idempotency_key=f"endpoint:{connection.tenant_id}:{uuid.uuid4()}",
    )
    with tenant_scope(connection.tenant_id):
        row = StripeConnection.objects.select_for_update().get()
        row.endpoint_id = endpoint.id
        row.endpoint_token_digest = token_digest(token)
        row.endpoint_secret = endpoint.secret
        row.save(update_fields=["endpoint_id", "endpoint_token_digest", "endpoint_secret_sealed"])
        record(
            tenant_id=connection.tenant_id,
            action="stripe.webhook_registered",
            entity=f"stripe_endpoint:{endpoint.id}",
            cause=cause,
            details={"events": len(ENABLED_EVENTS), "api_version": API_VERSION},
        )
    return endpoint.id


def _endpoints_of_ours(client: StripeAccountClient) -> Iterator[StripeWebhookEndpoint]:
    """Those below our address: other products' and other installations' are left alone."""
    cursor = ""
    for _ in range(MAX_PAGES):
        page = client.list_webhook_endpoints(cursor=cursor)
        yield from (row for row in page.rows if row.url.startswith(_prefix()))
        cursor = page.next_cursor
        if not cursor:
            return


def _delete(client: StripeAccountClient, endpoint_id: str) -> None:
    try:
        client.delete_webhook_endpoint(endpoint_id)
    except VendorNotFound:
        return  # somebody was quicker


def _prefix() -> str:
    return f"{settings.PUBLIC_BASE_URL}/webhooks/stripe/"


def _token_in(url: str) -> str:
    return url.removeprefix(_prefix()).strip("/")
