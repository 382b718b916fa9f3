"""New invoices as the poll's list showed them: their first sync need not read them one by one.

A body is believed for a minute, and only while nobody but the poll asked for the sync: any other hint
may tell of something newer. And only for an invoice that is not known here, so that nothing that was
read later is ever written over.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone

from config.prepared import prepared_cursor
from config.riding import ride_along
from connector.jobs.kinds import SYNC_INVOICE
from connector.models import ListedInvoice
from connector.sync.context import SyncRun
from connector.vendors.freshbooks.parsing import to_invoice
from connector.vendors.freshbooks.records import FreshBooksInvoice
from connector.vendors.reading import Fields
from tenants.scope import SCOPED, own_commit

BELIEVED = timedelta(seconds=60)
MOST = 300  # of a tenant: of more that wait at once, most are read anew anyway

_FIND = (
    SCOPED  # noqa: S608 - text of ours
    + """,
found AS (SELECT one.body FROM scope CROSS JOIN LATERAL (
    SELECT listed.body FROM connector_listedinvoice listed
    JOIN connector_syncjob job ON job.id = listed.job_id
    WHERE listed.tenant_id = %(tenant)s AND listed.job_id = %(job)s AND listed.read_at > %(since)s
      AND job.hints = 1 AND scope.held <> ''
      AND NOT EXISTS (
          SELECT 1 FROM connector_invoicelink known
          WHERE known.tenant_id = listed.tenant_id AND known.freshbooks_invoice_id = %(invoice)s)
    OFFSET 0) one)
SELECT body FROM found
"""
)


def keep_listed(tenant_id: int, bodies: Mapping[int, Mapping[str, object]]) -> None:
    """Keep bodies by the job that was asked for. Inside a scope."""
    now = timezone.now()
    room = MOST - ListedInvoice.objects.count()
    rows = [
        ListedInvoice(tenant_id=tenant_id, job_id=job_id, body=_packed(body), read_at=now)
        for job_id, body in list(bodies.items())[: max(0, room)]
    ]
    ListedInvoice.objects.bulk_create(rows, ignore_conflicts=True)


def listed_invoice(run: SyncRun, invoice_id: int) -> FreshBooksInvoice | None:
    """The invoice as it was listed a moment ago, if that may be believed."""
    if run.job.kind != SYNC_INVOICE.name or run.job.attempt > 1:
        return None
    values: dict[str, Any] = {
        "tenant": run.tenant_id,
        "job": run.job.job_id,
        "invoice": invoice_id,
        "since": timezone.now() - BELIEVED,
    }
    with own_commit(run.tenant_id) as scope, prepared_cursor() as cursor:
        cursor.execute(_FIND, {**values, **scope})
        row = cursor.fetchone()
    if row is None:
        return None
    invoice = to_invoice(_unpacked(bytes(row[0])))
    return invoice if invoice.id == invoice_id else None


def forget_listed(job_id: int) -> None:
    """It was used. Inside a scope, before its next statement."""
    ride_along(f"DELETE FROM connector_listedinvoice WHERE job_id = {job_id:d}")  # noqa: S608 - a number


def forget_old_listed() -> None:
    """Those that were never used. Inside a scope."""
    ListedInvoice.objects.filter(read_at__lt=timezone.now() - BELIEVED).delete()


def _packed(body: Mapping[str, object]) -> bytes:
    """Decimals become text, as FreshBooks writes most of them itself."""
    return zlib.compress(json.dumps(body, default=str).encode())


def _unpacked(body: bytes) -> Fields:
    return Fields.of(json.loads(zlib.decompress(body)), vendor="freshbooks", where="invoice")
