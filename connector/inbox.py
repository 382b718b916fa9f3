"""The inbox: a verified hint is stored with its job in one commit, and answered at once.

A webhook, an event found by polling and a replay all come through `store_event` or `store_hint`;
what to do about them is decided later by the job, which re-reads the object from its vendor.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import timezone

from audit.recording import Cause
from config.prepared import prepared_row
from connector.copies import copies
from connector.jobs import ledger
from connector.jobs.kinds import ROUTE_DELIVERY
from connector.models import Delivery
from connector.vendors.stripe.records import StripeEvent
from tenants.scope import SCOPED, own_commit, tenant_scope

# The delivery and its job in one statement and one commit: a single trip to Postgres. What a write of
# ours caused needs no job: the one that wrote knows the answer, or resumes until it does.
_INSERT = (
    SCOPED  # noqa: S608 - put together from constants
    + """,
stored AS (
    INSERT INTO connector_delivery AS known (
        tenant_id, source, via, event_id, event_type, object_type, object_id, invoice_id, payment_id,
        customer_id, caused_by_key,
        state, note, processed_at, duplicates, happened_at, received_at
    ) SELECT
        %(tenant)s, %(source)s, %(via)s, %(event_id)s, %(event_type)s, %(object_type)s, %(object_id)s,
        %(invoice_id)s, %(payment_id)s, %(customer_id)s, %(key)s,
        CASE WHEN is_echo THEN 'ignored' ELSE 'received' END,
        CASE WHEN is_echo THEN 'our own write caused it' ELSE '' END,
        CASE WHEN is_echo THEN %(now)s END, 0, %(happened)s::timestamptz, %(now)s
    FROM scope CROSS JOIN LATERAL (
        SELECT scope.held <> '' AND %(key)s <> '' AND EXISTS (
            SELECT 1 FROM connector_vendorwrite
            WHERE tenant_id = %(tenant)s AND vendor = %(source)s AND idempotency_key = %(key)s
        ) AS is_echo
    ) AS cause
    ON CONFLICT {target} {known}
    RETURNING id, duplicates, state
), queued AS ("""
    + ledger.enqueue_rows_of("stored WHERE duplicates = 0 AND state = 'received'", ROUTE_DELIVERY)
    + """)
SELECT id, duplicates FROM stored
"""
)
# A copy of an event is counted later (connector.copies): the event itself is there. A hint has no id,
# and a copy of it may tell of something newer.
_INSERT_EVENT = _INSERT.format(
    target="(tenant_id, source, event_id) WHERE NOT (event_id = '')", known="DO NOTHING"
)
_INSERT_HINT = _INSERT.format(
    target="(tenant_id, source, event_type, object_id) WHERE event_id = '' AND state = 'received'",
    known="DO UPDATE SET duplicates = known.duplicates + 1",
)
_REPLAY = ledger.enqueue_rows_of("unnest(%(ids)s::bigint[]) AS id", ROUTE_DELIVERY)

_COUNT_REFUSED = """
INSERT INTO connector_refuseddelivery AS counter (day, source, reason, count, last_at)
VALUES (%s, %s, %s, 1, %s)
ON CONFLICT (day, source, reason) DO UPDATE SET count = counter.count + 1, last_at = EXCLUDED.last_at
"""


@dataclass(frozen=True)
class Stored:
    """The delivery's row, and whether it was new. A copy of a Stripe event is not looked for: no row."""

    delivery_id: int | None
    is_new: bool


def store_event(
    tenant_id: int,
    event: StripeEvent,
    *,
    via: Delivery.Via,
    correlation_id: uuid.UUID | None = None,
) -> Stored:
    """Store one Stripe event and its job; a second copy of it only counts up, a moment later.

    `correlation_id` ties it to what found it; else it begins a chain of its own.

    One commit: when this returns, the event is durable and so is the work that follows from it.
    """
    stored = _store(
        _INSERT_EVENT,
        {
            "tenant": tenant_id,
            "source": Delivery.Source.STRIPE,
            "via": via,
            "event_id": event.id,
            "event_type": event.type[:80],
            "object_type": event.object_type[:40],
            "object_id": event.object_id[:120],
            "invoice_id": event.invoice_id[:120],
            "payment_id": event.payment_id[:120],
            "customer_id": event.customer_id[:120],
            "key": event.idempotency_key[:255],
            "happened": event.created_at,
        },
        correlation_id or uuid.uuid4(),
    )
    if not stored.is_new:
        copies.ask((tenant_id, event.id))
    return stored


