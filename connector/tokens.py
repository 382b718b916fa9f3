"""FreshBooks access tokens: refreshed ahead of time, by one worker at a time, lost only for good
reason (ADR 5).

A refresh token works once, and a new pair kills the old one. So the right to refresh is a lease on
the grant's row, whose commit also proves that the database can be written; the new pair is sealed
onto the disk as the first act after the answer, then saved in a commit of its own, and only if
nobody else has changed the grant meanwhile. No vendor is called inside a transaction.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from copy import copy
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from audit.recording import Cause
from connector import token_spool
from connector.errors import (
    ConnectorError,
    GrantLost,
    OutcomeUnknown,
    VendorUnavailable,
)
from connector.grants import (
    grant_lost_error,
    is_incident,
    mark_lost,
    note_refusal,
    restore_connections,
)
from connector.undisturbed import undisturbed
from connector.vendors.freshbooks.oauth import FreshBooksOAuth
from connector.vendors.freshbooks.records import TokenPair
from connector.vendors.freshbooks.tokens import AccessToken, AccessTokenRejected
from tenants.models import FreshBooksGrant

log = logging.getLogger(__name__)

EXPIRY_MARGIN = timedelta(seconds=60)  # a token that dies under way is no token
REFRESH_SHARE = (0.50, 0.75)  # of a token's life; spread, so that tenants do not refresh at once
LEASE = timedelta(seconds=30)  # longer than one call can take
COOL_DOWN = timedelta(seconds=5)  # after a failure nobody hammers the token endpoint
LOSER_RETRY_S = 1.0
INCIDENT_RETRY_S = 60.0
SAVE_TRIES = 20
FRESH_S = 2.0  # how long a grant that was read is believed; a rejected token is looked up at once
SAVE_PAUSE_S = 0.5  # the new pair exists in this process only: saving it is worth waiting for


class GrantTokens:
    """The tokens of one grant. Implements `connector.vendors.freshbooks.tokens.TokenSource`.

    `just_read` is the grant's row, if the caller has it.
    """

    def __init__(
        self, grant_id: int, *, oauth: FreshBooksOAuth, just_read: FreshBooksGrant | None = None
    ) -> None:
        self._grant_id = grant_id
        self._oauth = oauth
        self._known, self._known_at = just_read, time.monotonic()
        self._cause = Cause("worker", "token refresh", uuid.uuid4())

    def current(self) -> AccessToken:
        """The token to use now; a refresh that is due happens here.

        Raises: GrantLost; VendorUnavailable while another worker refreshes an expired token.
        """
        fresh = time.monotonic() - self._known_at < FRESH_S
        grant = self._usable(self._known) if self._known and fresh else self._read()
        now = timezone.now()
        if now < grant.refresh_at:
            return _token_of(grant)
        if now >= grant.expires_at - EXPIRY_MARGIN:
            return self._refreshed(grant, probe=False)
        try:
            return self._refreshed(grant, probe=True)
        except GrantLost:
            raise
        except ConnectorError as error:
            log.warning(
                "a FreshBooks token could not be refreshed ahead of time: %s", error.message
            )
            return _token_of(grant)  # it lives; whoever comes after the cool-down tries again

    def after_rejection(self, rejected: AccessToken) -> AccessToken:
        """A token newer than the rejected one; another worker may have fetched it already."""
        grant = self._read()
        self._known = None
        if grant.generation != rejected.generation:
            return _token_of(grant)
        return self._refreshed(grant, probe=False)

    def _read(self) -> FreshBooksGrant:
        grant: FreshBooksGrant = FreshBooksGrant.objects.get(pk=self._grant_id)
        self._known, self._known_at = grant, time.monotonic()
        return self._usable(grant)

    def _usable(self, grant: FreshBooksGrant) -> FreshBooksGrant:
        if grant.lost_at is not None and (pair := token_spool.find(grant)) is not None:
            return save_pair(grant, pair, cause=self._cause)
        if grant.lost_at is not None or not grant.refresh_token:
            raise grant_lost_error()
        return grant

    def _refreshed(self, grant: FreshBooksGrant, *, probe: bool) -> AccessToken:
        """Refresh, if this worker gets the lease. `probe`: the old access token still has life."""
        if not _take_lease(grant):
            return self._newer_than(grant)
        try:
            pair = token_spool.find(grant) or self._new_pair(grant, probe=probe)
        except GrantLost as error:
            return self._after_refusal(grant, error)
        except ConnectorError:
            _cool_down(grant)
            raise
        self._known = None
        return _token_of(save_pair(grant, pair, cause=self._cause))

    def _newer_than(self, grant: FreshBooksGrant) -> AccessToken:
        """What another worker's refresh brought, if it is there already."""
        newer = self._read()
        if newer.generation != grant.generation:
            return _token_of(newer)
        raise VendorUnavailable(
            "The FreshBooks token is being refreshed by another worker.",
            vendor="freshbooks",
            code="token_refreshing",
            retry_after_s=LOSER_RETRY_S,
        )

    def _new_pair(self, grant: FreshBooksGrant, *, probe: bool) -> TokenPair:
        """Ask for a new pair, once more if the answer was lost, then ask if the old one still works.

        Raises: GrantLost; VendorUnavailable if nothing is certain yet: the next try will tell,
            for a pair that was rotated away answers invalid_grant.
        """
        for _ in range(2):
            try:
                with undisturbed():
                    pair = self._oauth.refresh(refresh_token=grant.refresh_token)
                    token_spool.keep(grant, pair)
                return pair
            except OutcomeUnknown:
                if not _extend_lease(grant):
                    raise GrantLost("another worker has spent it", vendor="freshbooks") from None
        if probe:
            self._probe(grant)
        raise VendorUnavailable(
            "FreshBooks did not answer whether it refreshed the token.",
            vendor="freshbooks",
            code="token_refresh_unknown",
            retry_after_s=COOL_DOWN.total_seconds(),
        )

    def _probe(self, grant: FreshBooksGrant) -> None:
        """An access token that should live and does not: the pair was rotated, its answer lost."""
        try:
            self._oauth.identity(access_token=grant.access_token)
        except AccessTokenRejected as error:
            raise GrantLost(
                "the answer to a token refresh was lost, and the old token no longer works",
                vendor="freshbooks",
            ) from error

    def _after_refusal(self, grant: FreshBooksGrant, error: GrantLost) -> AccessToken:
        """The pair is dead. Perhaps because somebody else has a newer one."""
        newer = self._read()
        if newer.generation != grant.generation:
            return _token_of(newer)
        note_refusal(grant)
        if is_incident():
            _cool_down(grant)
            log.error("FreshBooks refuses many grants at once; marking none of them as lost")
            raise VendorUnavailable(
                "FreshBooks refuses many connections at once; this looks like a fault of theirs.",
                vendor="freshbooks",
                code="mass_refusal",
                retry_after_s=INCIDENT_RETRY_S,
            )
        if not mark_lost(grant, reason=error.message, cause=self._cause):
            return _token_of(self._read())
        raise grant_lost_error()


