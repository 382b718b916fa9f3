"""Clients and their Stripe customers."""

from __future__ import annotations

from django.contrib import admin

from connector import decisions
from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    column,
    exact_time_column,
    lines,
    link,
    list_of,
    state_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, StateFilter, TimeFilter
from connector.admin.related import entries_of, jobs_of, rows_table
from connector.jobs.kinds import SYNC_CLIENT
from connector.models import ClientLink, InvoiceLink
from connector.roles import SYNC_CLIENT as MAY_SYNC


def _trail(row: ClientLink) -> str:
    subject = str(row.freshbooks_client_id)
    jobs = jobs_of(row.tenant_id, kind=SYNC_CLIENT.name, subject=subject)
    return rows_table([*jobs, *entries_of(row.tenant_id, f"client:{subject}")])


@admin.register(ClientLink)
class ClientPage(OperatorsPage):
    """A FreshBooks client and its Stripe customer."""

    buttons = (
        Button(
            name="sync_now",
            label="Sync now",
            permission=MAY_SYNC,
            explain="Reads the client in FreshBooks and brings its Stripe customer in step.",
            press=lambda rows, click: decisions.sync_clients(rows, cause=click.cause),
            done="{rows} queued to be synchronized.",
            noun="client",
            icon="sync",
            variant="primary",
        ),
    )
    empty_text = (
        "No client came over yet. Each FreshBooks client with its Stripe customer appears here "
        "after the first poll or webhook."
    )
    list_display = (
        column("Client", str, order="name"),
        "tenant",
        column("E-mail", lambda row: row.email or NOTHING, order="email"),
        state_column("State", "state", tones.CLIENT),
        column("Stripe customer", lambda row: row.stripe_customer_id or NOTHING),
        column("Remarks", lambda row: str(len(row.notes)) if row.notes else NOTHING),
        time_column("Synchronized", "synced_at"),
    )
    list_filter = (BY_TENANT, ("state", StateFilter), ("synced_at", TimeFilter))
    search_fields = ("name", "email", "stripe_customer_id__exact", "freshbooks_client_id__exact")
    search_help_text = "Name, e-mail, Stripe customer id or FreshBooks client id"
    ordering = ("name", "id")
    fieldsets = (
        section(
            None,
            "tenant",
            "name",
            "email",
            state_column("State", "state", tones.CLIENT),
            column("Reason", lambda row: row.reason or NOTHING),
            column("Not carried over", lambda row: lines(row.notes)),
            column(
                "Invoices",
                lambda row: link(
                    list_of(InvoiceLink, client__id__exact=row.pk), "Invoices of this client"
                ),
            ),
        ),
        section(
            "Ids",
            column("FreshBooks client", lambda row: str(row.freshbooks_client_id)),
            column("Stripe customer", lambda row: row.stripe_customer_id or NOTHING),
            column("Updates sent", lambda row: str(row.revision)),
            column("Changed in FreshBooks", lambda row: row.freshbooks_updated or NOTHING),
            exact_time_column("Synchronized", "synced_at"),
        ),
        section("Trail", column("Jobs and audit entries", _trail)),
    )
