"""A statement with what stands beside it: what changed since the month, or the one before, was closed."""

from __future__ import annotations

from dataclasses import dataclass

from audit.models import AuditChain
from connector.models import ClosedPeriod
from connector.statement.building import build_statement
from connector.statement.changes import Carried, Changes, carried_over, changes_since
from connector.statement.closing import find_closed
from connector.statement.months import Month
from connector.statement.records import Statement
from tenants.models import Tenant


@dataclass(frozen=True, kw_only=True)
class Made:
    """A statement, ready to be written in any format: that asks the database for nothing more."""

    statement: Statement
    closed: ClosedPeriod | None
    changes: Changes | None  # None where the month is not closed
    carried: tuple[Carried, ...]  # differences to the closed month before
    audit_sequence: int  # the head of the tenant's audit chain
    audit_hash: str

    @property
    def title(self) -> str:
        """What stands above it."""
        found = self.statement
        return f"{found.tenant_name}: statement {found.month} ({found.time_zone})"


def make_statement(tenant: Tenant, month: Month) -> Made:
    """Build it and compare it with what was closed. Inside the tenant's scope."""
    statement = build_statement(tenant, month)
    head = AuditChain.objects.filter(tenant_id=tenant.pk).first()
    closed, before = find_closed(month), find_closed(month.preceding)
    return Made(
        statement=statement,
        closed=closed,
        changes=None if closed is None else changes_since(closed, statement),
        carried=() if before is None else carried_over(before, statement),
        audit_sequence=head.last_sequence if head else 0,
        audit_hash=head.last_hash if head else "",
    )