def save_pair(grant: FreshBooksGrant, pair: TokenPair, *, cause: Cause) -> FreshBooksGrant:
    """Save the pair, first of all. If somebody has connected again meanwhile, theirs is newer."""
    _persist(grant, pair)
    token_spool.forget(grant)
    saved: FreshBooksGrant = FreshBooksGrant.objects.get(pk=grant.pk)
    if saved.access_token == pair.access_token:
        restore_connections(saved, cause=cause)
    return saved


def recover_spooled() -> int:
    """Save what workers of this machine were answered and could not save; answer how many.

    Called when a worker starts. A pair whose grant has a newer one, or is gone, is thrown away.
    """
    saved = 0
    cause = Cause("worker", "a token that was left behind", uuid.uuid4())
    for grant_id, path in token_spool.spooled():
        grant = FreshBooksGrant.objects.filter(pk=grant_id).first()
        pair = token_spool.find(grant) if grant else None
        if grant is not None and pair is not None:
            saved += save_pair(grant, pair, cause=cause).access_token == pair.access_token
        path.unlink(missing_ok=True)
    return saved


def _token_of(grant: FreshBooksGrant) -> AccessToken:
    return AccessToken(grant.access_token, grant.generation)


def _take_lease(grant: FreshBooksGrant) -> bool:
    """One worker gets it. The database's clock decides, for the workers' clocks may differ."""
    free = Q(refresh_lease_until__isnull=True) | Q(refresh_lease_until__lt=Now())
    return bool(
        _unchanged(grant)
        .filter(free, lost_at__isnull=True)
        .update(refresh_lease_until=Now() + LEASE)
    )


def _extend_lease(grant: FreshBooksGrant) -> bool:
    """False if somebody has refreshed meanwhile."""
    return bool(_unchanged(grant).update(refresh_lease_until=Now() + LEASE))


def _cool_down(grant: FreshBooksGrant) -> None:
    """Give the lease back, but not at once."""
    _unchanged(grant).update(refresh_lease_until=Now() + COOL_DOWN)


def _unchanged(grant: FreshBooksGrant) -> QuerySet[FreshBooksGrant]:
    return FreshBooksGrant.objects.filter(pk=grant.pk, generation=grant.generation)


def new_refresh_at(now: datetime, expires_at: datetime) -> datetime:
    """A random point in the middle of the token's life."""
    return now + (expires_at - now) * random.uniform(*REFRESH_SHARE)  # noqa: S311 - spread only


def _persist(grant: FreshBooksGrant, pair: TokenPair) -> None:
    """One UPDATE in its own commit, tried for ten seconds: without it the tenant is locked out."""
    now = timezone.now()
    new = copy(grant)
    new.access_token, new.refresh_token = pair.access_token, pair.refresh_token
    for left in reversed(range(SAVE_TRIES)):
        try:
            _unchanged(grant).update(
                access_token_sealed=new.access_token_sealed,
                refresh_token_sealed=new.refresh_token_sealed,
                scopes=" ".join(pair.scopes) or F("scopes"),
                expires_at=pair.expires_at,
                refresh_at=new_refresh_at(now, pair.expires_at),
                refreshed_at=now,
                generation=grant.generation + 1,
                refresh_lease_until=None,
                refused_at=None,
                lost_at=None,
                lost_reason="",
            )
        except (DatabaseError, InterfaceError):
            if not left:
                raise
            log.warning("a refreshed FreshBooks token could not be saved yet; trying again")
            connection.close()
            time.sleep(SAVE_PAUSE_S)
        else:
            return
