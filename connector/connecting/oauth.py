"""Connecting FreshBooks: to the consent page and back, safe against forged and foreign answers.

The state is 256 random bits, stored as a digest, spent on first use, good for ten minutes, and bound
to the browser session and the tenant. Which business is connected is decided afterwards, in
`businesses`; the grant itself belongs to the login, not to one tenant.
"""

from __future__ import annotations

import hmac
import re
import uuid
from dataclasses import asdict
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from audit.recording import Cause, record
from connector.clients import freshbooks_oauth
from connector.connecting.businesses import BusinessChoice, choice_of, session_digest
from connector.connecting.refusals import ConnectRefused, ended_attempt
from connector.errors import ConnectorError, CredentialRejected, GrantLost
from connector.grants import restore_connections
from connector.tokens import new_refresh_at
from connector.vendors.freshbooks.records import Identity, TokenPair
from tenants.models import FreshBooksGrant, OAuthState, Tenant, new_url_token, token_digest
from tenants.scope import every_tenant, tenant_scope

# The least that the work needs: nothing that could write a client or an invoice.
SCOPES = (
    "user:profile:read",
    "user:clients:read",
    "user:invoices:read",
    "user:payments:read",
    "user:payments:write",
    "user:online_payments:read",
)
STATE_LIFE = timedelta(minutes=10)
KEPT = timedelta(days=1)  # ended attempts, to look at when somebody asks for help
_RETURN_TO = re.compile(r"/(connect|admin)/[A-Za-z0-9_/-]*", re.ASCII)


def app_is_known() -> bool:
    """Whether the operator has put the app's id and secret into the settings."""
    return bool(settings.FRESHBOOKS_CLIENT_ID and settings.FRESHBOOKS_CLIENT_SECRET)


def begin_freshbooks(tenant: Tenant, *, session_key: str, user: str, return_to: str) -> str:
    """The address of FreshBooks' consent page for one attempt of one browser session.

    Raises: ConnectRefused while this service has no app at FreshBooks.
    """
    if not session_key or _RETURN_TO.fullmatch(return_to) is None:
        raise ValueError("an attempt needs a session and a page of ours to return to")
    if not app_is_known():
        raise _app_unknown().with_way_back(return_to)
    state, code_verifier = new_url_token(), new_url_token()
    attempt = OAuthState(
        tenant=tenant,
        state_digest=token_digest(state),
        session_digest=session_digest(session_key),
        started_by=user[:150],
        expires_at=timezone.now() + STATE_LIFE,
    )
    attempt.return_to, attempt.code_verifier = return_to, code_verifier
    with tenant_scope(tenant.pk):
        OAuthState.objects.filter(expires_at__lt=timezone.now() - KEPT).delete()
        attempt.save(force_insert=True)
    oauth = freshbooks_oauth(tenant.pk)
    return oauth.authorize_url(state=state, code_verifier=code_verifier, scopes=SCOPES)


def finish_freshbooks(state: str, code: str, session_key: str) -> BusinessChoice:
    """Turn the code into a grant, keep it, and say which businesses it reaches.

    Raises: ConnectRefused for a state that is not this session's own and fresh, a spent code, or
        when FreshBooks does not answer: then the person starts again.
    """
    attempt = _spend(state, session_key)
    try:
        pair, identity = _redeem(attempt, code)
    except ConnectRefused as refusal:
        raise refusal.with_way_back(attempt.return_to) from refusal.__cause__
    cause = Cause(attempt.started_by, "connecting FreshBooks", uuid.uuid4())
    grant = _keep_grant(identity, pair)
    restore_connections(
        grant, cause=cause, account_ids={business.account_id for business in identity.businesses}
    )
    with tenant_scope(attempt.tenant_id):
        attempt.grant = grant
        attempt.offered = [asdict(business) for business in identity.businesses]
        attempt.save(update_fields=["grant", "offered"])
        record(
            tenant_id=attempt.tenant_id,
            action="freshbooks.login_granted",
            entity=f"freshbooks_login:{identity.identity_id}",
            cause=cause,
            details={"businesses": len(identity.businesses), "scopes": pair.scopes},
        )
        return choice_of(attempt)


