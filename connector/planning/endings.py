"""How the application of a plan begins and ends, and what follows from it."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count
from django.utils import timezone

from audit.recording import Cause, record
from connector.connecting.go_live import go_live
from connector.jobs import ledger
from connector.jobs.context import JobRun
from connector.jobs.kinds import SYNC_INVOICE
from connector.models import Plan, PlanStep
from connector.planning.entities import Entity
from connector.planning.proposals import propose
from tenants.models import Tenant
from tenants.scope import tenant_scope

State = PlanStep.State
SHOWN = 5  # so many changes are told in the plan's own reason


def begin(plan: Plan, *, cause: Cause) -> None:
    """From approved to being applied: a new mode holds from now on."""
    plan.state = Plan.State.APPLYING
    plan.save(update_fields=["state"])
    if plan.purpose != Plan.Purpose.MODE:
        return
    before, mode = plan.tenant.payment_mode, str(plan.options["mode"])
    Tenant.objects.filter(pk=plan.tenant_id).update(payment_mode=mode)
    plan.tenant.payment_mode = mode
    record(
        tenant_id=plan.tenant_id,
        action="tenant.settings_changed",
        entity=f"tenant:{plan.tenant_id}",
        cause=cause,
        details={"before": {"payment_mode": before}, "after": {"payment_mode": mode}},
    )


def finish(job: JobRun, plan: Plan) -> str:
    """Every step is settled: say how it ended, go live, or have a new plan made of what is left."""
    with tenant_scope(job.tenant_id):
        counts = _by_state(plan)
        is_live = Tenant.objects.get(pk=job.tenant_id).is_live
    first_import = plan.purpose == Plan.Purpose.IMPORT and not is_live
    if first_import and not counts[State.CHANGED]:
        go_live(job.tenant_id, cause=job.cause)
    changed = counts[State.CHANGED]
    with tenant_scope(job.tenant_id):
        job.hold_fence()
        plan.state = Plan.State.REFUSED if changed else Plan.State.APPLIED
        plan.reason = _told(plan, counts)
        plan.finished_at = timezone.now()
        plan.save(update_fields=["state", "reason", "finished_at"])
        record(
            tenant_id=plan.tenant_id,
            action=f"plan.{plan.state}",
            entity=f"plan:{plan.public_id}",
            cause=job.cause,
            details={"purpose": plan.purpose, "steps": dict(counts), "reason": plan.reason},
        )
        _look_at_failed(plan, job.cause)
        if changed:
            _plan_again(plan, job.cause)
    return plan.reason


def _by_state(plan: Plan) -> Counter[str]:
    rows = PlanStep.objects.filter(plan=plan).order_by().values_list("state")
    return Counter(dict(rows.annotate(steps=Count("pk"))))


def _told(plan: Plan, counts: Counter[str]) -> str:
    total = sum(counts.values())
    parts = [f"{counts[State.DONE]} of {total} steps done"]
    if counts[State.FAILED]:
        parts.append(f"{counts[State.FAILED]} failed")
    if not counts[State.CHANGED]:
        return f"{', '.join(parts)}."
    parts.append(f"{counts[State.CHANGED]} not done, because something changed")
    rows = PlanStep.objects.filter(plan=plan, state=State.CHANGED).order_by("position")[:SHOWN]
    told = " ".join(f"{row.label or row.entity}: {row.outcome}" for row in rows)
    return f"{', '.join(parts)}. {told}"


def _look_at_failed(plan: Plan, cause: Cause) -> None:
    """What failed becomes usual work: it is tried again, and shows among what needs somebody."""
    rows = PlanStep.objects.filter(plan=plan, state=State.FAILED)
    for name in set(rows.values_list("entity", flat=True)):
        entity = Entity.named(name)
        if entity.job_kind == SYNC_INVOICE and plan.purpose != Plan.Purpose.UNDO:
            ledger.enqueue(
                tenant_id=plan.tenant_id,
                kind=SYNC_INVOICE,
                subject=str(entity.number),
                cause=cause,
            )


def _plan_again(plan: Plan, cause: Cause) -> None:
    """The same question to the world as it is now. A new mode holds already: what is left of it."""
    options = {name: value for name, value in plan.options.items() if name != "settings"}
    propose(plan.tenant, Plan.Purpose(plan.purpose), cause=cause, options=options)
