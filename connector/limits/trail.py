"""What the trail and the log tell of limits: when something begins and ends, never each call."""

from __future__ import annotations

import logging
import uuid

from audit.recording import Cause, KeysErased, record
from connector.jobs.context import current_run
from connector.limits import reads
from connector.limits.answers import Noted
from connector.limits.taking import BREAK_AFTER_FAILURES
from connector.models import RateBucket
from connector.vendors.gate import CallReport
from tenants.scope import every_tenant, tenant_scope

log = logging.getLogger(__name__)
MOST_TOLD = 200


def tell(tenant_id: int, call: CallReport, noted: Noted, *, paused_s: float) -> None:
    """The breaker of this account opened or closed with this call, or its reads run short."""
    before, after = noted.failures_before, noted.failures
    if before < BREAK_AFTER_FAILURES <= after:
        log.warning("%s does not answer; no calls for %.0f s", call.vendor, paused_s)
        _record(tenant_id, call, "vendor.paused", {"failures": after, "seconds": round(paused_s)})
    elif after < BREAK_AFTER_FAILURES <= before:
        _record(tenant_id, call, "vendor.resumed", {"failures": before})
    if call.vendor == "stripe" and call.method == "GET":
        _warn_of_reads(tenant_id, call, noted)


def incident(tenant_id: int, call: CallReport, *, opened: bool) -> None:
    """In the trail of each tenant that got no answers, and of the one whose call showed it."""
    action = "vendor.incident_opened" if opened else "vendor.incident_closed"
    with every_tenant():
        affected = those_without_answers(call.vendor)
    for one in sorted({tenant_id, *affected}):
        _record(one, call, action, {})


def those_without_answers(vendor: str) -> list[int]:
    """Tenants whose last call got no answer, up to a bound. In a scope over all."""
    rows = RateBucket.objects.filter(vendor=vendor, endpoint="", failures__gt=0)
    return list(rows.order_by("tenant_id").values_list("tenant_id", flat=True)[:MOST_TOLD])


def _warn_of_reads(tenant_id: int, call: CallReport, noted: Noted) -> None:
    """Once, with the read that crosses the share; a budget by payments moves, so it is looked up."""
    if not reads.may_be_short(noted.reads, noted.reads_allowed):
        return
    with tenant_scope(tenant_id):
        budget = reads.allowed(noted.reads_allowed, transactions=reads.transactions().count())
    if noted.reads == int(reads.WARN_SHARE * budget):
        log.warning("%d of %d reads of Stripe used this month", noted.reads, budget)
        _record(tenant_id, call, "stripe.reads_short", {"used": noted.reads, "allowed": budget})


def _record(tenant_id: int, call: CallReport, action: str, details: dict[str, object]) -> None:
    run = current_run()
    cause = run.cause if run else Cause("worker", "vendor calls", uuid.uuid4())
    try:
        with tenant_scope(tenant_id):
            record(
                tenant_id=tenant_id,
                action=action,
                entity=f"vendor:{call.vendor}",
                cause=cause,
                details={"operation": call.operation, **details},
            )
    except KeysErased:
        log.warning("%s for an erased tenant", action)
