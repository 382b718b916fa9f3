"""What the commands that make and apply plans share: following a plan, and printing it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.core.management.base import CommandError

from connector.jobs.kinds import APPLY_PLAN, MAKE_PLAN
from connector.management.asking import FAILED, LOOK_EVERY_S
from connector.management.tables import table
from connector.models import Plan, PlanStep, SyncJob
from tenants.scope import tenant_scope

WAIT_S = 3600.0
SHOWN = 200
MOVING = (Plan.State.BUILDING, Plan.State.APPROVED, Plan.State.APPLYING)


def jobs_of(plan: Plan) -> list[int]:
    """The jobs that make or apply this plan. Inside the tenant's scope."""
    kinds = (MAKE_PLAN.name, APPLY_PLAN.name)
    return list(
        SyncJob.objects.filter(kind__in=kinds, subject=str(plan.pk)).values_list("pk", flat=True)
    )


def wait_for(plan: Plan, *, seconds: float, tell: Callable[[str], Any]) -> Plan:
    """Until it is made, or applied; progress is told.

    Raises: CommandError if its job failed or is held, or when the time is up.
    """
    deadline = time.monotonic() + seconds
    told = ""
    while True:
        with tenant_scope(plan.tenant_id):
            plan = Plan.objects.select_related("tenant").get(pk=plan.pk)
            progress = _progress(plan)
            broken = SyncJob.objects.filter(pk__in=jobs_of(plan), state__in=FAILED).last()
        if progress != told:
            tell(progress)
            told = progress
        if plan.state not in MOVING:
            return plan
        if broken is not None:
            raise CommandError(f"Job {broken.pk}: {broken.failure_message} {broken.next_step}")
        if time.monotonic() >= deadline:
            raise CommandError(f"Not done after {seconds:g} seconds: {progress}")
        time.sleep(LOOK_EVERY_S)


def _progress(plan: Plan) -> str:
    if plan.state == Plan.State.BUILDING:
        return f"{plan.get_state_display()}: {sum(plan.counts.values())} steps so far"
    if plan.state in MOVING:
        rows = PlanStep.objects.filter(plan=plan).values_list("state", flat=True)
        states = Counter(rows)
        left = states[PlanStep.State.OPEN]
        return (
            f"{plan.get_state_display()}: {sum(states.values()) - left} of {sum(states.values())}"
        )
    return str(plan.get_state_display())


def described(plan: Plan) -> dict[str, Any]:
    """The plan with every step, for machines; names are kept stable."""
    with tenant_scope(plan.tenant_id):
        steps = list(PlanStep.objects.filter(plan=plan).order_by("position"))
    return {
        "plan": str(plan.public_id),
        "tenant": plan.tenant.slug,
        "purpose": plan.purpose,
        "state": plan.state,
        "hash": plan.hash,
        "counts": plan.counts,
        "reason": plan.reason,
        "steps": [_step(step) for step in steps],
    }


def _step(step: PlanStep) -> dict[str, Any]:
    names = ("position", "action", "entity", "label", "fields", "reason", "state", "outcome")
    return {name: getattr(step, name) for name in names}


def table_of(plan: Plan) -> str:
    """The plan for the terminal: counts, steps, and how to apply it."""
    with tenant_scope(plan.tenant_id):
        steps = list(PlanStep.objects.filter(plan=plan).order_by("position")[:SHOWN])
    total = sum(plan.counts.values())
    rows = [[str(row.position), row.action, row.label or row.entity, _short(row)] for row in steps]
    counts = ", ".join(f"{name} {count}" for name, count in sorted(plan.counts.items()))
    lines = [
        f"{plan.tenant.name}: {plan.get_purpose_display()}, {total} steps ({counts or 'none'})",
        table(["No.", "What", "Client or invoice", "How or why"], rows, right=[0]),
    ]
    if total > len(steps):
        lines.append(f"… and {total - len(steps)} more; --json prints all of them.")
    if plan.reason:
        lines.append(plan.reason)
    if plan.state == Plan.State.PROPOSED:
        lines.append(f"Apply it with: manage.py apply {plan.public_id} --hash {plan.hash}")
    return "\n".join(lines)


def _short(step: PlanStep) -> str:
    shown = [
        f"{name} {field['before'] + ' → ' if 'before' in field else ''}{field.get('after', '')}"
        for name, field in step.fields.items()
        if name in {"Total", "Amount", "Due date", "State in Stripe"}
    ]
    return ", ".join(shown) or step.reason
