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
    exact,
    exact_time_column,
    money,
    money_column,
    state_column,
    text_column,
)
from connector.admin.filters import (
    BY_TENANT,
    CurrencyFilter,
    DisputeFilter,
    LoweringFilter,
    StateFilter,
    TimeFilter,
)
from connector.admin.same_money import for_twins
from connector.models import CollectedPayment
from connector.roles import APPROVE
from connector.sync.return_facts import CLOSED
from tenants.models import Tenant


def _method(row: CollectedPayment) -> str:
    return " ".join(part for part in (row.card_brand, row.method_type) if part) or NOTHING


def went_back(row: CollectedPayment) -> str:
    """What became of the money after it was collected, in plain words."""
    parts = []
    if row.refunded_minor:
        whole = row.refunded_minor == row.amount_minor
        parts.append(f"{money(row.refunded_minor, row.currency)} refunded{' (all)' * whole}")
    if row.dispute_status:
        parts.append(_dispute(row))
    if row.refunds_unclear:
        parts.append("a part went back, and how much of this invoice's money cannot be told")
    return "; ".join(parts) or NOTHING


def _dispute(row: CollectedPayment) -> str:
    amount = money(row.disputed_minor, row.currency)
    if row.dispute_status == "lost":
        more = money(row.open_dispute_minor, row.currency) if row.open_dispute_minor else ""
        open_one = f"; {more} disputed ({_words(row.open_dispute_status)})" if more else ""
        return f"{amount} lost to a dispute{open_one}{_due(row) if more else ''}"
    if row.dispute_status in CLOSED:
        return f"dispute over ({row.dispute_status.replace('_', ' ')})"
    return f"{amount} disputed ({_words(row.dispute_status)}){_due(row)}"


def _words(status: str) -> str:
    return status.replace("_", " ")


def _due(row: CollectedPayment) -> str:
    return f", answer it by {exact(row.dispute_due_at)}" if row.dispute_due_at else ""


def proposal(row: CollectedPayment) -> str:
    """What FreshBooks should show instead, and whose word it waits for."""
    if row.lowering_proposed_minor is None:
        return NOTHING
    to = money(row.lowering_proposed_minor, row.currency)
    what = f"show {to}" if row.lowering_proposed_minor else "remove the payment"
    state = "waits for approval" if row.waits_for_lowering else "approved, being done"
    return f"{what} ({state})"


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
            name="follow",
            label="Let FreshBooks follow",
            permission=APPROVE,
            explain="Money of this payment went back. Our payment in FreshBooks is lowered to the "
            "amount shown here, or removed if nothing is left, and the invoice is outstanding again "
            "there by as much.",
            press=lambda rows, click: decisions.approve_lowering(_ids(rows), cause=click.cause),
            done="{rows} approved, queued to be changed in FreshBooks.",
            noun="change",
            nothing="Nothing of these payments went back that FreshBooks should follow, or their "
            "tenant only observes (see its payment mode).",
            icon="undo",
            variant="primary",
            fits=lambda row: row.waits_for_lowering and not _only_observed(row),
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
        *for_twins(lambda rows: [row.invoice_id for row in rows]),
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
        text_column("Went back", went_back),
        text_column("FreshBooks should", proposal, order="lowering_proposed_minor"),
        column("Method", _method),
        column("Approved by", lambda row: row.approved_by or NOTHING, order="approved_by"),
        text_column("Reason", lambda row: row.reason),
    )
    list_filter = (
        BY_TENANT,
        ("recording", StateFilter),
        LoweringFilter,
        DisputeFilter,
        CurrencyFilter,
        ("paid_at", TimeFilter),
    )
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
            column("Went back", went_back),
            money_column("Kept", "kept_minor"),
            difference_column("Difference", "kept_minor", "freshbooks_amount_minor"),
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
            column("FreshBooks should", proposal),
            column(
                "Change allowed by",
                lambda row: (
                    f"{row.lowering_approved_by}, to "
                    f"{money(row.lowering_approved_to_minor, row.currency)}"
                    if row.lowering_approved_by
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
