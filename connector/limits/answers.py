"""What an answer changes: counters, the rate after a 429, the breaker of one account."""

from __future__ import annotations

import random
from dataclasses import dataclass

from django.db import connection
from django.utils import timezone

from connector.limits.budgets import Budget
from connector.limits.taking import ADAPTED, BREAK_AFTER_FAILURES, SLOT_GRACE_S, parameters
from connector.vendors.gate import CallReport

NO_ANSWER = frozenset({"unavailable", "unknown"})

# The circuit breaker. A call that hangs holds a worker, so two of them are enough; and an account
# that hangs is tried so seldom that it takes a twentieth of one worker.
FIRST_BREAK_S = 2.0
LONGEST_BREAK_S = 300.0
SLOW_S = 3.0
SLOW_FAILURE = 3  # how many failures a slow one counts
BREAK_PER_CALL = 20
SLOW_FOR_S = 30  # or until an answer comes in time again

# After a 429. The first one halves the rate; one that follows soon lowers it by a fifth: it is
# still far too high. A later one is the way to find the limit, and takes a tenth.
BLOCKED_DEFAULT_S = 1.0  # after a 429 that names no time
FIRST_CUT, SOON_CUT, LATER_CUT = 0.5, 0.8, 0.9
RECOVERY_CALLS = 600  # so many calls until the rate of the last 429 is reached again
LEAST_RECOVERY_S, LONGEST_RECOVERY_S = 30, 600
SOON = 0.25  # of the recovery
AT_ONCE_S = 1.0  # 429s within this time are one: the calls were under way already
FORGOTTEN_S = 86_400  # what a 429 taught so long ago is not true any more
LEAST_SHARE = 0.02  # of the chosen rate: always some calls

_NOTE = """
WITH counted AS (
    INSERT INTO connector_callcount AS counted
        (tenant_id, day, vendor, operation, outcome, calls, total_ms)
    VALUES (%(tenant)s, %(day)s, %(vendor)s, %(operation)s, %(outcome)s, 1, %(ms)s)
    ON CONFLICT (tenant_id, day, operation, outcome)
    DO UPDATE SET calls = counted.calls + 1, total_ms = counted.total_ms + EXCLUDED.total_ms
)
UPDATE connector_ratebucket SET
    failures = CASE WHEN %(answered)s THEN 0 ELSE failures + %(failed)s END,
    blocked_until = CASE WHEN %(answered)s AND failures >= %(break_after)s
        THEN NULL ELSE blocked_until END,
    in_flight = CASE WHEN in_flight ? %(holder)s THEN in_flight || jsonb_build_object(
        %(holder)s::text, EXTRACT(EPOCH FROM statement_timestamp())::float8 + %(grace)s)
        ELSE in_flight END,
    turn_at = CASE WHEN {over} THEN NULL ELSE turn_at END,
    later_turn_at = CASE WHEN {over} THEN NULL ELSE later_turn_at END,
    slow_until = CASE WHEN %(slow)s THEN statement_timestamp() + %(slow_for)s * INTERVAL '1 second'
        WHEN %(answered)s THEN NULL ELSE slow_until END,
    reads = CASE WHEN reads_month = %(month)s THEN reads ELSE 0 END + %(read)s,
    reads_month = %(month)s
WHERE tenant_id = %(tenant)s AND vendor = %(vendor)s AND endpoint = ''
RETURNING old.failures, failures, reads, reads_allowed
""".format(  # noqa: S608 - a constant is put in
    # It answers again, and in time: nobody need wait for the turns of those who were sent away.
    over="%(answered)s AND NOT %(slow)s AND (slow_until IS NOT NULL OR failures >= %(break_after)s)"
)

