"""Connecting Stripe: is this a key we can use, whose is it, and what may it do?"""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.recording import Cause, record
from connector.clients import stripe_client_for_key
from connector.connecting.lines import FOR_FEES_AND_PAYOUTS, PingLine
from connector.connecting.refusals import ConnectRefused
from connector.errors import CredentialRejected
from connector.jobs import ledger
from connector.jobs.kinds import PING, REGISTER_WEBHOOKS
from connector.vendors.stripe.client import StripeAccountClient
from connector.vendors.stripe.records import PermissionCheck, StripeAccount
from tenants.models import ConnectionState, StripeConnection, Tenant
from tenants.scope import every_tenant

_KEY = re.compile(r"(sk|rk)_(live|test)_[A-Za-z0-9]{8,240}", re.ASCII)
WHERE = "In Stripe's dashboard: Developers, API keys."
# What a held job says when a key was missing or refused; a new key releases it.
KEY_CODES = ("stripe_not_connected", "stripe_key_rejected", "api_key_expired", "")


@dataclass(frozen=True, kw_only=True)
class StripeCheck:
    """What connecting found out: whose account, which mode, what the key may do."""

    connection: StripeConnection
    permissions: tuple[PingLine, ...]


def connect_stripe(tenant: Tenant, api_key: str, *, cause: Cause) -> StripeCheck:
    """Check a key and keep it for this tenant; a new key for the same account replaces the old.

    Raises: ConnectRefused with what to do; VendorUnavailable if Stripe does not answer.
    """
    api_key = checked_key(api_key)
    client = stripe_client_for_key(tenant.pk, api_key)
    livemode = _mode(client)
    account = _account(client, tenant, livemode=livemode)
    lines = permission_lines(client.probe_permissions())
    connection = _store(tenant, api_key, account, livemode=livemode, lines=lines, cause=cause)
    return StripeCheck(connection=connection, permissions=lines)


def checked_key(pasted: str) -> str:
    """The key without the blanks of copying, if it is of a usable kind."""
    key = "".join(pasted.split())
    if key.startswith("pk_"):
        raise _unusable(
            "That is the publishable key (pk_), which may not read or write anything.",
            f"Paste the secret key (sk_) or a restricted key (rk_). {WHERE}",
        )
    if key.startswith("whsec_"):
        raise _unusable(
            "That is the secret of a webhook, not an API key.",
            f"Paste the secret key (sk_) or a restricted key (rk_). {WHERE}",
        )
    if _KEY.fullmatch(key) is None:
        raise _unusable(
            "That is no Stripe key.",
            f"A key starts with sk_live_, sk_test_, rk_live_ or rk_test_. {WHERE}",
        )
    return key


def key_hint(api_key: str) -> str:
    """Enough to tell two keys apart, not enough to use one."""
    kind, mode, _ = api_key.split("_", 2)
    return f"{kind}_{mode}_…{api_key[-4:]}"


def permission_lines(checks: tuple[PermissionCheck, ...]) -> tuple[PingLine, ...]:
    """One line for each thing that the key must be able to do."""
    return tuple(
        PingLine(
            side="stripe",
            what=check.area,
            ok=check.ok,
            message=check.message,
            next_step="" if check.ok else _give(check.area),
        )
        for check in checks
    )


def _give(area: str) -> str:
    only = " Until then only fees and payouts are missing." if area in FOR_FEES_AND_PAYOUTS else ""
    return f"Give the key the permission “{area}” in Stripe.{only}"


def _mode(client: StripeAccountClient) -> bool:
    """Live or test, as Stripe says; a restricted key that may not read the balance says it itself."""
    try:
        return client.balance_mode()
    except CredentialRejected as error:
        if error.status == 403:
            return client.key_is_live
        raise _unusable(
            "Stripe does not accept this key.",
            f"Was it deleted or rolled, or is a part missing? Copy it again. {WHERE}",
        ) from error


