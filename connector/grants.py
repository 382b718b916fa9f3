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
from connector.vendors.freshbooks.tokens import REFUSED_AGAIN
from tenants.models import ConnectionState, FreshBooksConnection, FreshBooksGrant
from tenants.scope import every_tenant

GRANT_LOST = "grant_lost"
GRANT_CODES = (GRANT_LOST, REFUSED_AGAIN)  # what waits to be connected again
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
            _record(connection, "freshbooks.connection_lost", cause, reason=reason)
        return True


def restore_connections(
    grant: FreshBooksGrant, *, cause: Cause, account_ids: Collection[str] | None = None
) -> None:
    """Let tenants of a working grant go on: their held work becomes due.

    `account_ids`: somebody signed in, and this login can reach these businesses; of their tenants also
    that goes on for which even a new token was refused.
    """
    signed_in = account_ids is not None
    states = [ConnectionState.NEEDS_REAUTH, *([ConnectionState.CONNECTED] if signed_in else [])]
    with every_tenant():
        waiting = FreshBooksConnection.objects.filter(grant_id=grant.pk, state__in=states)
        for connection in waiting.order_by("tenant_id").select_for_update():
            if account_ids is None or connection.account_id in account_ids:
                _restore(connection, GRANT_CODES if signed_in else (GRANT_LOST,), cause)


def _restore(connection: FreshBooksConnection, codes: Collection[str], cause: Cause) -> None:
    was_lost = connection.state == ConnectionState.NEEDS_REAUTH
    connection.state = ConnectionState.CONNECTED
    connection.save(update_fields=["state"])
    released = sum(ledger.release_held(connection.tenant_id, code=code) for code in codes)
    if was_lost or released:
        _record(connection, "freshbooks.connection_restored", cause, released_jobs=released)


def _record(connection: FreshBooksConnection, action: str, cause: Cause, **details: object) -> None:
    record(
        tenant_id=connection.tenant_id,
        action=action,
        entity=f"freshbooks_account:{connection.account_id}",
        cause=cause,
        details=details,
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
