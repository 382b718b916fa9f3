"""Taking one call from a vendor account's budget: one statement, shared by all workers."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import connection
from django.utils import timezone

from connector.limits.budgets import Budget
from connector.models import RateBucket

# After this many failures in a row the breaker is open; then one call at a time tries again.
BREAK_AFTER_FAILURES = 5
RAMP_S = 60  # after an incident of the vendor, calls come back over this time
RAMP_FROM = 0.1
PROBE_S = 45  # no call takes longer: who has not come back by then is dead
SLOT_GRACE_S = 0.5  # between two calls of one job nobody else takes its place
JOB = "job:"  # so holders begin that are jobs: their places are free once they end
SLOW_IN_FLIGHT = 1
BUSY_WAIT_S = 0.5  # until somebody who calls now may be done
SLOW_WAIT_S = 2  # the same, of an account that is slow
LONGEST_TURN_S = (
    10  # at most so much longer than it must be is anybody sent away: limits rise again
)

# What the vendor's 429s taught (see `answers.lower`): back to where the last one came within
# `recovery_s`, from there slowly, then faster and faster up to what was chosen. The burst shrinks
# with the rate. After an incident everybody begins with a tenth.
ADAPTED = """
CASE WHEN b.lowered_at IS NULL THEN {base} ELSE LEAST({base},
    b.lowered_per_s
    + (b.ceiling_per_s - b.lowered_per_s) * {past}
    + b.ceiling_per_s * POWER(GREATEST(0, {past} - 1), 2)
) END
""".format(
    base="COALESCE(b.rate_per_s, CASE b.endpoint WHEN '' THEN %(rate)s ELSE %(endpoint_rate)s END)"
    "::float8",
    past="(EXTRACT(EPOCH FROM statement_timestamp() - b.lowered_at)::float8 / b.recovery_s)",
)

_TAKE = f"""
WITH locked AS (
    SELECT b.*, {ADAPTED} AS adapted,
        COALESCE(b.rate_per_s, CASE b.endpoint WHEN '' THEN %(rate)s ELSE %(endpoint_rate)s END
        )::float8 AS base,
        COALESCE(b.capacity, CASE b.endpoint WHEN '' THEN %(burst)s ELSE %(endpoint_burst)s END
        )::float8 AS full_burst,
        CASE WHEN v.closed_at IS NULL THEN 1 ELSE LEAST(1, {RAMP_FROM} + {1 - RAMP_FROM} *
            EXTRACT(EPOCH FROM statement_timestamp() - v.closed_at)::float8 / {RAMP_S}) END AS ramp,
        v.opened_at, v.probe_at
    FROM connector_ratebucket b LEFT JOIN connector_vendorincident v ON v.vendor = b.vendor
    WHERE b.tenant_id = %(tenant)s AND b.vendor = %(vendor)s AND b.endpoint IN ('', %(endpoint)s)
    ORDER BY b.endpoint FOR UPDATE OF b
), paced AS (
    SELECT *, adapted * ramp AS now_per_s, GREATEST(1, full_burst * adapted / base) AS burst
    FROM locked
), filled AS (
    SELECT *, 1 + %(share)s::float8 * (burst - 1) AS need,
        LEAST(burst, tokens + now_per_s * GREATEST(0, EXTRACT(EPOCH FROM
            statement_timestamp() - GREATEST(updated_at, blocked_until))::float8)) AS filled
    FROM paced
), refused AS (
    SELECT 1 AS rank, 'incident' AS reason,
        GREATEST(1, EXTRACT(EPOCH FROM probe_at - statement_timestamp())::float8) AS wait_s,
        1 / now_per_s AS every_s, endpoint
    FROM filled WHERE endpoint = '' AND opened_at IS NOT NULL AND NOT %(probing)s
    UNION ALL
    SELECT 2, CASE WHEN failures >= {BREAK_AFTER_FAILURES} THEN 'no_answer' ELSE 'told_to_wait' END,
        EXTRACT(EPOCH FROM blocked_until - statement_timestamp())::float8, 1 / now_per_s,
        endpoint
    FROM filled WHERE blocked_until > statement_timestamp()
        AND NOT (%(probing)s AND failures >= {BREAK_AFTER_FAILURES})
    UNION ALL
    SELECT 3, 'in_flight', CASE WHEN slow_until > statement_timestamp() THEN {SLOW_WAIT_S}
        ELSE {BUSY_WAIT_S} END, CASE WHEN slow_until > statement_timestamp() THEN {SLOW_WAIT_S}
        ELSE {BUSY_WAIT_S}::float8 / COALESCE(most_in_flight, %(most_in_flight)s) END, endpoint
    FROM filled
    WHERE endpoint = '' AND (
        SELECT count(*) FROM jsonb_each_text(in_flight) one
        WHERE one.key <> %(holder)s
          AND one.value::float8 > EXTRACT(EPOCH FROM statement_timestamp())
          AND CASE WHEN one.key LIKE '{JOB}%%' THEN EXISTS (
              SELECT 1 FROM connector_syncjob job
              WHERE job.id = substr(one.key, {len(JOB) + 1})::bigint AND job.state = 'running')
              ELSE true END
    ) >= CASE WHEN slow_until > statement_timestamp() THEN {SLOW_IN_FLIGHT}
              ELSE COALESCE(most_in_flight, %(most_in_flight)s) END
    UNION ALL
    SELECT 4, 'budget', GREATEST(0.001, (need - filled) / now_per_s), 1 / now_per_s, endpoint
    FROM filled
    WHERE filled < need AND NOT %(probing)s
), taken AS (
    UPDATE connector_ratebucket b SET
        tokens = filled.filled - 1,
        updated_at = GREATEST(b.updated_at, statement_timestamp()),
        blocked_until = CASE WHEN b.failures >= {BREAK_AFTER_FAILURES}
            THEN statement_timestamp() + INTERVAL '{PROBE_S} seconds' ELSE b.blocked_until END,
        in_flight = CASE WHEN b.endpoint <> '' THEN b.in_flight ELSE (
            SELECT COALESCE(jsonb_object_agg(one.key, one.value), '{{}}')
            FROM jsonb_each(b.in_flight) one
            WHERE (one.value #>> '{{}}')::float8 > EXTRACT(EPOCH FROM statement_timestamp())
        ) || jsonb_build_object(%(holder)s::text,
            EXTRACT(EPOCH FROM statement_timestamp())::float8 + {PROBE_S}) END
    FROM filled
    WHERE b.id = filled.id AND NOT EXISTS (SELECT FROM refused)
      AND (SELECT count(*) FROM filled) = %(rows)s
)
SELECT (SELECT count(*) FROM filled), refused.reason, refused.wait_s, account.reads_allowed,
    CASE WHEN account.reads_month = date_trunc('month', statement_timestamp() AT TIME ZONE 'UTC')
         THEN account.reads ELSE 0 END, refused.every_s,
    refused.endpoint
FROM (SELECT 1) always
LEFT JOIN filled account ON account.endpoint = ''
LEFT JOIN refused ON true
ORDER BY refused.rank, refused.wait_s DESC LIMIT 1
"""  # noqa: S608 - only constants of this module are put in

_TURN = """
UPDATE connector_ratebucket SET {clock} = LEAST(
    statement_timestamp() + (%(wait)s + %(most)s) * INTERVAL '1 second',
    GREATEST({clock} + %(every)s * INTERVAL '1 second',
             statement_timestamp() + %(wait)s * INTERVAL '1 second'))
WHERE tenant_id = %(tenant)s AND vendor = %(vendor)s AND endpoint = %(endpoint)s
RETURNING EXTRACT(EPOCH FROM {clock} - statement_timestamp())::float8
"""
_TURNS = {False: _TURN.format(clock="turn_at"), True: _TURN.format(clock="later_turn_at")}


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One call that wants to be made. `share`: how full the bucket must be for it."""

    tenant_id: int
    vendor: str
    endpoint: str
    account_budget: Budget
    endpoint_budget: Budget
    most_in_flight: int
    holder: str
    share: float
    probing: bool = False

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The rows that the call is taken from."""
        return ("", self.endpoint) if self.endpoint else ("",)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`reason` is empty if the call was taken; else after `wait_s` it is worth asking again.

    `every_s`: how often one more of those who wait can be let in. `endpoint`: whose limit it is, empty
    for the account's.
    """

    reason: str = ""
    wait_s: float = 0.0
    every_s: float = 0.0
    endpoint: str = ""
    reads: int = 0
    reads_allowed: int | None = field(default=None)


def take(ask: Ask) -> Answer:
    """Take one call, or say why not and for how long. Inside the tenant's scope."""
    rows, answer = _ask(ask)
    if rows < len(ask.endpoints):
        _create_rows(ask)
        _, answer = _ask(ask)
    return answer


def turn(ask: Ask, answer: Answer, *, later: bool) -> float:
    """In how many seconds a job that is sent away shall come back. Inside the tenant's scope.

    Each at a time of its own, as fast as they can be let in: all at once, all but one would be sent
    away again and again, and that is work. `later`: what nobody asked for, which others do not wait for.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TURNS[later],
            {
                "tenant": ask.tenant_id,
                "vendor": ask.vendor,
                "endpoint": answer.endpoint,
                "wait": answer.wait_s,
                "every": answer.every_s,
                "most": LONGEST_TURN_S,
            },
        )
        row: tuple[float] | None = cursor.fetchone()
    return row[0] if row else answer.wait_s


def _ask(ask: Ask) -> tuple[int, Answer]:
    """How many rows there are, and what they say."""
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            {
                "tenant": ask.tenant_id,
                "vendor": ask.vendor,
                "endpoint": ask.endpoint,
                "rows": len(ask.endpoints),
                "holder": ask.holder,
                "share": ask.share,
                "probing": ask.probing,
                "most_in_flight": ask.most_in_flight,
                **parameters(ask.account_budget, ask.endpoint_budget),
            },
        )
        rows, reason, wait_s, reads_allowed, reads, every_s, endpoint = cursor.fetchone()
    return rows, Answer(
        reason=reason or "",
        wait_s=wait_s or 0.0,
        every_s=every_s or 0.0,
        endpoint=endpoint or "",
        reads=reads or 0,
        reads_allowed=reads_allowed,
    )


def parameters(account: Budget, endpoint: Budget) -> dict[str, float]:
    """What `ADAPTED` and the statements around it are given as defaults."""
    return {
        "rate": account.rate_per_s,
        "burst": account.burst,
        "endpoint_rate": endpoint.rate_per_s,
        "endpoint_burst": endpoint.burst,
    }


def _create_rows(ask: Ask) -> None:
    """An account's first call, or the first of an endpoint: its bucket begins full."""
    now = timezone.now()
    RateBucket.objects.bulk_create(
        [
            RateBucket(
                tenant_id=ask.tenant_id,
                vendor=ask.vendor,
                endpoint=endpoint,
                tokens=(ask.endpoint_budget if endpoint else ask.account_budget).burst,
                updated_at=now,
            )
            for endpoint in ask.endpoints
        ],
        ignore_conflicts=True,
    )