_LOWER = f"""
WITH now AS (
    SELECT b.id, {ADAPTED} AS was, EXTRACT(EPOCH FROM statement_timestamp() - b.lowered_at) AS ago,
        COALESCE(b.rate_per_s, CASE b.endpoint WHEN '' THEN %(rate)s ELSE %(endpoint_rate)s END
        )::float8 AS base
    FROM connector_ratebucket b
    WHERE b.tenant_id = %(tenant)s AND b.vendor = %(vendor)s AND b.endpoint = %(row)s
    FOR UPDATE
), cut AS (
    SELECT *, COALESCE(ago < {AT_ONCE_S}, false) AS same_time,
        CASE WHEN ago IS NULL OR ago > {FORGOTTEN_S} THEN {FIRST_CUT}
             WHEN ago < {SOON} * (SELECT recovery_s FROM connector_ratebucket x WHERE x.id = now.id)
             THEN {SOON_CUT} ELSE {LATER_CUT} END AS factor
    FROM now
)
UPDATE connector_ratebucket b SET
    blocked_until = GREATEST(b.blocked_until,
        statement_timestamp() + %(wait_s)s * INTERVAL '1 second'),
    tokens = LEAST(b.tokens, 0),
    ceiling_per_s = CASE WHEN same_time THEN b.ceiling_per_s ELSE was END,
    lowered_per_s = CASE WHEN same_time THEN b.lowered_per_s
        ELSE GREATEST(was * factor, base * {LEAST_SHARE}) END,
    recovery_s = CASE WHEN same_time THEN b.recovery_s
        ELSE LEAST({LONGEST_RECOVERY_S}, GREATEST({LEAST_RECOVERY_S}, {RECOVERY_CALLS} / was)) END,
    lowered_at = CASE WHEN same_time THEN b.lowered_at ELSE statement_timestamp() END
FROM cut WHERE b.id = cut.id
RETURNING b.lowered_per_s
"""  # noqa: S608 - only constants of this module are put in


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What the account's row says after a call. `failures_before`: in a row, before this one."""

    failures_before: int
    failures: int
    reads: int
    reads_allowed: int | None


def note(tenant_id: int, call: CallReport, *, holder: str) -> Noted | None:
    """Count the call, in one statement. None if its account has no row."""
    now = timezone.now()
    slow = call.duration_ms >= SLOW_S * 1000
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            {
                "tenant": tenant_id,
                "day": now.date(),
                "month": now.date().replace(day=1),
                "vendor": call.vendor,
                "operation": call.operation,
                "outcome": call.outcome,
                "ms": call.duration_ms,
                "answered": call.outcome not in NO_ANSWER,
                "failed": SLOW_FAILURE if slow else 1,
                "break_after": BREAK_AFTER_FAILURES,
                "holder": holder,
                "grace": SLOT_GRACE_S,
                "slow": slow,
                "slow_for": SLOW_FOR_S,
                "read": int(call.method == "GET"),
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return Noted(failures_before=row[0], failures=row[1], reads=row[2], reads_allowed=row[3])


def lower(
    tenant_id: int, call: CallReport, *, endpoint: str, account: Budget, of_endpoint: Budget
) -> float | None:
    """After a 429: nobody calls for the named time, and then less often. The new rate, if any.

    A 429 for one endpoint leaves the account's other endpoints alone.
    """
    row = endpoint if call.rate_limited_reason.startswith("endpoint") else ""
    wait_s = max(call.retry_after_s or 0.0, BLOCKED_DEFAULT_S)
    with connection.cursor() as cursor:
        cursor.execute(
            _LOWER,
            {
                "tenant": tenant_id,
                "vendor": call.vendor,
                "row": row,
                "wait_s": wait_s * _more(0.2),
                **parameters(account, of_endpoint),
            },
        )
        lowered = cursor.fetchone()
    return lowered[0] if lowered else None


def pause(tenant_id: int, call: CallReport, *, failures: int) -> float:
    """Leave an account in peace that does not answer: for how many seconds; 0: not yet.

    Twice as long with each failure, and long enough that its slow calls take few of the workers.
    """
    beyond = failures - BREAK_AFTER_FAILURES
    if beyond < 0:
        return 0.0
    by_count: float = FIRST_BREAK_S * 2 ** min(beyond, 16)
    by_length = call.duration_ms / 1000 * BREAK_PER_CALL
    wait_s: float = min(LONGEST_BREAK_S, max(by_count, by_length)) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE connector_ratebucket SET tokens = LEAST(tokens, 0), blocked_until ="
            " statement_timestamp() + %s * INTERVAL '1 second'"
            " WHERE tenant_id = %s AND vendor = %s AND endpoint = ''",
            [wait_s, tenant_id, call.vendor],
        )
    return wait_s


def _more(at_most: float) -> float:
    """A factor from 1 upwards, so that not everybody comes back at the same moment."""
    return 1 + random.uniform(0, at_most)  # noqa: S311 - no secret
