"""What the set-up's page shows of the plan for the first import, and what it does with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Count

from audit.recording import Cause
from connector.connecting.go_live import missing_for_live
from connector.connecting.refusals import ConnectRefused
from connector.models import Plan, PlanStep
from connector.planning.proposals import PlanRefused, approve, propose
from tenants.models import Tenant
from tenants.scope import tenant_scope

State = Plan.State
SHOWN_STEPS = 25
SHOWN_REASONS = 8


@dataclass(frozen=True, kw_only=True)
class PlanOnPage:
    """The latest plan for a first import as the page shows it."""

    plan: Plan
    summary: list[tuple[str, int]] = field(default_factory=list)
    reasons: list[tuple[str, int]] = field(default_factory=list)  # why things are left alone
    steps: list[PlanStep] = field(default_factory=list)
    more: int = 0
    done: int = 0
    total: int = 0

    @property
    def is_moving(self) -> bool:
        """Whether the page should look again by itself."""
        return self.plan.state in {State.BUILDING, State.APPROVED, State.APPLYING}


def plan_on_page(tenant: Tenant) -> PlanOnPage | None:
    """None while none was asked for, and once the tenant has been live. Inside the scope."""
    if tenant.live_at is not None:
        return None
    plans = Plan.objects.filter(purpose=Plan.Purpose.IMPORT).exclude(state=State.DISCARDED)
    plan = plans.order_by("-pk").first()
    if plan is None:
        return None
    steps = PlanStep.objects.filter(plan=plan)
    doing = steps.exclude(action=PlanStep.Action.SKIP)
    left = steps.filter(action=PlanStep.Action.SKIP).exclude(reason="")
    told = left.order_by().values_list("reason").annotate(count=Count("pk")).order_by("-count")
    labels = dict(PlanStep.Action.choices)
    shown = list(doing.order_by("position")[:SHOWN_STEPS])
    total = doing.count()
    return PlanOnPage(
        plan=plan,
        summary=[(labels[name], count) for name, count in sorted(plan.counts.items())],
        reasons=list(told[:SHOWN_REASONS]),
        steps=shown,
        more=total - len(shown),
        done=doing.exclude(state=PlanStep.State.OPEN).count(),
        total=total,
    )


def start_plan(tenant: Tenant, *, cause: Cause, if_ready: bool = False) -> None:
    """Have the first import planned, once nothing is missing.

    Raises: ConnectRefused with what is missing, unless it is asked for only `if_ready`.
    """
    with tenant_scope(tenant.pk):
        missing = missing_for_live(tenant)
        if missing and not if_ready:
            raise ConnectRefused(
                "This tenant is not ready yet.", code="not_ready", next_step=" ".join(missing)
            )
        if not missing:
            propose(tenant, Plan.Purpose.IMPORT, cause=cause)


def approve_first_import(tenant: Tenant, hash_: str, *, cause: Cause) -> None:
    """Approve the plan that the page showed: the tenant is live once it is applied.

    Raises: ConnectRefused without a plan, or if it is not the one that was shown.
    """
    with tenant_scope(tenant.pk):
        missing = missing_for_live(tenant)
        shown = plan_on_page(tenant)
        if missing or shown is None:
            raise ConnectRefused(
                "There is no plan to approve yet.",
                code="no_plan",
                next_step=" ".join(missing) or "Look at the plan first.",
            )
        try:
            approve(shown.plan.pk, hash_, cause=cause)
        except PlanRefused as refusal:
            raise ConnectRefused(
                refusal.message, code=refusal.code, next_step=refusal.next_step
            ) from refusal
