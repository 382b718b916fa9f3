"""Invoices: both sides beside each other, and each step from delivery to record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from connector import decisions
from connector.admin import timeline, tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    QUIET,
    badge,
    column,
    difference,
    difference_column,
    exact,
    exact_time_column,
    lines,
    money,
    money_column,
    outside_link,
    page_of,
    state_column,
    time_column,
)
from connector.admin.filters import (
    BY_TENANT,
    CollectionFilter,
    CurrencyFilter,
    DayFilter,
    StateFilter,
)
from connector.admin.journal import facts_of
from connector.admin.payments import proposal, went_back
from connector.admin.plan_buttons import SYNC_BUTTON
from connector.admin.same_money import for_twins
from connector.models import Discrepancy, InvoiceLink
from connector.roles import SEND_AGAIN, SYNC_INVOICE
from connector.sync.own_collector import AUTOBILL, PAY_BUTTON

BUTTONS = (
    Button(
        name="sync_now",
        label="Sync now",
        permission=SYNC_INVOICE,
        explain="Reads the invoice on both sides and does what is missing. If nothing is missing, "
        "nothing is written.",
        press=lambda rows, click: decisions.sync_invoices(rows, cause=click.cause),
        done="{rows} queued to be synchronized.",
        noun="invoice",
        icon="sync",
        variant="primary",
    ),
    Button(
        name="send_again",
        label="Send to Stripe again",
        permission=SEND_AGAIN,
        explain="Somebody voided or deleted this invoice in Stripe, so it was not made again. This "
        "makes a new one there, and the client can be asked to pay it.",
        press=lambda rows, click: decisions.send_again(rows, cause=click.cause),
        done="{rows} queued to be sent to Stripe again.",
        noun="invoice",
        nothing="Nobody voided or deleted these invoices in Stripe.",
        icon="send",
        fits=lambda link: any(row.retired_by_person for row in link.revisions.all()),
    ),
)


@dataclass(frozen=True)
class Figure:
    """One line of the comparison."""

    name: str
    freshbooks: str
    stripe: str
    difference: str = ""


def figures(link: InvoiceLink, parts: timeline.Parts) -> list[Figure]:
    """Both sides' figures of one invoice, with what they differ by."""

    def compared(name: str, freshbooks: int | None, stripe: int | None) -> Figure:
        known = freshbooks is not None or stripe is not None
        gap = difference((freshbooks or 0) - (stripe or 0), link.currency) if known else NOTHING
        return Figure(name, money(freshbooks, link.currency), money(stripe, link.currency), gap)

    collected = sum(row.amount_minor for row in parts.collected)
    recorded = sum(row.freshbooks_amount_minor or 0 for row in parts.collected)
    others = [row for row in parts.outside if not row.stands_for_stripe]
    outside = sum(row.amount_minor for row in others if not row.deleted)
    reported = sum(row.reported_amount_minor or 0 for row in parts.outside)
    return [
        compared("Total", link.freshbooks_total_minor, link.stripe_total_minor),
        compared("Paid", link.freshbooks_paid_minor, link.stripe_paid_minor),
        compared("Outstanding", link.freshbooks_outstanding_minor, link.stripe_remaining_minor),
        compared("Collected by Stripe", recorded, collected),
        Figure("Of it went back", NOTHING, money(link.returned_minor or None, link.currency)),
        compared("Kept", recorded, collected - link.returned_minor),
        compared("Paid elsewhere", outside, reported),
        Figure("Status", link.freshbooks_status or NOTHING, link.stripe_status or NOTHING),
    ]


def _states(link: InvoiceLink) -> str:
    """Where it stands in Stripe, and what became of its money."""
    return format_html("{} {}", *_badges(link))


def _badges(link: InvoiceLink) -> tuple[str, str]:
    money_state = link.collection_status.replace("_", " ").capitalize() or "Not known yet"
    return (
        badge(link.get_state_display(), tones.INVOICE.get(link.state, QUIET)),
        badge(money_state, tones.COLLECTION.get(link.collection_status, QUIET)),
    )


def _went_back(link: InvoiceLink) -> str:
    return money(link.returned_minor, link.currency) if link.returned_minor else NOTHING


def _dispute_due(link: InvoiceLink) -> str:
    return f"{link.dispute_due_at:%Y-%m-%d %H:%M} UTC" if link.dispute_due_at else NOTHING


def _own_collector(link: InvoiceLink) -> str:
    words = {AUTOBILL: "yes, by autobill", PAY_BUTTON: "yes, its own pay button is on"}
    asked = f" (asked {exact(link.own_collector_at)})" if link.own_collector_at else ""
    return words.get(link.own_collector, "no") + asked


