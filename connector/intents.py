"""What is to be written to a vendor, and saving that before the call: one statement, one commit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.utils import timezone

from config.prepared import prepared_cursor
from config.riding import Row, ride_with
from connector import idempotency
from connector.jobs.context import JobRun
from connector.models import VendorWrite
from tenants.scope import SCOPED, own_commit, tenant_scope

Answer = TypeVar("Answer")

# Only under the job's fence, and only if nothing is known of this write: what was sent, refused or
# answered before decides about the next try. Lateral, so that the scope holds before a table is read.
_SAVE = (
    SCOPED  # noqa: S608 - text of ours
    + """,
held AS (SELECT job.id FROM scope CROSS JOIN LATERAL (
    SELECT id FROM connector_syncjob
    WHERE id = %(job)s AND fence = %(fence)s AND state = 'running' AND scope.held <> ''
    OFFSET 0 FOR UPDATE) job),
saved AS (
    INSERT INTO connector_vendorwrite (
        tenant_id, vendor, operation, entity, revision, step, key_version, idempotency_key,
        body, state, result, vendor_object_id, request_id, error, attempts,
        correlation_id, first_sent_at
    ) SELECT
        %(tenant)s::bigint, %(vendor)s, %(operation)s::text, %(entity)s::text, %(revision)s::int, %(step)s::text, 1, %(key)s,
        %(body)s::jsonb, 'sending', '{}'::jsonb, '', '', '', 1,
        %(correlation)s, %(now)s::timestamptz
    FROM held WHERE NOT EXISTS (
        SELECT 1 FROM connector_vendorwrite known
        WHERE known.tenant_id = %(tenant)s::bigint AND known.entity = %(entity)s::text
          AND known.operation = %(operation)s::text AND known.revision = %(revision)s::int
          AND known.step = %(step)s::text AND held.id IS NOT NULL)
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT saved.id, tenant.looks_first_until > %(now)s::timestamptz
FROM saved JOIN tenants_tenant tenant ON tenant.id = %(tenant)s::bigint
"""
)


@dataclass(frozen=True, kw_only=True)
class Intent(Generic[Answer]):
    """One write. `call(body, key)` does it; `summarize` picks what is kept of the answer.

    `look_up` finds the object at the vendor by our own reference, for a key that is too old to be
    sent again; without one, an unanswered write of that age waits for a person.
    """

    vendor: str
    vendor_account: str
    operation: str
    entity: str
    step: str
    body: dict[str, Any]
    call: Callable[[dict[str, Any], str], Answer]
    summarize: Callable[[Answer], dict[str, Any]]
    revision: int = 1
    look_up: Callable[[], Answer | None] | None = None
    # What follows from the answer in our own tables: saved with it, if the job is still ours.
    then: Callable[[dict[str, Any]], None] | None = None


@dataclass(frozen=True)
class Saved:
    """`looks_first`: the database was restored lately, so even what is new may have been done."""

    row_id: int
    looks_first: bool


def new_row(job: JobRun, intent: Intent[Answer], *, key_version: int) -> VendorWrite:
    """One try to write it, not saved yet."""
    return VendorWrite(
        tenant_id=job.tenant_id,
        vendor=intent.vendor,
        operation=intent.operation,
        entity=intent.entity,
        revision=intent.revision,
        step=intent.step,
        key_version=key_version,
        idempotency_key=idempotency.key(
            tenant_id=job.tenant_id,
            vendor_account=intent.vendor_account,
            operation=intent.operation,
            entity=intent.entity,
            revision=intent.revision,
            step=intent.step,
            version=key_version,
        ),
        body=intent.body,
        attempts=1,
        correlation_id=job.cause.correlation_id,
        first_sent_at=timezone.now(),
    )


def save_first(
    job: JobRun, row: VendorWrite, beside: Callable[[], None] | None = None
) -> Saved | None:
    """Save a write that is not known yet. None if it is known, or the job was taken over.

    `beside` saves what must be there whenever the write is, in the same commit.
    """
    values: dict[str, Any] = {
        "job": job.job_id,
        "fence": job.fence,
        "tenant": row.tenant_id,
        "vendor": row.vendor,
        "operation": row.operation,
        "entity": row.entity,
        "revision": row.revision,
        "step": row.step,
        "key": row.idempotency_key,
        "body": json.dumps(row.body),
        "correlation": row.correlation_id,
        "now": row.first_sent_at,
    }
    found = _execute(job, values) if beside is None else _execute_beside(job, values, beside)
    return None if found is None else Saved(row_id=found[0], looks_first=bool(found[1]))


def _execute(job: JobRun, values: dict[str, Any]) -> Row:
    with own_commit(job.tenant_id) as scope, prepared_cursor() as cursor:
        cursor.execute(_SAVE, {**values, **scope})
        found: Row = cursor.fetchone()
        return found


def _execute_beside(job: JobRun, values: dict[str, Any], beside: Callable[[], None]) -> Row:
    found: list[Row] = []
    with tenant_scope(job.tenant_id):
        job.hold_fence()
        ride_with(_SAVE, {**values, "app_scope": str(job.tenant_id)}, found.append)
        beside()
    return found[0]
