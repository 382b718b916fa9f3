"""Counting copies of events that are stored already, after their sender was answered.

Such a count tells people and the silence detector that a webhook came as well. Nothing is done because
of it, so one that is lost with its process is no loss.
"""

from __future__ import annotations

import logging
from collections import Counter

from django.db import DatabaseError, InterfaceError, connection, connections

from connector.later import Later
from connector.models import Delivery
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)
PAUSE_S = 0.5  # a burst of copies is a few statements
STRIPE = Delivery.Source.STRIPE.value
Copy = tuple[int, str]  # tenant, event id

# In the order in which jobs lock them. That it is not empty lets the index of events serve.
_COUNT = """
WITH held AS (
    SELECT id, more.count FROM unnest(%s::text[], %s::int[]) AS more(event_id, count)
    JOIN connector_delivery known ON known.event_id = more.event_id
    WHERE known.tenant_id = %s AND known.source = %s AND NOT (known.event_id = '')
    ORDER BY id FOR UPDATE OF known
)
UPDATE connector_delivery known SET duplicates = known.duplicates + held.count
FROM held WHERE known.id = held.id
"""


def save_counts(copies: list[Copy]) -> None:
    """Count them, a statement for each tenant."""
    of_tenant: dict[int, Counter[str]] = {}
    for tenant_id, event_id in copies:
        of_tenant.setdefault(tenant_id, Counter())[event_id] += 1
    for tenant_id, counts in of_tenant.items():
        try:
            with tenant_scope(tenant_id), connection.cursor() as cursor:
                cursor.execute(_COUNT, (list(counts), list(counts.values()), tenant_id, STRIPE))
        except (DatabaseError, InterfaceError):
            log.warning("%s copies were not counted", counts.total(), exc_info=True)


def _save_all(copies: list[Copy]) -> float:
    """In the thread; how long to pause then."""
    try:
        save_counts(copies)
    finally:
        connections.close_all()
    return PAUSE_S


copies: Later[Copy] = Later("copies", _save_all)
