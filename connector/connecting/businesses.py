"""Choosing which business of a FreshBooks login belongs to a tenant, and confirming it.

An account belongs to one tenant, and a tenant that is connected to one business is never connected
to another: its links and figures would mix two sets of books.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.recording import Cause, record
from connector.connecting.refusals import ConnectRefused, ended_attempt
from connector.grants import GRANT_CODES
from connector.jobs import ledger
from connector.jobs.kinds import PING, REGISTER_WEBHOOKS
from tenants.models import ConnectionState, FreshBooksConnection, OAuthState, Tenant
from tenants.scope import every_tenant

CHOICE_LIFE = timedelta(minutes=30)
CLIENT_ROLE = "client"


@dataclass(frozen=True, kw_only=True)
class OfferedBusiness:
    """One business of the login; `obstacle` says why it cannot be connected, "" if it can."""

    business_id: int
    account_id: str
    name: str
    role: str
    obstacle: str


@dataclass(frozen=True, kw_only=True)
class BusinessChoice:
    """What the person confirms: this tenant and one of these businesses."""

    attempt_id: int
    tenant_id: int
    tenant_name: str
    login: str
    businesses: tuple[OfferedBusiness, ...]
    return_to: str

    @property
    def possible(self) -> tuple[OfferedBusiness, ...]:
        """The businesses that can be connected."""
        return tuple(business for business in self.businesses if not business.obstacle)


def open_choice(attempt_id: int, *, session_key: str) -> BusinessChoice:
    """The choice that this browser session still has to make. Raises ConnectRefused if none."""
    with every_tenant():
        return choice_of(_open_attempt(attempt_id, session_key))


def choice_of(attempt: OAuthState) -> BusinessChoice:
    """What an attempt offers. Inside a scope that shows its tenant."""
    connected = FreshBooksConnection.objects.filter(tenant_id=attempt.tenant_id).first()
    return BusinessChoice(
        attempt_id=attempt.pk,
        tenant_id=attempt.tenant_id,
        tenant_name=attempt.tenant.name,
        login=attempt.grant.email if attempt.grant else "",
        businesses=tuple(_offer(business, connected) for business in attempt.offered),
        return_to=attempt.return_to,
    )


def choose_business(attempt_id: int, business_id: int, *, session_key: str) -> FreshBooksConnection:
    """Connect the tenant of this attempt to one of the businesses that it offers.

    Raises: ConnectRefused, also when the business belongs to another tenant, whose trail then
        shows that somebody tried.
    """
    try:
        with every_tenant():
            attempt = _open_attempt(attempt_id, session_key)
            business = _chosen(choice_of(attempt), business_id)
            owner = FreshBooksConnection.objects.filter(account_id=business.account_id).first()
            if owner is None or owner.tenant_id == attempt.tenant_id:
                return _connect(attempt, business)
            _tell_owner(owner)
    except IntegrityError as error:  # another tenant got it in this very moment
        raise _taken() from error
    raise _taken()


def _open_attempt(attempt_id: int, session_key: str) -> OAuthState:
    attempt: OAuthState | None = (
        OAuthState.objects.select_for_update(of=("self",))
        .select_related("tenant", "grant")
        .filter(pk=attempt_id, used_at__gt=timezone.now() - CHOICE_LIFE)
        .first()
    )
    if attempt is None or attempt.grant is None or attempt.chosen_at is not None:
        raise ended_attempt()
    if not hmac.compare_digest(attempt.session_digest, session_digest(session_key)):
        raise ended_attempt()
    return attempt


def _offer(business: dict[str, Any], connected: FreshBooksConnection | None) -> OfferedBusiness:
    obstacle = ""
    if not business["account_id"]:
        obstacle = "This business has no accounting in FreshBooks."
    elif business["role"] == CLIENT_ROLE:
        obstacle = "You are only a client of this business. Its owner must connect it."
    elif connected and connected.account_id != business["account_id"]:
        obstacle = f"This tenant belongs to {connected.business_name}."
    return OfferedBusiness(**business, obstacle=obstacle)


def _chosen(choice: BusinessChoice, business_id: int) -> OfferedBusiness:
    for business in choice.businesses:
        if business.business_id == business_id:
            if business.obstacle:
                raise ConnectRefused(
                    f"{business.name} was not connected. {business.obstacle}",
                    code="business_refused",
                    next_step="Connect the business that this tenant was set up with, or ask for "
                    "a tenant of its own for the other one.",
                )
            return business
    raise ended_attempt()


def _connect(attempt: OAuthState, business: OfferedBusiness) -> FreshBooksConnection:
    cause = Cause(attempt.started_by, "chose this business", uuid.uuid4())
    connection: FreshBooksConnection
    with transaction.atomic():
        connection, is_new = FreshBooksConnection.objects.update_or_create(
            tenant_id=attempt.tenant_id,
            defaults={
                "grant": attempt.grant,
                "account_id": business.account_id,
                "business_id": business.business_id,
                "business_name": business.name[:200],
                "state": ConnectionState.CONNECTED,
            },
        )
    attempt.chosen_at = timezone.now()
    attempt.save(update_fields=["chosen_at"])
    released = sum(ledger.release_held(attempt.tenant_id, code=code) for code in GRANT_CODES)
    if attempt.tenant.state == Tenant.State.LIVE:
        for kind in (REGISTER_WEBHOOKS, PING):
            ledger.enqueue(tenant_id=attempt.tenant_id, kind=kind, cause=cause)
    record(
        tenant_id=attempt.tenant_id,
        action="freshbooks.connected" if is_new else "freshbooks.reconnected",
        entity=f"freshbooks_account:{business.account_id}",
        cause=cause,
        details={"business": business.name, "role": business.role, "released_jobs": released},
    )
    return connection


def _tell_owner(owner: FreshBooksConnection) -> None:
    record(
        tenant_id=owner.tenant_id,
        action="freshbooks.second_connection_refused",
        entity=f"freshbooks_account:{owner.account_id}",
        cause=Cause("connector", "another tenant tried to connect this business", uuid.uuid4()),
        details={},
    )


def _taken() -> ConnectRefused:
    return ConnectRefused(
        "This business is already connected to another tenant.",
        code="business_taken",
        next_step="Use the tenant that it is connected to, or disconnect it there first.",
    )


def session_digest(session_key: str) -> str:
    """What ties an attempt to a browser session without storing the session's key again."""
    return hashlib.sha256(f"connect:{session_key}".encode()).hexdigest()
