"""Where both sides disagree."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Case, When

from connector import decisions
from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    column,
    difference_column,
    exact_time_column,
    money_column,
    state_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, DiscrepancyKindFilter, StateFilter, TimeFilter
from connector.admin.same_money import for_twins
from connector.models import Discrepancy
from connector.roles import LOOK_AFTER

WORST_FIRST = Case(
    When(severity=Discrepancy.Severity.ERROR, then=0),
    When(severity=Discrepancy.Severity.WARNING, then=1),
    default=2,
)


@admin.register(Discrepancy)
class DiscrepancyPage(OperatorsPage):
    """One difference, with both figures."""

    buttons = (
        Button(
            name="look_after",
            label="I look after it",
            permission=LOOK_AFTER,
            explain="Puts your name on it, so that others know.",
            press=lambda rows, click: decisions.look_after(rows, cause=click.cause),
            done="{rows} in your care now.",
            noun="discrepancy",
            icon="person_add",
            fits=lambda row: row.state == Discrepancy.State.OPEN,
        ),
        *for_twins(lambda rows: [row.invoice_id for row in rows if row.invoice_id is not None]),
    )
    editable = ("owner",)
    changed_action = "discrepancy.owner_set"
    empty_text = (
        "Both sides agree. Wherever FreshBooks and Stripe differ by one minor unit, a line with "
        "both figures appears here; it closes by itself once they agree again."
    )
    list_display = (
        column("Kind", lambda row: row.kind.replace("_", " "), order="kind"),
        "tenant",
        column("Invoice", lambda row: str(row.invoice or row.subject)),
        state_column("Severity", "severity", tones.SEVERITY),
        state_column("State", "state", tones.DISCREPANCY),
        money_column("FreshBooks", "freshbooks_minor"),
        money_column("Stripe", "stripe_minor"),
        difference_column("Difference", "freshbooks_minor", "stripe_minor"),
        column("Owner", lambda row: row.owner or NOTHING, order="owner"),
        time_column("Open since", "opened_at"),
    )
    list_filter = (
        BY_TENANT,
        ("state", StateFilter),
        ("severity", StateFilter),
        DiscrepancyKindFilter,
        ("opened_at", TimeFilter),
    )
    joins = ("tenant", "invoice")
    search_fields = ("subject", "invoice__number", "explanation", "owner")
    ordering = ("-state", WORST_FIRST, "-opened_at")
    date_hierarchy = "opened_at"
    fieldsets = (
        section(
            None,
            "tenant",
            "invoice",
            column("Kind", lambda row: row.kind.replace("_", " ")),
            state_column("Severity", "severity", tones.SEVERITY),
            state_column("State", "state", tones.DISCREPANCY),
        ),
        section(
            "Figures",
            money_column("FreshBooks", "freshbooks_minor"),
            money_column("Stripe", "stripe_minor"),
            difference_column("Difference", "freshbooks_minor", "stripe_minor"),
            column("What it means", lambda row: row.explanation),
            column("What to do", lambda row: row.suggested_step or NOTHING),
        ),
        section("Who looks after it", "owner"),
        section(
            "Times",
            exact_time_column("Opened", "opened_at"),
            exact_time_column("Last seen", "last_seen_at"),
            exact_time_column("Closed", "closed_at"),
            "reopened",
        ),
    )
