"""What follows for the tenants when a FreshBooks grant is lost or works again.

One grant may serve several tenants (one login, several businesses), so each change here spans
tenants: it opens a scope over all of them and writes to each one's own audit trail.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.utils import timezone

from audit.recording import Cause, record
from connector.errors import GrantLost
from connector.jobs import ledger
from tenants.models import ConnectionState, FreshBooksConnection, FreshBooksGrant
from tenants.scope import every_tenant

GRANT_LOST = "grant_lost"
INCIDENT_WINDOW = timedelta(minutes=10)
INCIDENT_LEAST = 5  # fewer refusals than this are people, whatever their share
INCIDENT_PERCENT = 5


def grant_lost_error() -> GrantLost:
    """What a job gets that needs a lost grant; the code is by which it is released later."""
    return GrantLost(
        "FreshBooks no longer accepts this connection.",
        vendor="freshbooks",
        code=GRANT_LOST,
        next_step="Connect FreshBooks again; waiting work then goes on by itself.",
    )


def mark_lost(grant: FreshBooksGrant, *, reason: str, cause: Cause) -> bool:
    """Say in one commit that people must connect again. False if somebody has refreshed meanwhile."""
    with every_tenant():
        now = timezone.now()
        marked = FreshBooksGrant.objects.filter(
            pk=grant.pk, generation=grant.generation, lost_at__isnull=True
        ).update(lost_at=now, lost_reason=reason[:300], refresh_lease_until=None)
        if not marked:
            return False
        connections = FreshBooksConnection.objects.filter(
            grant_id=grant.pk, state=ConnectionState.CONNECTED
        ).order_by("tenant_id")
        for connection in connections.select_for_update():
            connection.state = ConnectionState.NEEDS_REAUTH
            connection.save(update_fields=["state"])
            record(
                tenant_id=connection.tenant_id,
                action="freshbooks.connection_lost",
                entity=f"freshbooks_account:{connection.account_id}",
                cause=cause,
                details={"reason": reason},
            )
        return True


def restore_connections(
    grant: FreshBooksGrant, *, cause: Cause, account_ids: Collection[str] | None = None
) -> None:
    """Let tenants of a working grant go on: their held work becomes due.

    `account_ids` limits this to the businesses that the login can still reach.
    """
    with every_tenant():
        lost = FreshBooksConnection.objects.filter(
            grant_id=grant.pk, state=ConnectionState.NEEDS_REAUTH
        ).order_by("tenant_id")
        for connection in lost.select_for_update():
            if account_ids is not None and connection.account_id not in account_ids:
                continue
            connection.state = ConnectionState.CONNECTED
            connection.save(update_fields=["state"])
            released = ledger.release_held(connection.tenant_id, code=GRANT_LOST)
            record(
                tenant_id=connection.tenant_id,
                action="freshbooks.connection_restored",
                entity=f"freshbooks_account:{connection.account_id}",
                cause=cause,
                details={"released_jobs": released},
            )


def note_refusal(grant: FreshBooksGrant) -> None:
    """Remember when FreshBooks refused this refresh token, whatever comes of it."""
    FreshBooksGrant.objects.filter(pk=grant.pk).update(refused_at=timezone.now())


def is_incident() -> bool:
    """Whether FreshBooks refuses so many grants at once that the fault must be theirs.

    Then nobody is told to connect again; refreshing is tried later instead.
    """
    recent = FreshBooksGrant.objects.filter(
        refused_at__gte=timezone.now() - INCIDENT_WINDOW
    ).count()
    if recent < INCIDENT_LEAST:
        return False
    return recent * 100 > FreshBooksGrant.objects.count() * INCIDENT_PERCENT
