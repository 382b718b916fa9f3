"""The gate in front of every vendor call: budgets, counters, and "never inside a transaction"."""

from __future__ import annotations

import logging
import random
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from connector.errors import VendorRateLimited
from connector.models import RateBucket
from connector.vendors.gate import CallReport
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)
DEFAULT_RATES = {"freshbooks": settings.FRESHBOOKS_RATE_PER_S, "stripe": settings.STRIPE_RATE_PER_S}
BLOCKED_DEFAULT_S = 1.0  # after a 429 that names no time
# The circuit breaker: after so many failures in a row nobody calls for a while; then one failure
# more is enough, and the while doubles.
BREAK_AFTER_FAILURES = 5
FIRST_BREAK_S = 2.0
LONGEST_BREAK_S = 300.0
NO_ANSWER = frozenset({"unavailable", "unknown"})

# Refill by the time that passed, take one if there is one: one statement, so workers share it.
# A job's first call needs a token; its later calls may overdraw the bucket by its capacity, so
# that a job under way is not thrown back to its start. The debt delays whoever comes next.
_TAKE = """
UPDATE connector_ratebucket SET
    tokens = LEAST(capacity, tokens + rate_per_s * EXTRACT(EPOCH FROM %(now)s - updated_at)) - 1,
    updated_at = %(now)s
WHERE tenant_id = %(tenant)s AND vendor = %(vendor)s
  AND (blocked_until IS NULL OR blocked_until <= %(now)s)
  AND LEAST(capacity, tokens + rate_per_s * EXTRACT(EPOCH FROM %(now)s - updated_at)) >= CASE WHEN %(begun)s THEN 1 - capacity ELSE 1 END
RETURNING tokens
"""

_COUNT = """
INSERT INTO connector_callcount AS counted (tenant_id, day, vendor, operation, outcome, calls, total_ms)
VALUES (%s, %s, %s, %s, %s, 1, %s)
ON CONFLICT (tenant_id, day, operation, outcome)
DO UPDATE SET calls = counted.calls + 1, total_ms = counted.total_ms + EXCLUDED.total_ms
"""


class CallInsideTransaction(RuntimeError):
    """A vendor was about to be called while a transaction was open: a bug, never allowed."""


class VendorGate:
    """Implements `connector.vendors.gate.CallGate` for one tenant."""

    def __init__(self, tenant_id: int) -> None:
        self._tenant_id = tenant_id
        self._begun: set[str] = set()

    def before(self, vendor: str, operation: str) -> None:
        """Take one call from the vendor account's budget.

        Raises VendorRateLimited when the bucket is empty or the vendor asked us to wait: the job
        gives its slot back with a due time, nobody sleeps.
        """
        _refuse_inside_transaction(operation)
        with tenant_scope(self._tenant_id):
            wait_s = _take(self._tenant_id, vendor, begun=vendor in self._begun)
        self._begun.add(vendor)
        if wait_s > 0:
            raise VendorRateLimited(
                f"The call budget for {vendor} is used up for the moment.",
                vendor=vendor,
                operation=operation,
                code="own_budget",
                retry_after_s=wait_s,
                next_step="Nothing to do: the job runs again by itself.",
            )

    def after(self, call: CallReport) -> None:
        """Count the call; after a 429, let nobody call this account before the named time.

        A vendor that does not answer several times in a row is left in peace for a while as well.

        Never raises: the call was made, and its answer matters more than its count.
        """
        try:
            with tenant_scope(self._tenant_id):
                _count(self._tenant_id, call)
                if call.outcome == "rate_limited":
                    _block(self._tenant_id, call)
                if call.outcome in NO_ANSWER:
                    _count_failure(self._tenant_id, call)
                else:
                    _close(self._tenant_id, call)
        except DatabaseError:
            log.warning("a call of %s was not counted", call.operation, exc_info=True)


def _refuse_inside_transaction(operation: str) -> None:
    blocks = [
        block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)
    ]
    if blocks or (connection.in_atomic_block and not connection.atomic_blocks):
        raise CallInsideTransaction(f"{operation} inside a database transaction")


def _take(tenant_id: int, vendor: str, *, begun: bool) -> float:
    """0 when a token was taken, else the seconds until there is one."""
    now = timezone.now()
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                _TAKE, {"tenant": tenant_id, "vendor": vendor, "now": now, "begun": begun}
            )
            if cursor.fetchone() is not None:
                return 0.0
            bucket = RateBucket.objects.filter(vendor=vendor).first()
            if bucket is not None:
                return _seconds_until_token(bucket)
            _create(tenant_id, vendor)
    return 1.0


def _create(tenant_id: int, vendor: str) -> None:
    rate = DEFAULT_RATES[vendor]
    with transaction.atomic():
        RateBucket.objects.get_or_create(
            tenant_id=tenant_id,
            vendor=vendor,
            defaults={
                "rate_per_s": rate,
                "capacity": rate,
                "tokens": rate,
                "updated_at": timezone.now(),
            },
        )


def _count(tenant_id: int, call: CallReport) -> None:
    today = timezone.now().date()
    with connection.cursor() as cursor:
        cursor.execute(
            _COUNT,
            [tenant_id, today, call.vendor, call.operation, call.outcome, call.duration_ms],
        )


def _seconds_until_token(bucket: RateBucket) -> float:
    now = timezone.now()
    if bucket.blocked_until and bucket.blocked_until > now:
        return (bucket.blocked_until - now).total_seconds()
    missing = max(Decimal(0), 1 - bucket.tokens)
    return max(0.05, float(missing / bucket.rate_per_s))


def _block(tenant_id: int, call: CallReport) -> None:
    until = timezone.now() + timedelta(seconds=call.retry_after_s or BLOCKED_DEFAULT_S)
    RateBucket.objects.filter(tenant_id=tenant_id, vendor=call.vendor).update(blocked_until=until)


def _count_failure(tenant_id: int, call: CallReport) -> None:
    """One more in a row; from the fifth on the account's calls wait, twice as long each time."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE connector_ratebucket SET failures = failures + 1"
            " WHERE tenant_id = %s AND vendor = %s RETURNING failures",
            [tenant_id, call.vendor],
        )
        row = cursor.fetchone()
    beyond = (row[0] if row else 0) - BREAK_AFTER_FAILURES
    if beyond < 0:
        return
    wait_s = min(LONGEST_BREAK_S, FIRST_BREAK_S * 2 ** min(beyond, 16))
    until = now + timedelta(seconds=wait_s * random.uniform(0.8, 1.2))  # noqa: S311 - no secret
    RateBucket.objects.filter(tenant_id=tenant_id, vendor=call.vendor).update(blocked_until=until)
    log.warning("%s does not answer; no calls for %.0f s", call.vendor, wait_s)


def _close(tenant_id: int, call: CallReport) -> None:
    """It answers: what it says is another matter."""
    RateBucket.objects.filter(tenant_id=tenant_id, vendor=call.vendor, failures__gt=0).update(
        failures=0
    )
