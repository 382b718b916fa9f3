"""Builds the vendor clients of one tenant. Never cached: a client knows one tenant's credentials.

Credentials are read in a short scope of that tenant; the scope is closed before any call.
"""

from __future__ import annotations

import logging
import time
import uuid
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError

from audit.recording import Cause, record
from connector.errors import ConnectorError, CredentialRejected, FailureMode
from connector.grants import grant_lost_error
from connector.limits.gate import VendorGate
from connector.tokens import GrantTokens
from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.freshbooks.oauth import FreshBooksOAuth, OAuthApp
from connector.vendors.gate import CallReport
from connector.vendors.stripe.client import StripeAccountClient
from tenants.models import ConnectionState, FreshBooksConnection, StripeConnection, Tenant
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0


def freshbooks_client(tenant_id: int) -> FreshBooksAccountClient:
    """A client of the tenant's FreshBooks account.

    Raises: GrantLost if it must be connected again; CredentialRejected if it is not connected.
    """
    with tenant_scope(tenant_id):
        connection = FreshBooksConnection.objects.select_related("tenant", "grant").first()
    return freshbooks_client_of(connection)


def freshbooks_client_of(connection: FreshBooksConnection | None) -> FreshBooksAccountClient:
    """The same, for a connection that was just read with its tenant and its grant."""
    if connection is None or connection.state == ConnectionState.DISCONNECTED:
        raise _not_connected("freshbooks", "FreshBooks")
    if connection.state == ConnectionState.NEEDS_REAUTH:
        raise grant_lost_error()
    gate = WatchedGate(connection.tenant_id, epoch=connection.tenant.epoch)
    oauth = freshbooks_oauth(connection.tenant_id)
    return FreshBooksAccountClient(
        base_url=settings.FRESHBOOKS_API_BASE,
        account_id=connection.account_id,
        tokens=GrantTokens(connection.grant_id, oauth=oauth, just_read=connection.grant),
        gate=gate,
    )


def freshbooks_oauth(tenant_id: int) -> FreshBooksOAuth:
    """OAuth calls to FreshBooks, counted against this tenant's budget."""
    return FreshBooksOAuth(
        app=OAuthApp(
            client_id=settings.FRESHBOOKS_CLIENT_ID,
            client_secret=settings.FRESHBOOKS_CLIENT_SECRET,
            redirect_uri=f"{settings.PUBLIC_BASE_URL}/oauth/freshbooks/callback",
            auth_base=settings.FRESHBOOKS_AUTH_BASE,
            api_base=settings.FRESHBOOKS_API_BASE,
        ),
        gate=VendorGate(tenant_id),
    )


def stripe_client(tenant_id: int) -> StripeAccountClient:
    """A client of the tenant's Stripe account. Raises CredentialRejected if there is no valid key."""
    with tenant_scope(tenant_id):
        connection = StripeConnection.objects.select_related("tenant").first()
    return stripe_client_of(connection)


def stripe_client_of(connection: StripeConnection | None) -> StripeAccountClient:
    """The same, for a connection that was just read with its tenant."""
    api_key = connection.api_key if connection else ""
    if connection is None or connection.state == ConnectionState.DISCONNECTED or not api_key:
        raise _not_connected("stripe", "Stripe")
    if connection.state == ConnectionState.NEEDS_REAUTH:
        raise CredentialRejected(
            "Stripe no longer accepts the tenant's key.",
            vendor="stripe",
            code="stripe_key_rejected",
            next_step="Paste a new Stripe key; waiting work then goes on by itself.",
        )
    gate = StoredKeyGate(
        connection.tenant_id, livemode=_is_live(api_key), epoch=connection.tenant.epoch
    )
    return stripe_client_for_key(connection.tenant_id, api_key, gate=gate)


def stripe_client_for_key(
    tenant_id: int, api_key: str, *, gate: VendorGate | None = None
) -> StripeAccountClient:
    """A client for a key that may not be stored yet."""
    return StripeAccountClient(
        base_url=settings.STRIPE_API_BASE,
        api_key=api_key,
        gate=gate or VendorGate(tenant_id, livemode=_is_live(api_key)),
    )


def _is_live(api_key: str) -> bool:
    """Whether the key is of the live mode, which has a higher rate."""
    return api_key[2:].startswith("_live_")


class TenantChanged(ConnectorError):
    """The tenant was paused, disconnected or erased while this work ran: it begins anew, or waits."""

    failure_mode = FailureMode.TRANSIENT


class WatchedGate(VendorGate):
    """Stops a client that was built before its tenant was paused, disconnected or erased."""

    def __init__(self, tenant_id: int, *, epoch: int, livemode: bool = True) -> None:
        super().__init__(tenant_id, livemode=livemode)
        self._epoch = epoch
        self._look_at = time.monotonic() + LOOK_EVERY_S

    def before(self, vendor: str, operation: str) -> None:
        """Look every other second whether the tenant is still as it was, then take from the budget."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY_S
            if (
                Tenant.objects.values_list("epoch", flat=True).get(pk=self._tenant_id)
                != self._epoch
            ):
                raise TenantChanged(
                    "The tenant was paused, disconnected or erased meanwhile.",
                    code="tenant_changed",
                    next_step="Nothing to do: the work waits until the tenant is live again.",
                )
        super().before(vendor, operation)


class StoredKeyGate(WatchedGate):
    """Notices when Stripe no longer accepts the stored key: no further call is made with it."""

    def after(self, call: CallReport) -> None:
        """Count the call; after a 401 a person must paste a new key."""
        super().after(call)
        if call.status != HTTPStatus.UNAUTHORIZED:
            return
        try:
            _mark_key_rejected(self._tenant_id, call)
        except DatabaseError:
            log.warning("a rejected Stripe key was not marked", exc_info=True)


def _mark_key_rejected(tenant_id: int, call: CallReport) -> None:
    with tenant_scope(tenant_id):
        marked = StripeConnection.objects.filter(state=ConnectionState.CONNECTED).update(
            state=ConnectionState.NEEDS_REAUTH
        )
        if marked:
            record(
                tenant_id=tenant_id,
                action="stripe.key_rejected",
                entity=f"tenant:{tenant_id}",
                cause=Cause("worker", "Stripe refused the key", uuid.uuid4()),
                details={"operation": call.operation, "request_id": call.request_id},
            )


def _not_connected(vendor: str, name: str) -> CredentialRejected:
    return CredentialRejected(
        f"{name} is not connected.",
        vendor=vendor,
        code=f"{vendor}_not_connected",
        next_step=f"Connect {name} on the tenant's connection page.",
    )