def refuse_freshbooks(state: str, error: str, session_key: str) -> ConnectRefused:
    """What to tell somebody who comes back from FreshBooks with a no. Spends the state."""
    attempt = _spend(state, session_key)
    said_no = error == "access_denied"
    with tenant_scope(attempt.tenant_id):
        record(
            tenant_id=attempt.tenant_id,
            action="freshbooks.consent_refused",
            entity=f"tenant:{attempt.tenant_id}",
            cause=Cause(attempt.started_by, "connecting FreshBooks", uuid.uuid4()),
            details={"error": error[:100]},
        )
    if said_no:
        refusal = ConnectRefused(
            "You did not allow access, so nothing was connected.",
            code="access_denied",
            next_step="If that was a slip, press Connect FreshBooks again and choose Allow.",
        )
    else:
        refusal = _app_refused()
    return refusal.with_way_back(attempt.return_to)


def _spend(state: str, session_key: str) -> OAuthState:
    """The attempt of this state, which cannot be used a second time, by nobody."""
    with every_tenant():
        attempt: OAuthState | None = (
            OAuthState.objects.select_for_update().filter(state_digest=token_digest(state)).first()
        )
        if (
            attempt is None
            or attempt.used_at is not None
            or attempt.expires_at <= timezone.now()
            or not hmac.compare_digest(attempt.session_digest, session_digest(session_key))
        ):
            raise ended_attempt()
        attempt.used_at = timezone.now()
        attempt.save(update_fields=["used_at"])
        return attempt


def _redeem(attempt: OAuthState, code: str) -> tuple[TokenPair, Identity]:
    """The tokens for the code, and whose they are. Every failure in words for the person."""
    oauth = freshbooks_oauth(attempt.tenant_id)
    try:
        pair = oauth.exchange_code(code=code, code_verifier=attempt.code_verifier)
        return pair, oauth.identity(access_token=pair.access_token)
    except GrantLost as error:
        raise ConnectRefused(
            "FreshBooks no longer accepts this sign-in.",
            code="code_spent",
            next_step="Press Connect FreshBooks again; a sign-in is good for a few minutes.",
        ) from error
    except CredentialRejected as error:
        raise _app_refused() from error
    except ConnectorError as error:
        raise ConnectRefused(
            "FreshBooks did not answer, so nothing was connected.",
            code="vendor_silent",
            next_step="Wait a minute, then press Connect FreshBooks again.",
        ) from error


def _app_unknown() -> ConnectRefused:
    return ConnectRefused(
        "FreshBooks cannot be connected now: this service is not registered there.",
        code="app_unknown",
        next_step="The operator of this service must set FRESHBOOKS_CLIENT_ID and "
        "FRESHBOOKS_CLIENT_SECRET and restart it. Then press Connect FreshBooks again.",
    )


def _app_refused() -> ConnectRefused:
    return ConnectRefused(
        "FreshBooks did not let this app in.",
        code="consent_failed",
        next_step="Tell the operator of this service: the app's client id, secret, scopes or "
        "address at FreshBooks are probably not right.",
    )


def _keep_grant(identity: Identity, pair: TokenPair) -> FreshBooksGrant:
    """One row per login: the new pair has killed the old one, so it takes its place everywhere."""
    now = timezone.now()
    with every_tenant():
        new = FreshBooksGrant(
            identity_id=identity.identity_id, generation=0, expires_at=now, refresh_at=now
        )
        FreshBooksGrant.objects.bulk_create([new], ignore_conflicts=True)
        grant = FreshBooksGrant.objects.select_for_update().get(identity_id=identity.identity_id)
        grant.email = identity.email[:320]
        grant.access_token, grant.refresh_token = pair.access_token, pair.refresh_token
        grant.scopes = " ".join(pair.scopes)
        grant.expires_at = pair.expires_at
        grant.refresh_at = new_refresh_at(now, pair.expires_at)
        grant.refreshed_at = now
        grant.generation += 1
        grant.refresh_lease_until = grant.refused_at = grant.lost_at = None
        grant.lost_reason = ""
        grant.save()
        return grant
