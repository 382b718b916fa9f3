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
from connector.admin.same_money import OTHER, SAME, TAKE_BACK
from connector.models import OutsidePayment


def _decision(row: OutsidePayment) -> str:
    """What somebody said about it."""
    if not row.decided_by:
        return NOTHING
    what = "taken back: not decided"
    if row.same_money_as is not None:
        paid = row.same_money_as
        payment = paid.stripe_payment_intent_id or paid.stripe_charge_id
        what = f"the same money as Stripe's payment {payment}"
    elif row.other_money:
        what = "other money than Stripe's"
    at = f" on {row.decided_at:%Y-%m-%d %H:%M} UTC" if row.decided_at else ""
    return f"{what}, by {row.decided_by}{at}: {row.decided_because}"


def _decided(row: OutsidePayment) -> str:
    """The same in two words, for the list."""
    if row.same_money_as_id is not None:
        return badge("same money", QUIET)
    return badge("other money", QUIET) if row.other_money else NOTHING


@admin.register(OutsidePayment)
class OutsidePaymentPage(OperatorsPage):
    """A payment that stands in FreshBooks and was not made by us."""

    buttons = (SAME, OTHER, TAKE_BACK)
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
        column("Decided", _decided),
        column("Deleted", lambda row: badge("deleted", QUIET) if row.deleted else NOTHING),
        time_column("First seen", "first_seen_at"),
    )
    list_filter = (BY_TENANT, ("reporting", StateFilter), "deleted", ("paid_on", DayFilter))
    joins = ("tenant", "invoice", "same_money_as")
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
        section("What money it is", column("Decided", _decision)),
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
