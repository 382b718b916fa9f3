"""Rows of a plan, as a replay of two invoices leaves them."""

from __future__ import annotations

from typing import Any

from connector.models import Plan, PlanStep
from tenants.models import Tenant
from tests.factories import unique_number


def make_plan(tenant: Tenant, **values: Any) -> Plan:
    """A plan that waits for approval, with one step that does something and one that does not."""
    made = {"counts": {"create": 1, "skip": 1}, "state": Plan.State.PROPOSED, "hash": "a" * 64}
    plan: Plan = Plan.objects.create(
        tenant=tenant, purpose=Plan.Purpose.REPLAY, made_by="ada", **(made | values)
    )
    fields = {"Total": {"before": "10.00 CAD", "after": "12.00 CAD"}, "Lines": {"after": "2"}}
    for position, (action, reason) in enumerate((("create", ""), ("skip", "Nothing is due."))):
        PlanStep.objects.create(
            tenant=tenant,
            plan=plan,
            position=position + 1,
            action=action,
            entity=f"invoice:{unique_number()}",
            label=f"INV-{position + 1:04}",
            fields={} if reason else fields,
            reason=reason,
            fingerprint="f" * 64,
        )
    return plan
