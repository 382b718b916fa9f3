"""Finding whose a webhook address is, by the digest of its token, in a single trip to Postgres."""

from __future__ import annotations

import time
from typing import TypeVar

from django.db.models import QuerySet
from django.db.models.query import RawQuerySet

from tenants.models import FreshBooksCallback, StripeConnection, token_digest
from tenants.scope import SCOPED, own_commit

REMEMBERED_S = 5.0
REMEMBERED_MOST = 10_000
Row = TypeVar("Row", FreshBooksCallback, StripeConnection)

# Lateral and not to be merged (offset 0): the scope must hold before the table is read.
_FIND_ENDPOINT = (
    SCOPED  # noqa: S608 - text of ours
    + """,
found AS (SELECT one.* FROM scope CROSS JOIN LATERAL (
    SELECT id, tenant_id, account_id, livemode, endpoint_secret_sealed FROM tenants_stripeconnection
    WHERE endpoint_token_digest = %(digest)s AND scope.held <> '' OFFSET 0) one)
SELECT * FROM found
"""
)
_FIND_CALLBACK = (
    SCOPED  # noqa: S608 - text of ours
    + """,
found AS (SELECT one.* FROM scope CROSS JOIN LATERAL (
    SELECT * FROM tenants_freshbookscallback
    WHERE token_digest = %(digest)s AND scope.held <> '' OFFSET 0) one)
SELECT * FROM found
"""
)

_endpoints: dict[str, tuple[float, StripeConnection]] = {}


def find_stripe_endpoint(token: str, *, afresh: bool = False) -> StripeConnection | None:
    """The connection whose endpoint has this token, with what verifies an event.

    One that was found is remembered for a few seconds, for events come in bursts. So long an event of
    an endpoint that was just given up is still taken in. `afresh`: look now, whatever is remembered.
    """
    digest = token_digest(token)
    seen_at, known = _endpoints.get(digest, (0.0, None))
    if known is not None and not afresh and time.monotonic() - seen_at < REMEMBERED_S:
        return known
    found = _find(StripeConnection, _FIND_ENDPOINT, digest)
    if found is None:
        _endpoints.pop(digest, None)
        return None
    if len(_endpoints) >= REMEMBERED_MOST:
        _endpoints.clear()
    _endpoints[digest] = time.monotonic(), found
    return found


def find_freshbooks_callback(token: str) -> FreshBooksCallback | None:
    """The callback whose address has this token."""
    return _find(FreshBooksCallback, _FIND_CALLBACK, token_digest(token))


def _find(model: type[Row], statement: str, digest: str) -> Row | None:
    with own_commit(None) as scope:
        rows: RawQuerySet[Row] = QuerySet(model).raw(statement, {"digest": digest, **scope})
        return next(iter(rows), None)
