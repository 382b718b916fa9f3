"""What is deleted by age: finished jobs, deliveries that were dealt with, counters of calls and refusals.

Never the audit trail, the journal of money, writes to a vendor, or anything that still waits for somebody.
Rows are looked at in the order in which they were made, a batch and a commit at a time, from the oldest to
the first that is young enough: no index is kept for this, and no lock is held for long.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from tenants.scope import every_tenant

BATCH = 1000
BUDGET_S = 20.0

# The batch after `after`; how many of it were old enough and deleted, its last row, and whether that
# row is still old: then there may be more.
_PRUNE = """
WITH looked AS MATERIALIZED (
    SELECT id, {made} AS made, ({done}) AS done FROM {table} WHERE id > %(after)s ORDER BY id LIMIT %(batch)s
), gone AS (
    DELETE FROM {table} WHERE id IN (SELECT id FROM looked WHERE done AND made < %(before)s) RETURNING id
)
SELECT (SELECT count(*) FROM gone), max(id), bool_and(made < %(before)s) AND count(*) = %(batch)s FROM looked
"""


@dataclass(frozen=True)
class Kept:
    """Rows of one table: when each was made, which of them are done with, and the setting of how long."""

    table: str
    made: str
    done: str
    setting: str

    def statement(self) -> str:
        """One batch."""
        return _PRUNE.format(table=self.table, made=self.made, done=self.done)


KEPT = (
    Kept("connector_syncjob", "created_at", "state IN ('done', 'superseded')", "JOBS_KEPT_DAYS"),
    Kept(
        "connector_delivery",
        "received_at",
        "state IN ('routed', 'ignored')",
        "DELIVERIES_KEPT_DAYS",
    ),
    Kept("connector_callcount", "day::timestamptz", "true", "COUNTS_KEPT_DAYS"),
    Kept("connector_refuseddelivery", "day::timestamptz", "true", "COUNTS_KEPT_DAYS"),
)


def prune(*, budget_s: float = BUDGET_S) -> dict[str, int]:
    """Delete what is old enough, for a while at most; how many rows of each table went."""
    ends = time.monotonic() + budget_s
    return {kept.table: _prune_table(kept, ends) for kept in KEPT}


def _prune_table(kept: Kept, ends: float) -> int:
    days = int(getattr(settings, kept.setting))
    if days <= 0:
        return 0
    before, after, deleted, more = timezone.now() - timedelta(days=days), 0, 0, True
    while more and time.monotonic() < ends:
        gone, after, more = _prune_batch(kept, before, after)
        deleted += gone
    return deleted


def _prune_batch(kept: Kept, before: datetime, after: int) -> tuple[int, int, bool]:
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(kept.statement(), {"before": before, "after": after, "batch": BATCH})
        gone, last, more = cursor.fetchone()
    return gone, last or after, bool(more)
