"""Plans in the admin: who may approve them, what is shown, and a mode that is planned first."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from django.urls import reverse

from connector.models import Plan, PlanStep, SyncJob
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.admin.test_buttons import CONFIRM, url_of
from tests.admin.world import World

SignedIn = Callable[[str], Client]


def plans(world: World) -> list[Plan]:
    with every_tenant():
        return list(Plan.objects.filter(tenant=world.tenant).order_by("pk"))


def press(browser: Client, row: Plan, button: str) -> int:
    return browser.post(url_of(row, button), CONFIRM).status_code


def change(browser: Client, tenant: Tenant, **values: str) -> None:
    """Save the tenant's page with these values."""
    url = reverse("admin:tenants_tenant_change", args=[tenant.pk])
    form = browser.get(url).context["adminform"].form
    shown = {name: form[name].value() for name in form.fields}
    data = {name: "" if value is None else value for name, value in shown.items()}
    data = {name: value for name, value in data.items() if value is not False}
    answer = browser.post(url, data | values)
    assert answer.status_code == 302, answer.context["errors"]


def test_a_step_is_shown_field_by_field(world: World, signed_in: SignedIn) -> None:
    with every_tenant():
        step = PlanStep.objects.filter(tenant=world.tenant, action="create").get()
    page = signed_in("finance").get(reverse("admin:connector_planstep_change", args=[step.pk]))
    text = page.content.decode()
    assert page.status_code == 200
    for word in ("Field by field", "10.00 CAD", "12.00 CAD", "Lines"):
        assert word in text


def test_a_plan_leads_to_its_steps_by_kind(world: World, signed_in: SignedIn) -> None:
    browser = signed_in("support")
    (plan,) = plans(world)
    page = browser.get(reverse("admin:connector_plan_change", args=[plan.pk])).content.decode()
    assert "Create in Stripe: 1" in page
    url = reverse("admin:connector_planstep_changelist")
    only = {"plan__id__exact": str(plan.pk), "action__exact": "skip"}
    one = browser.get(url, only).content.decode()
    assert ("INV-0002" in one, "INV-0001" in one) == (True, False)


def test_support_cannot_approve_and_finance_can(
    world: World, signed_in: SignedIn, rung: set[str]
) -> None:
    (plan,) = plans(world)
    assert press(signed_in("support"), plan, "approve") == 403
    assert press(signed_in("staff"), plan, "discard") == 403
    assert plans(world)[0].state == Plan.State.PROPOSED
    press(signed_in("finance"), plan, "discard")
    assert plans(world)[0].state == Plan.State.DISCARDED


def test_a_plan_with_another_hash_is_not_approved(world: World, signed_in: SignedIn) -> None:
    """Its steps are not those that the hash was taken of."""
    (plan,) = plans(world)
    browser = signed_in("superuser")
    assert press(browser, plan, "approve") == 302
    assert plans(world)[0].state == Plan.State.PROPOSED
    page = browser.get(reverse("admin:connector_plan_changelist")).content.decode()
    assert "Not approved" in page


def test_recording_is_planned_and_observing_holds_at_once(
    world: World, signed_in: SignedIn, rung: set[str]
) -> None:
    browser = signed_in("superuser")
    change(browser, world.tenant, payment_mode="record")
    world.tenant.refresh_from_db()
    assert world.tenant.payment_mode == "approve"
    plan = plans(world)[-1]
    assert (plan.purpose, plan.options, plan.state) == ("mode", {"mode": "record"}, "building")
    with every_tenant():
        assert SyncJob.objects.filter(kind="make_plan", subject=str(plan.pk)).exists()
    change(browser, world.tenant, payment_mode="observe")
    world.tenant.refresh_from_db()
    assert world.tenant.payment_mode == "observe"
