"""Unmatched money: payments in Stripe without an invoice, what they may be for, and the decision."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from connector import allocating, decisions_matching
from connector.admin import matching_page, tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    column,
    exact_time_column,
    money,
    money_column,
    outside_link,
    state_column,
    text_column,
)
from connector.admin.filters import BY_TENANT, ChoiceFilter, CurrencyFilter, StateFilter, TimeFilter
from connector.models import StrayPayment
from connector.roles import MATCH

WAITING_FIRST = Case(When(state__in=allocating.OPEN, then=0), default=1)
STRIPE_PAYMENT = "https://dashboard.stripe.com/payments/{}"


class WhoseFilter(ChoiceFilter):
    """Stripe's own business, such as subscriptions, stands apart from what may be FreshBooks'."""

    title = "origin"
    parameter_name = "origin"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [
            ("none", "No invoice at all"),
            ("foreign", "A Stripe invoice that did not come from FreshBooks"),
            ("held", "Bank transfer that Stripe holds"),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """The rows that remain."""
        held = StrayPayment.Via.CASH_BALANCE
        if self.value() == "held":
            return queryset.filter(via=held)
        if self.value() == "foreign":
            return queryset.exclude(foreign_invoice_id="")
        if self.value() == "none":
            return queryset.filter(foreign_invoice_id="").exclude(via=held)
        return queryset


def _payer(row: StrayPayment) -> str:
    return row.payer_name or row.payer_email or (str(row.client) if row.client else NOTHING)


def in_words(row: StrayPayment) -> str:
    """What a list says about a payment: its best suggestion, or why there is none."""
    if row.state == StrayPayment.State.IGNORED:
        return row.reason
    if row.via == StrayPayment.Via.CASH_BALANCE and row.is_open:
        return "Stripe holds it for the customer and has not applied it."
    if not row.is_open:
        return ""
    if not row.suggestions:
        return "Nothing fits it yet."
    best = row.suggestions[0]
    if best["unique"]:
        return f"{best['title']}: the one exact fit. {best['evidence'][0]}"
    rivals = f" Others fit as well: {', '.join(best['rivals'][:3])}." if best["rivals"] else ""
    return f"{best['title']}? {best['evidence'][0]}{rivals}"


def _may_match(row: StrayPayment) -> bool:
    return row.is_open and row.via != StrayPayment.Via.CASH_BALANCE


def _in_stripe(row: StrayPayment) -> str:
    if row.via == StrayPayment.Via.CASH_BALANCE:
        return row.payment_id
    return outside_link(STRIPE_PAYMENT.format(row.payment_id), row.payment_id)


BUTTONS = (
    Button(
        name="accept",
        label="Accept the one exact fit",
        permission=MATCH,
        explain="Matches the payment to the invoice that its suggestion calls the one exact fit. "
        "Stripe then no longer asks for that invoice, and the payment is recorded in FreshBooks as "
        "the tenant's payment mode says.",
        press=lambda rows, click: decisions_matching.accept_unique(rows, cause=click.cause),
        done="{rows} matched.",
        noun="payment",
        nothing="None of these payments has one exact fit: open it and choose.",
        icon="link",
        variant="primary",
        fits=lambda row: _may_match(row) and any(one["unique"] for one in row.suggestions),
    ),
    Button(
        name="ignore",
        label="Leave it alone",
        permission=MATCH,
        explain="It belongs to no FreshBooks invoice. It stays visible here with your reason, and "
        "can be taken up again.",
        press=lambda rows, click: decisions_matching.ignore(
            rows, reason=click.reason, cause=click.cause
        ),
        done="{rows} left alone.",
        noun="payment",
        nothing="Only payments that are not matched, or not wholly, can be left alone.",
        icon="do_not_disturb_on",
        asks_reason=True,
        fits=lambda row: row.is_open,
    ),
    Button(
        name="stop_ignoring",
        label="Take it up again",
        permission=MATCH,
        explain="Puts the payment back on the list of unmatched money.",
        press=lambda rows, click: decisions_matching.stop_ignoring(rows, cause=click.cause),
        done="{rows} back on the list.",
        noun="payment",
        nothing="None of these payments was left alone.",
        icon="undo",
        fits=lambda row: row.state == StrayPayment.State.IGNORED,
    ),
    Button(
        name="look_again",
        label="Look again",
        permission=MATCH,
        explain="Reads the payment from Stripe again, and looks anew which invoices it may be for.",
        press=lambda rows, click: decisions_matching.look_again(rows, cause=click.cause),
        done="{rows} looked at in a moment.",
        noun="payment",
        icon="refresh",
    ),
)


@admin.register(StrayPayment)
class UnmatchedMoneyPage(OperatorsPage):
    """One payment in Stripe that names none of our invoices."""

    buttons = BUTTONS
    change_form_outer_before_template = "connector/admin/unmatched.html"
    empty_text = (
        "No unmatched money. A payment in Stripe that was not made on an invoice from FreshBooks "
        "appears here, with the invoices that it may be for."
    )
    list_display = (
        column("Paid", lambda row: f"{row.paid_at:%Y-%m-%d %H:%M}", order="paid_at"),
        "tenant",
        column("Payer", _payer, order="payer_name"),
        money_column("Amount", "amount_minor"),
        state_column("State", "state", tones.STRAY),
        text_column("May be for", in_words),
        text_column("Description", lambda row: row.description),
    )
    list_filter = (
        BY_TENANT,
        ("state", StateFilter),
        WhoseFilter,
        CurrencyFilter,
        ("paid_at", TimeFilter),
    )
    joins = ("tenant", "client")
    search_fields = (
        "payment_id__exact",
        "charge_id__exact",
        "payer_name",
        "payer_email",
        "client__name",
        "named_invoice",
    )
    search_help_text = "Payer, e-mail address, invoice that it names, or a Stripe id in full"
    ordering = (WAITING_FIRST, "-paid_at", "-id")
    date_hierarchy = "paid_at"
    fieldsets = (
        section(
            "More",
            "tenant",
            column("Came as", lambda row: row.get_via_display()),
            column("Client", lambda row: str(row.client or NOTHING)),
            column("Payer", lambda row: row.payer_name or NOTHING),
            column("E-mail address", lambda row: row.payer_email or NOTHING),
            column("Description", lambda row: row.description or NOTHING),
            column("Invoice that it names", lambda row: row.named_invoice or NOTHING),
            column(
                "Method",
                lambda row: " ".join(filter(None, (row.card_brand, row.method_type))) or NOTHING,
            ),
            column("Payment in Stripe", _in_stripe),
            column("Charge", lambda row: row.charge_id or NOTHING),
            column("Stripe invoice", lambda row: row.foreign_invoice_id or NOTHING),
            column("Stripe customer", lambda row: row.customer_id or NOTHING),
            exact_time_column("Paid", "paid_at"),
            exact_time_column("First seen", "first_seen_at"),
            column(
                "Decided",
                lambda row: (
                    f"{row.decided_by}, {row.decided_at:%Y-%m-%d %H:%M} UTC"
                    if row.decided_at
                    else NOTHING
                ),
            ),
            column("Went back", lambda row: money(row.returned_minor, row.currency)),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """Also where the forms of the page are sent."""
        forms = path(
            "<path:object_id>/decide/",
            self.admin_site.admin_view(self.decide),
            name="connector_straypayment_decide",
        )
        return [forms, *super().get_urls()]

    def decide(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Accept one suggestion, choose or split, or take a match back."""
        return matching_page.decide(request, self.get_object(request, object_id))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The decision above the plain fields."""
        stray = self.get_object(request, object_id)
        told = matching_page.told(stray, request) if stray is not None else {}
        return super().change_view(request, object_id, form_url, (extra_context or {}) | told)
