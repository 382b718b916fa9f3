"""Closing a month, and opening it again: decisions of a person, each with its audit entry.

A closed month is not frozen: facts that arrive later are kept, and what they change is shown
beside what the books said when it was closed (`changes`).
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from audit.recording import Cause, record
from connector.models import ClosedPeriod
from connector.statement.building import build_statement
from connector.statement.canonical import statement_hash
from connector.statement.months import Month
from connector.statement.reading import last_fact
from connector.statement.records import Statement
from tenants.models import Tenant


class CannotClose(ValueError):
    """The month is closed already, or not over yet, or it was not closed at all."""


def find_closed(month: Month) -> ClosedPeriod | None:
    """How the month was closed, if it is. Inside the tenant's scope."""
    found: ClosedPeriod | None = ClosedPeriod.objects.filter(
        month=month.first_day, reopened_at__isnull=True
    ).first()
    return found


def close_month(tenant: Tenant, month: Month, *, cause: Cause) -> ClosedPeriod:
    """Keep what the books of a month say now. Inside the tenant's scope.

    Raises: CannotClose with a sentence for people.
    """
    list(
        Tenant.objects.select_for_update().filter(pk=tenant.pk)
    )  # two people do not close it twice
    if find_closed(month) is not None:
        raise CannotClose(f"{month} is closed already.")
    last = last_fact()
    statement = build_statement(tenant, month)
    if statement.ends_at > timezone.now():
        raise CannotClose(f"{month} is not over yet in {tenant.time_zone}.")
    made: ClosedPeriod = ClosedPeriod.objects.create(
        tenant=tenant,
        month=month.first_day,
        closed_at=timezone.now(),
        closed_by=cause.actor[:150],
        statement_hash=statement_hash(statement),
        figures=figures_of(statement, last),
    )
    details = {"statement_sha256": made.statement_hash, "totals": made.figures["totals"]}
    _record(tenant, "month.closed", month, cause, details)
    return made


def reopen_month(tenant: Tenant, month: Month, *, reason: str, cause: Cause) -> ClosedPeriod:
    """Take a closing back; it stays in the list of closings. Inside the tenant's scope.

    Raises: CannotClose if the month is not closed or no reason is given.
    """
    list(Tenant.objects.select_for_update().filter(pk=tenant.pk))
    closed = find_closed(month)
    if closed is None:
        raise CannotClose(f"{month} is not closed.")
    if not reason.strip():
        raise CannotClose("Say why the month is opened again.")
    closed.reopened_at = timezone.now()
    closed.reopened_by = cause.actor[:150]
    closed.reopened_because = reason.strip()[:300]
    closed.save(update_fields=["reopened_at", "reopened_by", "reopened_because"])
    _record(tenant, "month.reopened", month, cause, {"reason": closed.reopened_because})
    return closed


def figures_of(statement: Statement, last: int) -> dict[str, Any]:
    """What is kept of a closed month: the sums of each invoice and each currency."""
    return {
        "last_fact": last,
        "invoices": [
            {
                "invoice": line.invoice,
                "number": line.number,
                "currency": line.currency,
                "opening": dict(line.opening),
                "closing": dict(line.closing),
            }
            for line in statement.invoices
        ],
        "totals": [
            {
                "currency": line.currency,
                "opening": dict(line.opening),
                "closing": dict(line.closing),
                "loose_closing": line.loose_closing,
            }
            for line in statement.totals
        ],
    }


def _record(
    tenant: Tenant, action: str, month: Month, cause: Cause, details: dict[str, Any]
) -> None:
    record(
        tenant_id=tenant.pk, action=action, entity=f"month:{month}", cause=cause, details=details
    )
