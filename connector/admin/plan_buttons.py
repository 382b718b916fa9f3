"""Buttons of other pages that ask for a plan, and the payment mode that is changed by one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html

from connector import routing
from connector.admin.buttons import Button, Click, cause_of, ring_on_commit
from connector.admin.display import link, page_of
from connector.models import Delivery, Plan
from connector.planning.asking import plan_for, plan_mode, plan_sync, plan_work
from connector.planning.proposals import PlanRefused
from connector.roles import MAKE_PLAN, OPERATE
from tenants.models import Tenant

Purpose = Plan.Purpose
MADE = "{rows} is being made: look at it under Plans."
NOT_MADE = "No plan was made: another one of this tenant is being applied, or too much was chosen."


def _plan_deliveries(rows: list[Any], click: Click) -> int:
    deliveries: list[Delivery] = list(rows)
    work = [
        (row.tenant, kind, subject) for row in deliveries for kind, subject in routing.work_of(row)
    ]
    return plan_work(work, cause=click.cause)


def divert_mode(request: HttpRequest, tenant: Tenant, form: ModelForm[Any]) -> None:
    """Changing a tenant that was live to "record" asks for a plan; the mode changes with it.

    Observing and approving write nothing by themselves, so changing to them needs no plan.
    """
    wanted = tenant.payment_mode
    if "payment_mode" not in form.changed_data or tenant.live_at is None:
        return
    if wanted != Tenant.PaymentMode.RECORD:
        return
    tenant.payment_mode = form.initial["payment_mode"]
    form.changed_data.remove("payment_mode")
    try:
        plan = plan_mode(tenant, wanted, cause=cause_of(request, "wants payments recorded"))
    except PlanRefused as refusal:
        messages.error(request, f"{refusal.message} {refusal.next_step}")
        return
    ring_on_commit()
    messages.warning(
        request,
        format_html(
            "Which payments would be recorded is shown in {}; the mode changes once it is approved.",
            link(page_of(plan), "a plan"),
        ),
    )


TENANT_BUTTONS = (
    Button(
        name="plan_import",
        group="Plans",
        label="Plan the import",
        permission=OPERATE,
        explain="Reads everything on both sides and shows what would be done, step by step. Nothing "
        "is written before somebody approves it; a new tenant goes live with it.",
        press=lambda rows, click: plan_for(rows, Purpose.IMPORT, cause=click.cause),
        done=MADE,
        noun="plan",
        nothing=NOT_MADE,
        icon="fact_check",
        fits=lambda row: row.state in {Tenant.State.ONBOARDING, Tenant.State.LIVE},
    ),
    Button(
        name="plan_undo",
        group="Plans",
        label="Plan to undo the import",
        permission=OPERATE,
        explain="Shows which Stripe invoices would be voided or deleted: those that were made here "
        "and on which no money moved. Nothing is taken out before somebody approves it.",
        press=lambda rows, click: plan_for(rows, Purpose.UNDO, cause=click.cause),
        done=MADE,
        noun="plan",
        nothing=NOT_MADE,
        icon="undo",
        fits=lambda row: row.state == Tenant.State.LIVE,
    ),
)
SYNC_BUTTON = Button(
    name="plan_sync",
    label="Plan to synchronize",
    permission=MAKE_PLAN,
    explain="Shows what synchronizing would write for each of them, field by field, before anything "
    "is written.",
    press=lambda rows, click: plan_sync(rows, cause=click.cause),
    done=MADE,
    noun="plan",
    nothing=NOT_MADE,
    icon="fact_check",
)
REPLAY_BUTTON = Button(
    name="plan_replay",
    label="Plan a replay",
    permission=MAKE_PLAN,
    explain="Shows what working on them again would write, before anything is written.",
    press=_plan_deliveries,
    done=MADE,
    noun="plan",
    nothing=NOT_MADE,
    icon="fact_check",
)