def store_new_events(
    tenant_id: int,
    events: Sequence[StripeEvent],
    *,
    via: Delivery.Via,
    correlation_id: uuid.UUID | None = None,
) -> int:
    """`store_event` for those of a page that are not known yet; answer how many were stored."""
    with tenant_scope(tenant_id):
        known = set(
            Delivery.objects.filter(
                source=Delivery.Source.STRIPE, event_id__in=[event.id for event in events]
            ).values_list("event_id", flat=True)
        )
    return sum(
        store_event(tenant_id, event, via=via, correlation_id=correlation_id).is_new
        for event in events
        if event.id not in known
    )


def quarantine_event(tenant_id: int, *, event_id: str, reason: str) -> None:
    """Keep an event that could not be read, once, where a person sees it; the rest goes on."""
    with tenant_scope(tenant_id):
        Delivery.objects.get_or_create(
            tenant_id=tenant_id,
            source=Delivery.Source.STRIPE,
            event_id=event_id,
            defaults={
                "via": Delivery.Via.POLL,
                "event_type": "unreadable",
                "object_id": "",
                "state": Delivery.State.QUARANTINED,
                "note": reason[:300],
                "received_at": timezone.now(),
            },
        )


def store_hint(tenant_id: int, *, event_type: str, object_id: str) -> Stored:
    """Store one FreshBooks delivery: no id, no time; repeats coalesce until it is worked on."""
    return _store(
        _INSERT_HINT,
        {
            "tenant": tenant_id,
            "source": Delivery.Source.FRESHBOOKS,
            "via": Delivery.Via.WEBHOOK,
            "event_id": "",
            "event_type": event_type[:80],
            "object_type": event_type.partition(".")[0][:40],
            "object_id": object_id[:120],
            "invoice_id": "",
            "payment_id": "",
            "customer_id": "",
            "key": "",
            "happened": None,
        },
        uuid.uuid4(),
    )


def _store(
    statement: str, values: dict[str, int | str | datetime | None], correlation_id: uuid.UUID
) -> Stored:
    tenant_id = int(str(values["tenant"]))
    cause = Cause(
        actor=str(values["via"]),
        reason=f"{values['source']} {values['event_type']} {values['object_id']}",
        correlation_id=correlation_id,
    )
    job = ledger.values_of(tenant_id, ROUTE_DELIVERY, cause)
    with own_commit(tenant_id) as scope:
        row = prepared_row(statement, {**job, **values, **scope})
    return Stored(delivery_id=row[0] if row else None, is_new=row is not None and row[1] == 0)


def count_refused(*, source: str, reason: str) -> None:
    """A delivery that was refused: all that is kept of it is this count."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_REFUSED, [now.date(), source, reason, now])


def replay(delivery_ids: Iterable[int], *, cause: Cause) -> int:
    """Work on deliveries again, through the same door; answer how many. Inside a scope."""
    of_tenant: dict[int, list[int]] = {}
    rows = Delivery.objects.filter(pk__in=list(delivery_ids)).order_by("pk")
    for tenant_id, delivery_id in rows.values_list("tenant_id", "pk"):
        of_tenant.setdefault(tenant_id, []).append(delivery_id)
    with connection.cursor() as cursor:
        for tenant_id, ids in of_tenant.items():
            values = ledger.values_of(tenant_id, ROUTE_DELIVERY, cause)
            cursor.execute(_REPLAY, {**values, "ids": ids})
    return sum(map(len, of_tenant.values()))


def mark(delivery: Delivery, state: Delivery.State, note: str, *, now: datetime) -> None:
    """How a delivery ended. A FreshBooks twin that came in meanwhile keeps its own row."""
    delivery.state = state
    delivery.note = note[:300]
    delivery.processed_at = now
    delivery.save(update_fields=["state", "note", "processed_at"])
