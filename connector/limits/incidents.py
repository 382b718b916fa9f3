"""A vendor that does not answer many tenants: an incident of its own, not one of each account.

While it is open one call a minute is tried, whoever's it is; the first answer closes it, and calls
come back over a minute (`taking.RAMP_S`).
"""

from __future__ import annotations

import logging
import random

from django.db import connection

from connector.limits.taking import RAMP_S
from tenants.scope import every_tenant

log = logging.getLogger(__name__)
LEAST_ACCOUNTS = 3  # fewer are accounts with troubles of their own
LEAST_FAILURES = 3  # in a row, for an account to count
PROBE_EVERY_S = 60

_STANDING = """
SELECT count(*) FILTER (WHERE failures >= %s), count(*)
FROM connector_ratebucket
WHERE vendor = %s AND endpoint = '' AND updated_at > statement_timestamp() - INTERVAL '2 minutes'
"""
_OPEN = """
INSERT INTO connector_vendorincident AS row
    (vendor, opened_at, probe_at, closed_at, failing, calling)
VALUES (%(vendor)s, statement_timestamp(), statement_timestamp() + %(probe)s * INTERVAL '1 second',
    NULL, %(failing)s, %(calling)s)
ON CONFLICT (vendor) DO UPDATE SET opened_at = EXCLUDED.opened_at, probe_at = EXCLUDED.probe_at,
    closed_at = NULL, failing = EXCLUDED.failing, calling = EXCLUDED.calling
WHERE row.opened_at IS NULL
RETURNING id
"""
_PROBE = """
UPDATE connector_vendorincident
SET probe_at = statement_timestamp() + %s * INTERVAL '1 second'
WHERE vendor = %s AND opened_at IS NOT NULL AND probe_at <= statement_timestamp()
RETURNING id
"""
_CLOSE = """
UPDATE connector_vendorincident SET opened_at = NULL, probe_at = NULL,
    closed_at = statement_timestamp()
WHERE vendor = %s AND opened_at IS NOT NULL
RETURNING id
"""
# Each account's own breaker is let go, some now, some later.
_RELEASE = """
UPDATE connector_ratebucket SET
    blocked_until = statement_timestamp() + random() * %s * INTERVAL '1 second'
WHERE vendor = %s AND endpoint = '' AND failures > 0
  AND blocked_until > statement_timestamp() + %s * INTERVAL '1 second'
"""


def open_if_many_fail(vendor: str) -> bool:
    """Open an incident if most accounts that called lately got no answer; whether one was opened."""
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(_STANDING, [LEAST_FAILURES, vendor])
        failing, calling = cursor.fetchone()
        if failing < LEAST_ACCOUNTS or failing * 2 <= calling:
            return False
        probe = _probe_in_s()
        numbers = {"failing": failing, "calling": calling}
        cursor.execute(_OPEN, {"vendor": vendor, "probe": probe, **numbers})
        opened = cursor.fetchone() is not None
    if opened:
        log.error(
            "%s answers nobody: %d of %d accounts; one try a minute", vendor, failing, calling
        )
    return opened


def may_probe(vendor: str) -> bool:
    """Whether this call is the one that is tried now."""
    with connection.cursor() as cursor:
        cursor.execute(_PROBE, [_probe_in_s(), vendor])
        return cursor.fetchone() is not None


def close(vendor: str) -> bool:
    """It answers again; whether an incident was open."""
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(_CLOSE, [vendor])
        closed = cursor.fetchone() is not None
        if closed:
            cursor.execute(_RELEASE, [RAMP_S, vendor, RAMP_S])
    if closed:
        log.warning("%s answers again", vendor)
    return closed


def _probe_in_s() -> float:
    return PROBE_EVERY_S * random.uniform(0.9, 1.1)  # noqa: S311 - no secret
