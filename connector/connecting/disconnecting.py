"""Disconnecting: webhooks taken back, the grant returned, credentials destroyed.

What was synced stays, and so does the memory of which business and account a tenant belonged to: a
later reconnect must be to the same ones. Only a tenant that never was live may start over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db.models import F

from audit.recording import Cause, record
from connector.clients import freshbooks_oauth
from connector.connecting.freshbooks_callbacks import unregister_freshbooks_callbacks
from connector.connecting.stripe_endpoint import unregister_stripe_endpoint
from connector.errors import ConnectorError
from tenants.models import (
    ConnectionState,
    FreshBooksCallback,
    FreshBooksConnection,
    FreshBooksGrant,
    StripeConnection,
    Tenant,
)
from tenants.scope import every_tenant, tenant_scope

log = logging.getLogger(__name__)


def disconnect(tenant_id: int, *, cause: Cause) -> list[str]:
    """Disconnect both sides and stop the tenant's work; answer what a vendor did not take back.

    Credentials are destroyed here even if a vendor does not answer.
    """
    with tenant_scope(tenant_id):
        Tenant.objects.filter(pk=tenant_id).update(
            state=Tenant.State.DISCONNECTED, epoch=F("epoch") + 1
        )
    left = disconnect_freshbooks(tenant_id, cause=cause)
    return [*left, *disconnect_stripe(tenant_id, cause=cause)]


def disconnect_freshbooks(tenant_id: int, *, cause: Cause) -> list[str]:
    """Take callbacks back and return the grant, unless another tenant still needs it."""
    with tenant_scope(tenant_id):
        connection = FreshBooksConnection.objects.select_related("grant").first()
    if connection is None or connection.state == ConnectionState.DISCONNECTED:
        return []
    left = _try("FreshBooks callbacks", lambda: unregister_freshbooks_callbacks(tenant_id))
    grant = connection.grant
    with every_tenant():
        shared = (
            FreshBooksConnection.objects.filter(grant=grant)
            .exclude(tenant_id=tenant_id)
            .exclude(state=ConnectionState.DISCONNECTED)
            .exists()
        )
    if not shared and grant.access_token:
        oauth = freshbooks_oauth(tenant_id)
        left += _try("FreshBooks grant", lambda: oauth.revoke(token=grant.access_token))
    with every_tenant():
        if not shared:
            _destroy_tokens(grant)
        FreshBooksCallback.objects.filter(tenant_id=tenant_id).delete()
        _let_go(connection)
        record(
            tenant_id=tenant_id,
            action="freshbooks.disconnected",
            entity=f"freshbooks_account:{connection.account_id}",
            cause=cause,
            details={"left": left, "grant_shared": shared},
        )
    return left


def disconnect_stripe(tenant_id: int, *, cause: Cause) -> list[str]:
    """Take the endpoint back and forget the key. The key itself is revoked in Stripe, by its owner."""
    with tenant_scope(tenant_id):
        connection = StripeConnection.objects.first()
    if connection is None or connection.state == ConnectionState.DISCONNECTED:
        return []
    left = _try("Stripe webhook endpoint", lambda: unregister_stripe_endpoint(tenant_id))
    with tenant_scope(tenant_id):
        connection.refresh_from_db()
        connection.api_key = connection.endpoint_secret = ""
        connection.endpoint_id = connection.endpoint_token_digest = ""
        connection.save()
        _let_go(connection)
        record(
            tenant_id=tenant_id,
            action="stripe.disconnected",
            entity=f"stripe_account:{connection.account_id}",
            cause=cause,
            details={"left": left},
        )
    return left


def _let_go(connection: FreshBooksConnection | StripeConnection) -> None:
    """Keep the row as a memory, unless the tenant never was live. Running work stops calling."""
    Tenant.objects.filter(pk=connection.tenant_id).update(epoch=F("epoch") + 1)
    if connection.tenant.live_at is None:
        connection.delete()
    else:
        connection.state = ConnectionState.DISCONNECTED
        connection.save(update_fields=["state"])


def _destroy_tokens(grant: FreshBooksGrant) -> None:
    grant.refresh_from_db()
    grant.access_token = grant.refresh_token = ""
    grant.generation += 1
    grant.save()


def _try(what: str, take_back: Callable[[], object]) -> list[str]:
    try:
        take_back()
    except ConnectorError as error:
        log.warning("%s could not be taken back: %s", what, error.message)
        return [f"{what}: {error.message}"]
    return []
