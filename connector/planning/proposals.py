"""What people decide about plans: have one made, approve it, discard it.

Each function runs inside the caller's scope and transaction and queues the work that follows.
"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from audit.recording import Cause, record
from connector.errors import ConnectorError, FailureMode
from connector.jobs import ledger
from connector.jobs.kinds import APPLY_PLAN, MAKE_PLAN, REGISTER_WEBHOOKS
from connector.models import Plan, PlanStep
from connector.planning.hashing import plan_hash
from tenants.models import FreshBooksConnection, StripeConnection, Tenant

State = Plan.State
URGENT = 5  # a person is waiting
UNDECIDED = (State.BUILDING, State.PROPOSED)
UNDER_WAY = (State.APPROVED, State.APPLYING)
MOST_CHOSEN = 10_000


class PlanRefused(ConnectorError):
    """The plan cannot be made, approved or applied as it was asked for."""

    failure_mode = FailureMode.NEEDS_PERSON


def propose(
    tenant: Tenant,
    purpose: Plan.Purpose,
    *,
    cause: Cause,
    options: dict[str, Any] | None = None,
) -> Plan:
    """Have a plan made; an older one for the same purpose that nobody approved is discarded.

    Options: "invoices" and "clients" name FreshBooks ids (replay), "mode" the payment mode that is
        wanted, "import" the plan whose import is undone; without it everything made here is.
    Raises: PlanRefused if a plan of this tenant is being applied, or too much was chosen.
    """
    Tenant.objects.select_for_update().get(pk=tenant.pk)
    _refuse_while_applying(tenant)
    chosen = dict(options or {})
    if sum(len(chosen.get(name, ())) for name in ("invoices", "clients")) > MOST_CHOSEN:
        raise PlanRefused(
            f"At most {MOST_CHOSEN:,} invoices and clients fit into one plan.",
            code="too_many",
            next_step="Choose fewer, and make a second plan after the first one.",
        )
    for older in Plan.objects.filter(tenant=tenant, purpose=purpose, state__in=UNDECIDED):
        _end(older, State.DISCARDED, "A newer plan took its place.", cause, "plan.discarded")
    plan: Plan = Plan.objects.create(
        tenant=tenant, purpose=purpose, options=chosen, made_by=cause.actor[:150]
    )
    if purpose == Plan.Purpose.IMPORT and not tenant.is_live:
        ledger.enqueue(tenant_id=tenant.pk, kind=REGISTER_WEBHOOKS, cause=cause)
    ledger.enqueue(
        tenant_id=tenant.pk, kind=MAKE_PLAN, subject=str(plan.pk), cause=cause, priority=URGENT
    )
    _record(plan, "plan.asked", cause, {"options": _short(chosen)})
    return plan


def approve(plan_id: int, hash_: str, *, cause: Cause) -> Plan:
    """Have exactly this plan applied.

    Raises: PlanRefused if the hash is not this plan's, if it does not wait for approval, or if the
        tenant's settings or connections are not those it was made for.
    """
    plan: Plan = Plan.objects.select_for_update().select_related("tenant").get(pk=plan_id)
    if plan.state != State.PROPOSED:
        raise PlanRefused(
            f"This plan does not wait for approval: {plan.get_state_display().lower()}.",
            code="not_proposed",
            next_step="Make a new plan.",
        )
    steps = PlanStep.objects.filter(plan=plan).order_by("position")
    if hash_ != plan.hash or plan_hash(plan, steps.iterator(chunk_size=500)) != plan.hash:
        raise PlanRefused(
            "The hash is not this plan's: what was approved is not what would be done.",
            code="other_hash",
            next_step="Look at the plan again and approve the hash that it shows, or discard it.",
        )
    refuse_other_settings(plan)
    _refuse_while_applying(plan.tenant)
    plan.state, plan.approved_by, plan.approved_at = State.APPROVED, cause.actor, timezone.now()
    plan.save(update_fields=["state", "approved_by", "approved_at"])
    ledger.enqueue(
        tenant_id=plan.tenant_id,
        kind=APPLY_PLAN,
        subject=str(plan.pk),
        cause=cause,
        priority=URGENT,
    )
    _record(plan, "plan.approved", cause, {"hash": plan.hash, "counts": plan.counts})
    return plan


def discard(plan_id: int, *, cause: Cause, reason: str = "") -> bool:
    """Throw a plan away that nobody approved; False if it is too late."""
    plan = Plan.objects.select_for_update().get(pk=plan_id)
    if plan.state not in UNDECIDED:
        return False
    _end(plan, State.DISCARDED, reason or "Discarded.", cause, "plan.discarded")
    return True


def settings_of(tenant: Tenant) -> dict[str, str]:
    """Everything outside of the books that decides what is done. Inside the tenant's scope."""
    freshbooks = FreshBooksConnection.objects.filter(tenant=tenant).first()
    stripe = StripeConnection.objects.filter(tenant=tenant).first()
    return {
        "payment_mode": tenant.payment_mode,
        "email_sender": tenant.email_sender,
        "own_pay_button": tenant.own_pay_button,
        "time_zone": tenant.time_zone,
        "start_date": str(tenant.start_date or ""),
        "freshbooks": freshbooks.account_id if freshbooks else "",
        "stripe": stripe.account_id if stripe else "",
    }


def refuse_other_settings(plan: Plan) -> None:
    """Raises PlanRefused if the tenant's settings are not those that the plan was made for."""
    before, now = dict(plan.options.get("settings", {})), settings_of(plan.tenant)
    if plan.state in UNDER_WAY and now["payment_mode"] == plan.options.get("mode"):
        before["payment_mode"] = now["payment_mode"]  # which this very plan has set
    other = [name.replace("_", " ") for name in now if now[name] != before.get(name)]
    if other:
        raise PlanRefused(
            f"The tenant's settings changed since the plan was made: {', '.join(other)}.",
            code="settings_changed",
            next_step="Make a new plan.",
        )


def _refuse_while_applying(tenant: Tenant) -> None:
    if Plan.objects.filter(tenant=tenant, state__in=UNDER_WAY).exists():
        raise PlanRefused(
            "Another plan of this tenant is being applied.",
            code="under_way",
            next_step="Wait until it has ended.",
        )


def _end(plan: Plan, state: Plan.State, reason: str, cause: Cause, action: str) -> None:
    plan.state, plan.reason, plan.finished_at = state, reason, timezone.now()
    plan.save(update_fields=["state", "reason", "finished_at"])
    _record(plan, action, cause, {"reason": reason})


def _record(plan: Plan, action: str, cause: Cause, details: dict[str, Any]) -> None:
    record(
        tenant_id=plan.tenant_id,
        action=action,
        entity=f"plan:{plan.public_id}",
        cause=cause,
        details={"purpose": plan.purpose} | details,
    )


def _short(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: len(value) if isinstance(value, list) else value for name, value in options.items()
    }
