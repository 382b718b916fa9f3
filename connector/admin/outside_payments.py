"""Money that people recorded in FreshBooks, and what Stripe was told of it."""

from __future__ import annotations

from django.contrib import admin

from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.display import (
    NOTHING,
    QUIET,
    badge,
    column,
    exact_time_column,
    money_column,
    state_column,
    time_column,
)
from connector.admin.filters import BY_TENANT, DayFilter, StateFilter
from connector.models import OutsidePayment


@admin.register(OutsidePayment)
class OutsidePaymentPage(OperatorsPage):
    """A payment that stands in FreshBooks and was not made by us."""

    empty_text = (
        "Nobody recorded a payment in FreshBooks yet. Cheques, cash and credits entered there "
        "appear here with what Stripe was told of them."
    )
    list_display = (
        column("Payment", lambda row: str(row.freshbooks_payment_id)),
        "tenant",
        "invoice",
        money_column("Amount", "amount_minor"),
        money_column("Told to Stripe", "reported_amount_minor"),
        "paid_on",
        "type",
        state_column("Reporting", "reporting", tones.REPORTING),
        column("Deleted", lambda row: badge("deleted", QUIET) if row.deleted else NOTHING),
        time_column("First seen", "first_seen_at"),
    )
    list_filter = (BY_TENANT, ("reporting", StateFilter), "deleted", ("paid_on", DayFilter))
    joins = ("tenant", "invoice")
    search_fields = ("freshbooks_payment_id__exact", "invoice__number")
    search_help_text = "FreshBooks payment id or invoice number"
    ordering = ("-id",)
    date_hierarchy = "paid_on"
    fieldsets = (
        section(
            None,
            "tenant",
            "invoice",
            money_column("Amount", "amount_minor"),
            "paid_on",
            "type",
            column("Gateway", lambda row: row.gateway or NOTHING),
            "deleted",
            column("FreshBooks payment", lambda row: str(row.freshbooks_payment_id)),
            exact_time_column("First seen", "first_seen_at"),
        ),
        section(
            "In Stripe",
            state_column("Reporting", "reporting", tones.REPORTING),
            column("Reason", lambda row: row.reason or NOTHING),
            money_column("Told to Stripe", "reported_amount_minor"),
            column("On invoice", lambda row: row.reported_on_stripe_invoice or NOTHING),
            column(
                "Payment record",
                lambda row: row.stripe_payment_record_id or "none (paid out of band)",
            ),
            exact_time_column("Reported", "reported_at"),
        ),
    )
