"""Plans: what would be done, step by step and field by field, before it is done."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    column,
    counted,
    exact_time_column,
    link,
    list_of,
    state_column,
    text_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, StateFilter, TimeFilter
from connector.admin.related import entries_of, rows_table
from connector.models import Plan, PlanStep
from connector.planning.asking import approve_plans, discard_plans
from connector.roles import APPROVE_PLAN

ACTIONS = dict(PlanStep.Action.choices)
STATES = dict(PlanStep.State.choices)
ORDER = (
    "Number",
    "Name",
    "Customer",
    "E-mail",
    "Lines",
    "Discount",
    "Tax",
    "Total",
    "Payment",
    "Amount",
    "Date",
    "Due date",
    "State in Stripe",
    "Emailed by Stripe",
)
IN_SHORT = ("Total", "Amount", "State in Stripe", "E-mail", "Name", "Stripe customer")


def _summary(plan: Plan) -> str:
    """What it does, by kind, each a link to exactly those steps."""
    shown = [
        link(
            list_of(PlanStep, plan__id__exact=plan.pk, action__exact=name),
            f"{ACTIONS[name]}: {count}",
        )
        for name, count in sorted(plan.counts.items())
    ]
    return SafeString(" · ".join(shown)) if shown else NOTHING


def _progress(plan: Plan) -> str:
    """How far its application is, each state a link to its steps."""
    rows = PlanStep.objects.filter(plan=plan).order_by().values_list("state")
    found = dict(rows.annotate(steps=Count("pk")))
    shown = [
        link(
            list_of(PlanStep, plan__id__exact=plan.pk, state__exact=name),
            f"{STATES[name]}: {count}",
        )
        for name, count in sorted(found.items())
    ]
    return SafeString(" · ".join(shown)) if shown else NOTHING


def _counts(plan: Plan) -> str:
    doing = {name: count for name, count in plan.counts.items() if name != PlanStep.Action.SKIP}
    parts = [f"{ACTIONS[name]}: {count}" for name, count in sorted(doing.items())]
    return " · ".join(parts) or "Nothing to do"


def _fields(step: PlanStep) -> SafeString:
    """In the order of an invoice; the database keeps none."""
    ordered = sorted(step.fields.items(), key=lambda item: (_rank(item[0]), item[0]))
    return render_to_string("connector/admin/step_fields.html", {"fields": dict(ordered)})


def _rank(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _in_short(step: PlanStep) -> str:
    """The figures that matter most, for the list."""
    named = [name for name in IN_SHORT if name in step.fields]
    parts = []
    for name in named[:2]:
        field = step.fields[name]
        before = f"{field['before']} → " if "before" in field else ""
        parts.append(f"{name} {before}{field.get('after', '')}")
    return ", ".join(parts) or step.reason or NOTHING


def _is(*states: str) -> Any:
    return lambda plan: plan.state in states


@admin.register(Plan)
class PlanPage(OperatorsPage):
    """One plan with its counts; its steps are a list of their own."""

    buttons = (
        Button(
            name="approve",
            label="Approve and apply",
            permission=APPROVE_PLAN,
            explain="Exactly the steps of this plan are done, with the hash that is shown. What "
            "changed since it was made is left alone, and planned anew.",
            press=lambda rows, click: approve_plans(rows, cause=click.cause),
            done="{rows} approved; the work begins now.",
            noun="plan",
            nothing="Not approved: it does not wait for approval any more, the tenant's settings "
            "changed since it was made, or another plan is being applied. Make a new one.",
            icon="check",
            variant="primary",
            fits=_is(Plan.State.PROPOSED),
        ),
        Button(
            name="discard",
            label="Discard",
            permission=APPROVE_PLAN,
            explain="Throws the plan away. Nothing was written, and nothing will be.",
            press=lambda rows, click: discard_plans(rows, cause=click.cause),
            done="{rows} discarded.",
            noun="plan",
            nothing="It was approved or ended already.",
            icon="delete",
            fits=_is(Plan.State.PROPOSED, Plan.State.BUILDING),
        ),
    )
    empty_text = (
        "There is no plan yet. A first import, a change of payment mode to “record”, a bulk replay "
        "and the undo of an import show here what they would do, before they do it."
    )
    list_display = (
        column("Plan", lambda row: row.get_purpose_display(), order="purpose"),
        "tenant",
        state_column("State", "state", tones.PLAN),
        column("Does", _counts),
        column("Leaves alone", lambda row: row.counts.get(PlanStep.Action.SKIP, 0)),
        "made_by",
        time_column("Made", "made_at"),
        column("Approved by", lambda row: row.approved_by or NOTHING, order="approved_by"),
    )
    list_filter = (
        BY_TENANT,
        ("state", StateFilter),
        ("purpose", StateFilter),
        ("made_at", TimeFilter),
    )
    ordering = ("-pk",)
    fieldsets = (
        section(
            None,
            "tenant",
            column("For", lambda row: row.get_purpose_display()),
            state_column("State", "state", tones.PLAN),
            column("How it stands", lambda row: row.reason or NOTHING),
        ),
        section(
            "What it does",
            column("Steps", lambda row: counted(sum(row.counts.values()), "step")),
            column("By kind", _summary),
            column("Progress", _progress),
            text_column("Hash", lambda row: row.hash or NOTHING),
            note="Each kind leads to its steps, field by field. Only exactly these steps can be "
            "approved: the hash is taken over all of them.",
        ),
        section(
            "Who",
            "made_by",
            exact_time_column("Made", "made_at"),
            column("Approved by", lambda row: row.approved_by or NOTHING),
            exact_time_column("Approved", "approved_at"),
            exact_time_column("Ended", "finished_at"),
        ),
        section(
            "Audit trail",
            column(
                "Entries",
                lambda row: rows_table(entries_of(row.tenant_id, f"plan:{row.public_id}")),
            ),
        ),
    )


@admin.register(PlanStep)
class PlanStepPage(OperatorsPage):
    """One step of a plan, with each field as it is and as it would be."""

    joins = ("tenant", "plan")
    empty_text = "There are no such steps."
    list_display = (
        column("No.", lambda row: row.position, order="position"),
        column("What", lambda row: row.get_action_display(), order="action"),
        column("Client or invoice", lambda row: row.label or row.entity, order="label"),
        column("In short", _in_short),
        state_column("State", "state", tones.PLAN_STEP),
        column("Outcome", lambda row: row.outcome or NOTHING),
        column("Plan", lambda row: str(row.plan)),
        "tenant",
    )
    list_filter = (
        BY_TENANT,
        ("action", StateFilter),
        ("state", StateFilter),
    )
    search_fields = ("label", "entity", "reason", "outcome")
    ordering = ("-plan", "position")
    fieldsets = (
        section(
            None,
            "tenant",
            "plan",
            column("What", lambda row: row.get_action_display()),
            column("Client or invoice", lambda row: row.label or row.entity),
            column("Named", lambda row: row.entity),
            column("Why", lambda row: row.reason or NOTHING),
        ),
        section("Field by field", column("Fields", _fields)),
        section(
            "What became of it",
            state_column("State", "state", tones.PLAN_STEP),
            column("Outcome", lambda row: row.outcome or NOTHING),
            exact_time_column("Begun", "begun_at"),
            exact_time_column("Settled", "done_at"),
            text_column("Fingerprint", lambda row: row.fingerprint),
        ),
    )

    def lookup_allowed(self, lookup: str, value: str, request: Any) -> bool:
        """One plan's steps are reached from the plan's page."""
        return lookup == "plan__id__exact" or super().lookup_allowed(lookup, value, request)