def _account(client: StripeAccountClient, tenant: Tenant, *, livemode: bool) -> StripeAccount:
    """Whose key it is. Without the account's id two tenants could share one account unnoticed."""
    account = client.account()
    if not account.account_id:
        raise _unusable(
            "This restricted key may not say which account it belongs to.",
            "Add “Accounts: Read” (basic information) to the key in Stripe, then paste it again.",
        )
    with every_tenant():
        mine = StripeConnection.objects.filter(tenant_id=tenant.pk).first()
        owner = StripeConnection.objects.filter(account_id=account.account_id).first()
        if owner is not None and owner.tenant_id != tenant.pk:
            _tell_owner(owner)
            refusal: ConnectRefused | None = _taken()
        elif mine is not None and mine.account_id != account.account_id:
            refusal = _other_account(mine)
        elif mine is not None and mine.livemode != livemode and tenant.live_at is not None:
            refusal = _other_mode(mine)
        else:
            refusal = None
    if refusal is not None:
        raise refusal
    return account


def _store(
    tenant: Tenant,
    api_key: str,
    account: StripeAccount,
    *,
    livemode: bool,
    lines: tuple[PingLine, ...],
    cause: Cause,
) -> StripeConnection:
    try:
        with every_tenant():
            row = StripeConnection.objects.select_for_update().filter(tenant_id=tenant.pk).first()
            is_new = row is None
            row = row or StripeConnection(tenant=tenant, account_id=account.account_id)
            row.account_name = account.name[:200] or row.account_name
            row.country = account.country[:2] or row.country
            row.livemode = livemode
            row.api_key, row.api_key_hint = api_key, key_hint(api_key)
            row.state = ConnectionState.CONNECTED
            row.last_ping = [asdict(line) for line in lines]
            row.last_ping_at = timezone.now()
            with transaction.atomic():
                row.save()
            _go_on(tenant, row, is_new=is_new, cause=cause)
            return row
    except IntegrityError as error:  # another tenant got the account in this very moment
        raise _taken() from error


def _go_on(tenant: Tenant, row: StripeConnection, *, is_new: bool, cause: Cause) -> None:
    """Release what waited for a key, and write down who gave it."""
    released = sum(ledger.release_held(tenant.pk, code=code) for code in KEY_CODES)
    if tenant.state == Tenant.State.LIVE:
        for kind in (REGISTER_WEBHOOKS, PING):
            ledger.enqueue(tenant_id=tenant.pk, kind=kind, cause=cause)
    record(
        tenant_id=tenant.pk,
        action="stripe.connected" if is_new else "stripe.key_replaced",
        entity=f"stripe_account:{row.account_id}",
        cause=cause,
        details={
            "account": row.account_name,
            "livemode": row.livemode,
            "key": row.api_key_hint.partition("…")[2],
            "released_jobs": released,
        },
    )


def _tell_owner(owner: StripeConnection) -> None:
    record(
        tenant_id=owner.tenant_id,
        action="stripe.second_connection_refused",
        entity=f"stripe_account:{owner.account_id}",
        cause=Cause("connector", "another tenant tried to connect this account", uuid.uuid4()),
        details={},
    )


def _taken() -> ConnectRefused:
    return ConnectRefused(
        "This Stripe account is already connected to another tenant.",
        code="account_taken",
        next_step="Use the tenant that it is connected to, or disconnect it there first.",
    )


def _other_account(mine: StripeConnection) -> ConnectRefused:
    return ConnectRefused(
        f"This key belongs to another Stripe account than {mine}, which this tenant uses.",
        code="other_account",
        next_step=f"Paste a key of {mine}, or ask for a tenant of its own for the other account.",
    )


def _other_mode(mine: StripeConnection) -> ConnectRefused:
    used, given = ("live", "test") if mine.livemode else ("test", "live")
    return ConnectRefused(
        f"This is a {given} key, and this tenant works with {used} data, which is another world.",
        code="other_mode",
        next_step=f"Paste a key that contains _{used}_.",
    )


def _unusable(message: str, next_step: str) -> ConnectRefused:
    return ConnectRefused(message, vendor="stripe", code="unusable_key", next_step=next_step)
