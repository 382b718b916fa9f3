"""After a database was restored from a backup, it may have forgotten what was done at the vendors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from audit.recording import Cause, record
from connector.jobs import kinds, ledger
from tenants.models import Tenant


def look_first(tenants: Sequence[Tenant], *, until: datetime, cause: Cause) -> None:
    """Look for whatever is new before it is made, and compare everything. Inside a scope."""
    for tenant in sorted(tenants, key=lambda row: row.pk):
        tenant.looks_first_until = until
        tenant.save(update_fields=["looks_first_until"])
        if tenant.is_live:
            ledger.enqueue(tenant_id=tenant.pk, kind=kinds.RECONCILE_ALL, cause=cause)
        record(
            tenant_id=tenant.pk,
            action="tenant.restored",
            entity=f"tenant:{tenant.pk}",
            cause=cause,
            details={"looks_first_until": until.isoformat()},
        )
