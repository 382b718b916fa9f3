"""The journal of money: every fact of both vendors, each once, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from connector import journal
from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.display import (
    NOTHING,
    QUIET,
    badge,
    column,
    exact,
    exact_time_column,
    link,
    money,
    money_column,
    page_of,
    state_column,
    text_column,
)
from connector.admin.filters import BY_TENANT, CurrencyFilter, StateFilter, TimeFilter
from connector.models import InvoiceLink, MoneyFact

MOST_FACTS = 500
NO_INVOICE = "none of ours"


def invoice_link(row: Any) -> str:
    """The invoice that a row is about, as a link."""
    return link(page_of(row.invoice), str(row.invoice)) if row.invoice else NO_INVOICE


def rate(row: Any) -> str:
    """An exchange rate without the zeros at its end."""
    return NOTHING if row.exchange_rate is None else f"{row.exchange_rate.normalize():f}"


def facts_of(invoice: InvoiceLink) -> list[dict[str, Any]]:
    """The facts of one invoice in the order of time, each with what Stripe had collected and kept."""
    rows = MoneyFact.objects.filter(invoice=invoice).order_by("happened_at", "pk")[:MOST_FACTS]
    kept, told = 0, []
    for row in rows:
        counts = row.kind in (*journal.COLLECTING, *journal.RETURNING)
        if counts and row.currency == invoice.currency:
            kept += row.amount_minor
        told.append(
            {
                "url": page_of(row),
                "when": exact(row.happened_at),
                "what": _kind(row),
                "amount": money(row.amount_minor, row.currency) if row.amount_minor else NOTHING,
                "kept": money(kept, invoice.currency) if counts else "",
                "settled": money(row.settlement_minor, row.settlement_currency),
                "fee": money(row.fee_minor, row.settlement_currency),
                "source": row.source_id,
                "note": row.note,
            }
        )
    return told


def _kind(row: MoneyFact) -> str:
    return badge(row.get_kind_display(), tones.FACT.get(row.kind, QUIET))


@admin.register(MoneyFact)
class MoneyFactPage(OperatorsPage):
    """One fact about money."""

    empty_text = (
        "The journal is empty. Each payment, refund, dispute, fee and cheque of either side is "
        "written down here once, and never changed."
    )
    list_display = (
        column("Happened", lambda row: f"{row.happened_at:%Y-%m-%d %H:%M}", order="happened_at"),
        "tenant",
        column("Invoice", invoice_link, order="invoice__number"),
        column("Fact", _kind, order="kind"),
        money_column("Amount", "amount_minor"),
        money_column("About", "about_minor"),
        money_column("Settled", "settlement_minor", currency="settlement_currency"),
        money_column("Fee", "fee_minor", currency="settlement_currency"),
        column("Source", lambda row: row.source_id),
        text_column("Note", lambda row: row.note),
    )
    list_filter = (
        BY_TENANT,
        ("side", StateFilter),
        ("kind", StateFilter),
        CurrencyFilter,
        ("happened_at", TimeFilter),
        ("seen_at", TimeFilter),
    )
    joins = ("tenant", "invoice")
    search_fields = ("source_id__exact", "payment_id__exact", "invoice__number", "note__endswith")
    search_help_text = "Invoice number, or a Stripe or FreshBooks id in full"
    ordering = ("-happened_at", "-id")
    date_hierarchy = "happened_at"
    fieldsets = (
        section(
            None,
            "tenant",
            column("Invoice", invoice_link),
            state_column("Fact", "kind", tones.FACT),
            state_column("Told by", "side", {}),
            money_column("Adds to the invoice", "amount_minor"),
            money_column("About", "about_minor"),
            money_column(
                "Shown to the payer", "presentment_minor", currency="presentment_currency"
            ),
            exact_time_column("Happened", "happened_at"),
            exact_time_column("Seen here", "seen_at"),
            column("Note", lambda row: row.note or NOTHING),
        ),
        section(
            "In Stripe's balance",
            money_column("Settled", "settlement_minor", currency="settlement_currency"),
            money_column("Fee", "fee_minor", currency="settlement_currency"),
            column("Exchange rate", rate),
        ),
        section(
            "Where it comes from",
            column("Source", lambda row: row.source_id),
            column("Payment", lambda row: row.payment_id or NOTHING),
            column("Made by us", lambda row: "yes" if row.ours else "no"),
            column("Key", lambda row: row.key),
            column("Correlation", lambda row: str(row.correlation_id or NOTHING)),
        ),
    )
