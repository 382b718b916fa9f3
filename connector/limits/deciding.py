"""What a person decides about limits: let calls pass again, end an incident. Inside a scope."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from audit.recording import Cause, record
from connector.limits import incidents
from connector.limits.trail import those_without_answers
from connector.models import RateBucket, VendorIncident


def let_pass(rows: Iterable[RateBucket], *, cause: Cause) -> int:
    """Close the breaker, end the wait, and forget what 429s taught. How many rows that changed."""
    done = 0
    for given in rows:
        row = RateBucket.objects.select_for_update().get(pk=given.pk)
        before = {"failures": row.failures, "blocked_until": str(row.blocked_until or "")}
        row.failures, row.blocked_until, row.updated_at = 0, None, timezone.now()
        row.ceiling_per_s = row.lowered_per_s = row.lowered_at = row.slow_until = None
        row.save()
        record(
            tenant_id=row.tenant_id,
            action="rate_limit.let_pass",
            entity=f"ratebucket:{row.pk}",
            cause=cause,
            details={"vendor": row.vendor, "endpoint": row.endpoint, "before": before},
        )
        done += 1
    return done


def end_incidents(rows: Iterable[VendorIncident], *, cause: Cause) -> int:
    """Let all tenants call again, slowly at first. It opens again if most get no answers."""
    done = 0
    for row in rows:
        affected = those_without_answers(row.vendor)
        if not incidents.close(row.vendor):
            continue
        for tenant_id in affected:
            record(
                tenant_id=tenant_id,
                action="vendor.incident_closed",
                entity=f"vendor:{row.vendor}",
                cause=cause,
                details={},
            )
        done += 1
    return done
