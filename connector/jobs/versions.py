"""Work that this version of the code does not know: left for a newer one, but not in silence.

During a rolling deploy a newer worker takes it within seconds. What nobody has taken for ten
minutes is held with the reason, and goes on by itself as soon as a worker runs that knows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from tenants.scope import every_tenant

PATIENCE = timedelta(minutes=10)
UNKNOWN = "unknown_kind"

_PARK = """
UPDATE connector_syncjob job SET
    state = 'held', failure_mode = 'needs_person', failure_code = %(code)s,
    failure_message = format('No worker knows jobs of kind "%%s", version %%s.', kind, version),
    next_step = 'Deploy a version that knows it: the job then goes on by itself.'
WHERE state = 'queued' AND due_at < %(before)s AND NOT EXISTS (
    SELECT 1 FROM unnest(%(kinds)s::text[], %(versions)s::int[]) AS known(kind, version)
    WHERE known.kind = job.kind AND job.version <= known.version)
"""
_RELEASE = """
UPDATE connector_syncjob job SET
    state = 'queued', due_at = %(now)s, failure_mode = '', failure_code = '',
    failure_message = '', next_step = ''
FROM unnest(%(kinds)s::text[], %(versions)s::int[]) AS known(kind, version)
WHERE state = 'held' AND failure_code = %(code)s
  AND known.kind = job.kind AND job.version <= known.version
"""


def park_unknown(known: Mapping[str, int]) -> int:
    """Hold what nobody has known for ten minutes; answer how many jobs."""
    return _run(_PARK, known)


def release_known(known: Mapping[str, int]) -> int:
    """Let go on what was held for want of a version that this code is; answer how many jobs."""
    return _run(_RELEASE, known)


def _run(statement: str, known: Mapping[str, int]) -> int:
    now = timezone.now()
    values: dict[str, Any] = {
        "code": UNKNOWN,
        "kinds": list(known),
        "versions": list(known.values()),
        "now": now,
        "before": now - PATIENCE,
    }
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
