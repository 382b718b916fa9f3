"""Stripe's balance: each movement with its fee, and the payouts to the bank."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Sum
from django.template.loader import render_to_string

from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.display import (
    BUSY,
    NOTHING,
    QUIET,
    WARN,
    badge,
    column,
    difference,
    exact,
    exact_time_column,
    link,
    list_of,
    money,
    money_column,
    state_column,
    text_column,
)
from connector.admin.filters import BY_TENANT, CurrencyFilter, DayFilter, TimeFilter
from connector.admin.journal import invoice_link, rate
from connector.models import BalanceMovement, MoneyFact, Payout

MANUAL = "Paid out by hand: Stripe does not tell which movements it is made of."


def _words(text: str) -> str:
    return text.replace("_", " ") or NOTHING


def _payment(row: BalanceMovement) -> str:
    """The payment, as a link to all that the journal knows of it."""
    if row.payment_id:
        return link(list_of(MoneyFact, q=row.payment_id), row.payment_id)
    return badge("being looked up", WARN) if row.unresolved else NOTHING


def _payout(row: BalanceMovement) -> str:
    return link(list_of(Payout, q=row.payout_id), row.payout_id) if row.payout_id else NOTHING


def _invoice(row: BalanceMovement) -> str:
    facts = MoneyFact.objects.select_related("invoice").filter(source_id=row.stripe_id)
    fact = facts.filter(tenant_id=row.tenant_id).first()
    return invoice_link(fact) if fact else NOTHING


@admin.register(BalanceMovement)
class BalanceMovementPage(OperatorsPage):
    """One movement of Stripe's balance."""

    empty_text = (
        "Nothing moved in Stripe's balance yet. Charges, refunds, disputes, fees, reserves and "
        "payouts appear here within the hour, if the Stripe key may read the balance."
    )
    list_display = (
        column("Moved", lambda row: f"{row.created_at:%Y-%m-%d %H:%M}", order="created_at"),
        "tenant",
        column("Type", lambda row: _words(row.type), order="type"),
        money_column("Gross", "amount_minor"),
        money_column("Fee", "fee_minor"),
        money_column("Net", "net_minor"),
        column("Payment", _payment),
        column("Payout", _payout, order="payout_id"),
        text_column("Description", lambda row: row.description),
    )
    list_filter = (BY_TENANT, "unresolved", CurrencyFilter, ("created_at", TimeFilter))
    search_fields = (
        "stripe_id__exact",
        "source_id__exact",
        "payment_id__exact",
        "payout_id__exact",
        "type__exact",
    )
    search_help_text = "A Stripe id in full (txn_, ch_, pi_, re_, du_, po_), or a type"
    ordering = ("-created_at", "-id")
    date_hierarchy = "created_at"
    fieldsets = (
        section(
            None,
            "tenant",
            column("Type", lambda row: _words(row.type)),
            money_column("Gross", "amount_minor"),
            money_column("Fee", "fee_minor"),
            money_column("Net", "net_minor"),
            column("Exchange rate", rate),
            column("Description", lambda row: row.description or NOTHING),
            exact_time_column("Moved", "created_at"),
            exact_time_column("Can be paid out", "available_on"),
        ),
        section(
            "What it belongs to",
            column("Invoice", _invoice),
            column("Payment", _payment),
            column("Payout", _payout),
        ),
        section(
            "In Stripe",
            column("Balance transaction", lambda row: row.stripe_id),
            column("Source", lambda row: row.source_id or NOTHING),
            column("Reporting category", lambda row: _words(row.reporting_category)),
            column("Status when last read", lambda row: _words(row.status)),
            exact_time_column("Seen here", "seen_at"),
        ),
    )


def _explained(row: Payout) -> str:
    if not row.automatic:
        return badge("manual", QUIET)
    if row.movements_read_at is None:
        return badge("not yet", BUSY)
    return link(list_of(BalanceMovement, q=row.stripe_id), "movements")


def _made_of(row: Payout) -> str:
    """Gross, fee and net of its movements by type, against the amount of the payout."""
    if not row.automatic:
        return MANUAL
    if row.movements_read_at is None:
        return "Stripe has not told yet."
    parts = BalanceMovement.objects.filter(
        tenant_id=row.tenant_id, payout_id=row.stripe_id, currency=row.currency
    ).exclude(source_id=row.stripe_id, type="payout")
    sums = parts.values("type").annotate(
        rows=Count("pk"), gross=Sum("amount_minor"), fee=Sum("fee_minor"), net=Sum("net_minor")
    )
    kinds = list(sums.order_by("type"))
    net = sum(kind["net"] for kind in kinds)
    return render_to_string(
        "connector/admin/payout.html",
        {
            "rows": [_part(kind, row.currency) for kind in kinds],
            "net": money(net, row.currency),
            "amount": money(row.amount_minor, row.currency),
            "difference": difference(row.amount_minor - net, row.currency),
        },
    )


def _part(kind: dict[str, Any], currency: str) -> dict[str, Any]:
    amounts = {name: money(kind[name], currency) for name in ("gross", "fee", "net")}
    return {"type": _words(kind["type"]), "rows": kind["rows"], **amounts}


@admin.register(Payout)
class PayoutPage(OperatorsPage):
    """One payout to the bank."""

    empty_text = (
        "Stripe paid nothing out yet. Each payout appears here with what the deposit on the bank "
        "statement is made of, if the Stripe key may read payouts."
    )
    list_display = (
        column("Payout", lambda row: row.stripe_id),
        "tenant",
        money_column("Amount", "amount_minor"),
        state_column("State", "status", tones.PAYOUT),
        column("Arrives", lambda row: str(row.arrives_on), order="arrives_on"),
        column("Made", lambda row: exact(row.created_at), order="created_at"),
        column("Made of", _explained),
    )
    list_filter = (BY_TENANT, "automatic", CurrencyFilter, ("arrives_on", DayFilter))
    search_fields = ("stripe_id__exact", "status__exact")
    search_help_text = "Payout id in full (po_…), or a state such as failed"
    ordering = ("-arrives_on", "-id")
    date_hierarchy = "arrives_on"
    fieldsets = (
        section(
            None,
            "tenant",
            column("Payout", lambda row: row.stripe_id),
            money_column("Amount", "amount_minor"),
            state_column("State", "status", tones.PAYOUT),
            column("Arrives", lambda row: str(row.arrives_on)),
            exact_time_column("Made", "created_at"),
            column("Paid out", lambda row: "by schedule" if row.automatic else "by hand"),
        ),
        section(
            "What it is made of",
            column("Movements", _made_of),
            column("One by one", _explained),
            exact_time_column("Read", "movements_read_at"),
        ),
    )
