"""Money that Stripe collected, and the person's word on recording it in FreshBooks."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

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
    text_column,
)
from connector.admin.filters import BY_TENANT, CurrencyFilter, StateFilter, TimeFilter
from connector.models import CollectedPayment
from connector.roles import APPROVE
from tenants.models import Tenant


def _method(row: CollectedPayment) -> str:
    return " ".join(part for part in (row.card_brand, row.method_type) if part) or NOTHING


def _only_observed(row: CollectedPayment) -> bool:
    """Whether its tenant chose that nothing is ever written into FreshBooks."""
    return row.tenant.payment_mode == Tenant.PaymentMode.OBSERVE


def _ids(rows: list[Any]) -> list[int]:
    return [row.pk for row in rows]


@admin.register(CollectedPayment)
class CollectedPaymentPage(OperatorsPage):
    """One payment that Stripe collected for an invoice."""

    buttons = (
        Button(
            name="approve",
            label="Approve",
            permission=APPROVE,
            explain="Records this payment in FreshBooks. Before anything is written, the invoice "
            "is read again: a payment that no longer fits is not recorded but comes back to you.",
            press=lambda rows, click: decisions.approve_payments(_ids(rows), cause=click.cause),
            done="{rows} approved, queued to be recorded in FreshBooks.",
            noun="payment",
            nothing="Nothing was approved: none of these payments waits for anybody's word, or "
            "their tenant only observes (see its payment mode).",
            icon="check_circle",
            variant="primary",
            fits=lambda row: row.recording in decisions.APPROVABLE and not _only_observed(row),
        ),
        Button(
            name="leave",
            label="Leave it",
            permission=APPROVE,
            explain="Nothing is written into FreshBooks for this payment. It stays visible here "
            "with your reason, and can be approved later.",
            press=lambda rows, click: decisions.leave_payments(
                _ids(rows), reason=click.reason, cause=click.cause
            ),
            done="{rows} left alone.",
            noun="payment",
            nothing="Only payments that wait for somebody can be left alone.",
            icon="do_not_disturb_on",
            asks_reason=True,
            fits=lambda row: row.recording in decisions.LEAVABLE,
        ),
    )
    empty_text = (
        "Stripe collected nothing yet. Every payment on a mirrored invoice appears here, with what "
        "became of it in FreshBooks."
    )
    list_display = (
        column("Paid", lambda row: f"{row.paid_at:%Y-%m-%d %H:%M}" if row.paid_at else NOTHING),
        "tenant",
        "invoice",
        money_column("Collected", "amount_minor"),
        money_column("In FreshBooks", "freshbooks_amount_minor"),
        state_column("Recording", "recording", tones.RECORDING),
        column("Method", _method),
        column("Approved by", lambda row: row.approved_by or NOTHING, order="approved_by"),
        text_column("Reason", lambda row: row.reason),
    )
    list_filter = (BY_TENANT, ("recording", StateFilter), CurrencyFilter, ("paid_at", TimeFilter))
    joins = ("tenant", "invoice")
    search_fields = (
        "stripe_invoice_payment_id__exact",
        "stripe_payment_intent_id__exact",
        "stripe_charge_id__exact",
        "freshbooks_payment_id__exact",
        "invoice__number",
    )
    search_help_text = "Invoice number, or a Stripe or FreshBooks payment id in full"
    ordering = ("-id",)
    date_hierarchy = "paid_at"
    fieldsets = (
        section(
            None,
            "tenant",
            "invoice",
            money_column("Collected", "amount_minor"),
            money_column("In FreshBooks", "freshbooks_amount_minor"),
            difference_column("Difference", "amount_minor", "freshbooks_amount_minor"),
            exact_time_column("Paid", "paid_at"),
            column("Method", _method),
        ),
        section(
            "In FreshBooks",
            state_column("Recording", "recording", tones.RECORDING),
            column("Reason", lambda row: row.reason or NOTHING),
            column(
                "Approved",
                lambda row: (
                    f"{row.approved_by}, {row.approved_at:%Y-%m-%d %H:%M} UTC"
                    if row.approved_at
                    else NOTHING
                ),
            ),
            column("FreshBooks payment", lambda row: str(row.freshbooks_payment_id or NOTHING)),
            column("Marker in its note", lambda row: row.marker or NOTHING),
            "attempts",
            exact_time_column("Sent", "sent_at"),
            exact_time_column("Recorded", "recorded_at"),
        ),
        section(
            "In Stripe",
            column("Status", lambda row: row.status),
            column("Invoice payment", lambda row: row.stripe_invoice_payment_id),
            column("Invoice", lambda row: row.stripe_invoice_id),
            column("Payment intent", lambda row: row.stripe_payment_intent_id or NOTHING),
            column("Charge", lambda row: row.stripe_charge_id or NOTHING),
            exact_time_column("First seen", "first_seen_at"),
        ),
    )
