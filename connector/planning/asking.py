"""The ways in which people ask for plans. Inside the caller's scope; each answers how many it made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from audit.recording import Cause
from connector.jobs.kinds import SYNC_CLIENT, SYNC_INVOICE, Kind
from connector.models import ClientLink, InvoiceLink, Plan
from connector.planning.proposals import PlanRefused, approve, discard, propose
from tenants.models import Tenant

KEYS = {SYNC_CLIENT: "clients", SYNC_INVOICE: "invoices"}


def plan_for(tenants: Sequence[Tenant], purpose: Plan.Purpose, *, cause: Cause) -> int:
    """A plan for each of these tenants, unless one of theirs is being applied."""
    made = 0
    for tenant in sorted(tenants, key=lambda row: row.pk):
        try:
            propose(tenant, purpose, cause=cause)
        except PlanRefused:
            continue
        made += 1
    return made


def plan_mode(tenant: Tenant, mode: str, *, cause: Cause) -> Plan:
    """What recording from now on would write. Raises PlanRefused."""
    return propose(tenant, Plan.Purpose.MODE, cause=cause, options={"mode": mode})


def plan_sync(rows: Iterable[InvoiceLink | ClientLink], *, cause: Cause) -> int:
    """What synchronizing these again would write: one plan for each tenant."""
    return plan_work(
        (
            (row.tenant, SYNC_INVOICE, str(row.freshbooks_invoice_id))
            if isinstance(row, InvoiceLink)
            else (row.tenant, SYNC_CLIENT, str(row.freshbooks_client_id))
            for row in rows
        ),
        cause=cause,
    )


def plan_work(work: Iterable[tuple[Tenant, Kind, str]], *, cause: Cause) -> int:
    """What this work would write: one plan for each tenant; other kinds of work write nothing."""
    chosen: dict[Tenant, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for tenant, kind, subject in work:
        if kind in KEYS and int(subject) not in chosen[tenant][KEYS[kind]]:
            chosen[tenant][KEYS[kind]].append(int(subject))
    made = 0
    for tenant in sorted(chosen, key=lambda row: row.pk):
        try:
            propose(tenant, Plan.Purpose.REPLAY, cause=cause, options=dict(chosen[tenant]))
        except PlanRefused:
            continue
        made += 1
    return made


def approve_plans(plans: Iterable[Plan], *, cause: Cause) -> int:
    """Have these plans applied, as they were shown."""
    approved = 0
    for plan in plans:
        try:
            approve(plan.pk, plan.hash, cause=cause)
        except PlanRefused:
            continue
        approved += 1
    return approved


def discard_plans(plans: Iterable[Plan], *, cause: Cause) -> int:
    """Throw these plans away."""
    return sum(discard(plan.pk, cause=cause) for plan in plans)
