"""Whose turn it is to do what the clock asks for, and whether the clock is alive.

Beat rings every second or two, and every worker rings more seldom (`config.pacemaker`), so that the
clock goes on without beat. Two, five or fifty of them do no harm: the database gives each turn to
one of them.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from connector.models import Clock

TICK, SWEEP = "tick", "sweep"
SILENT_AFTER = timedelta(seconds=60)

# One statement, one row per name, and the database's clock: whoever moves the row has the turn. A
# time far ahead of now was written before the database's clock was set back.
_TAKE = """
INSERT INTO connector_clock AS clock (name, at, by) VALUES (%(name)s, clock_timestamp(), %(by)s)
ON CONFLICT (name) DO UPDATE SET at = EXCLUDED.at, by = EXCLUDED.by
WHERE abs(EXTRACT(EPOCH FROM clock.at - EXCLUDED.at)) >= %(apart)s
RETURNING id
"""


def take_turn(name: str, *, apart_s: float, by: str = Clock.By.BEAT) -> bool:
    """Whether the caller should do it now: nobody has for so long."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"name": name, "by": by, "apart": max(0.1, apart_s)})
        return cursor.fetchone() is not None


def clock_problem() -> str:
    """What is wrong with the clock, in a few words; "" if it ticks and beat makes it."""
    row = Clock.objects.annotate(now=Now()).filter(name=TICK).first()
    if row is None:
        return "has never ticked: is a worker running?"
    silent = row.now - row.at
    if silent > SILENT_AFTER:
        return f"has not ticked for {_words(silent)}: is a worker running?"
    if row.by != Clock.By.BEAT:
        return "beat is silent, workers tick in its place"
    return ""


def _words(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