@admin.register(InvoiceLink)
class InvoicePage(OperatorsPage):
    """One FreshBooks invoice and where it stands on both sides."""

    buttons = (*BUTTONS, *for_twins(lambda links: [link.pk for link in links]), SYNC_BUTTON)
    change_form_outer_before_template = "connector/admin/invoice.html"
    empty_text = (
        "No invoice came over yet. Each FreshBooks invoice appears here after the first poll or "
        "webhook, with both sides' figures and what they differ by."
    )
    list_display = (
        column("Invoice", str, order="number"),
        "tenant",
        column("Client", lambda row: str(row.client or NOTHING), order="client__name"),
        column("State", _states, order="state"),
        difference_column("Difference", "freshbooks_outstanding_minor", "stripe_remaining_minor"),
        money_column("FreshBooks", "freshbooks_total_minor"),
        money_column("Stripe", "stripe_total_minor"),
        money_column("Outstanding", "freshbooks_outstanding_minor"),
        money_column("In Stripe", "stripe_remaining_minor"),
        column("Went back", _went_back, order="returned_minor"),
        column("Dispute due", _dispute_due, order="dispute_due_at"),
        time_column("Synchronized", "synced_at"),
    )
    list_filter = (
        BY_TENANT,
        ("state", StateFilter),
        CollectionFilter,
        CurrencyFilter,
        ("issued_on", DayFilter),
    )
    joins = ("tenant", "client")
    search_fields = (
        "number",
        "client__name",
        "stripe_invoice_id__exact",
        "freshbooks_invoice_id__exact",
        "revisions__stripe_invoice_id__exact",
    )
    search_help_text = "Invoice number, client, Stripe invoice id or FreshBooks invoice id"
    ordering = ("-issued_on", "-id")
    date_hierarchy = "issued_on"
    fieldsets = (
        section(
            "More",
            "tenant",
            "client",
            state_column("State", "state", tones.INVOICE),
            column("Reason", lambda row: row.reason or NOTHING),
            column("Adapted on the way", lambda row: lines(row.notes)),
            "issued_on",
            "due_on",
            column("FreshBooks invoice", lambda row: str(row.freshbooks_invoice_id)),
            column("Stripe invoice", lambda row: row.stripe_invoice_id or NOTHING),
            column(
                "Client's payment page",
                lambda row: (
                    outside_link(row.hosted_invoice_url, "open")
                    if row.hosted_invoice_url
                    else NOTHING
                ),
            ),
            column("Went back", _went_back),
            column("Dispute to be answered by", _dispute_due),
            column("FreshBooks collects it too", _own_collector),
            column("Changed in FreshBooks", lambda row: row.freshbooks_updated or NOTHING),
            exact_time_column("First seen", "created_at"),
            exact_time_column("Synchronized", "synced_at"),
        ),
    )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The comparison and the story above the plain fields."""
        link = self.get_object(request, object_id)
        told = _told(link, request.user) if link is not None else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | told)


def _told(link: InvoiceLink, user: Any) -> dict[str, Any]:
    parts = timeline.Parts.of(link)
    return {
        "link": link,
        "badges": _badges(link),
        "figures": figures(link, parts),
        "revisions": [_revision(row) for row in parts.revisions],
        "journal": facts_of(link),
        "payments": [*map(_collected, parts.collected), *map(_outside, parts.outside)],
        "discrepancies": [_discrepancy(row) for row in link.discrepancies.order_by("-state", "pk")],
        "steps": timeline.story(parts, user),
    }


def _revision(row: Any) -> dict[str, Any]:
    ended = f"{row.retired_because} " if row.retired_because else ""
    by_person = "Not made again unless you ask for it." if row.retired_by_person else ""
    return {
        "number": row.revision,
        "id": row.stripe_invoice_id or NOTHING,
        "state": badge(row.get_state_display(), tones.REVISION.get(row.state, QUIET)),
        "made": exact(row.created_at),
        "note": f"{ended}{by_person}" or NOTHING,
    }


def _collected(row: Any) -> dict[str, Any]:
    return {
        "url": page_of(row),
        "way": "Stripe → FreshBooks",
        "id": row.stripe_invoice_payment_id,
        "amount": money(row.amount_minor, row.currency),
        "there": money(row.freshbooks_amount_minor, row.currency),
        "state": badge(row.get_recording_display(), tones.RECORDING.get(row.recording, QUIET)),
        "note": _remarks(row),
    }


def _remarks(row: Any) -> str:
    """What went back of it, what FreshBooks should follow with, and why it waits."""
    proposed = proposal(row)
    follow = f"FreshBooks should {proposed}" if proposed != NOTHING else NOTHING
    parts = [part for part in (went_back(row), follow, row.reason) if part and part != NOTHING]
    return ". ".join(parts) or NOTHING


def _outside(row: Any) -> dict[str, Any]:
    return {
        "url": page_of(row),
        "way": "FreshBooks → Stripe",
        "id": f"{row.freshbooks_payment_id} ({row.type})",
        "amount": money(row.amount_minor, row.currency),
        "there": money(row.reported_amount_minor, row.currency),
        "state": badge(row.get_reporting_display(), tones.REPORTING.get(row.reporting, QUIET)),
        "note": row.reason or ("Deleted in FreshBooks." if row.deleted else NOTHING),
    }


def _discrepancy(row: Discrepancy) -> dict[str, Any]:
    return {
        "url": page_of(row),
        "kind": row.kind.replace("_", " "),
        "severity": badge(row.get_severity_display(), tones.SEVERITY.get(row.severity, QUIET)),
        "state": badge(row.get_state_display(), tones.DISCREPANCY.get(row.state, QUIET)),
        "freshbooks": money(row.freshbooks_minor, row.currency),
        "stripe": money(row.stripe_minor, row.currency),
        "explanation": row.explanation,
        "step": row.suggested_step,
    }
