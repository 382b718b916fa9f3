"""How a tenant stands: both sides' figures per invoice and currency, what differs, what is to do.

Queries only, no vendor is asked: what is told here is what both vendors said last. Run inside the
tenant's scope.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Count, Sum
from django.utils import timezone

from connector.models import (
    CallCount,
    CollectedPayment,
    Discrepancy,
    InvoiceLink,
    OutsidePayment,
    SyncJob,
)
from connector.money import Money
from tenants.models import Tenant


@dataclass(frozen=True, kw_only=True)
class InvoiceStanding:
    """One invoice. Amounts are exact decimals as text, in the invoice's currency; None: unknown.

    `difference` is what FreshBooks has outstanding beyond what Stripe still asks for.
    """

    number: str
    freshbooks_id: int
    stripe_id: str
    currency: str
    state: str
    collection_status: str
    freshbooks_total: str | None
    stripe_total: str | None
    freshbooks_outstanding: str | None
    stripe_remaining: str | None
    difference: str | None


@dataclass(frozen=True, kw_only=True)
class DiscrepancyStanding:
    """One open difference."""

    kind: str
    subject: str
    severity: str
    currency: str
    freshbooks: str | None
    stripe: str | None
    explanation: str


@dataclass(kw_only=True)
class Totals:
    """The sums of one currency, in minor units."""

    currency: str
    invoices: int = 0
    freshbooks_total: int = 0
    stripe_total: int = 0
    collected: int = 0
    recorded: int = 0
    outside: int = 0
    reported: int = 0
    freshbooks_outstanding: int = 0
    stripe_remaining: int = 0

    def told(self) -> dict[str, Any]:
        """The same with amounts as exact decimals, and what is outstanding on one side only."""
        fixed = {"currency": self.currency, "invoices": self.invoices}
        sums = {name: value for name, value in asdict(self).items() if name not in fixed}
        sums["difference"] = self.freshbooks_outstanding - self.stripe_remaining
        return fixed | {name: _decimal(value, self.currency) for name, value in sums.items()}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Everything together."""

    tenant: str
    mode: str
    invoices: list[InvoiceStanding]
    totals: list[dict[str, Any]]
    discrepancies: list[DiscrepancyStanding]
    jobs: dict[str, int]
    payments: dict[str, int]
    vendor_calls: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain data; names are kept stable for machines that read them."""
        return asdict(self)


def standing(tenant: Tenant) -> Standing:
    """How this tenant stands now, by the last word of both vendors."""
    links = list(InvoiceLink.objects.filter(tenant=tenant).order_by("issued_on", "pk"))
    open_rows = Discrepancy.objects.filter(tenant=tenant, state=Discrepancy.State.OPEN)
    return Standing(
        tenant=tenant.slug,
        mode=tenant.payment_mode,
        invoices=[_invoice(link) for link in links],
        totals=[totals.told() for totals in _totals(tenant, links)],
        discrepancies=[_discrepancy(row) for row in open_rows.order_by("subject", "kind")],
        jobs=_counted(SyncJob.objects.filter(tenant=tenant), "state"),
        payments=_counted(CollectedPayment.objects.filter(tenant=tenant), "recording"),
        vendor_calls=_calls_today(tenant),
    )


def _invoice(link: InvoiceLink) -> InvoiceStanding:
    outstanding, remaining = _still_asked(link)
    gap = None if outstanding is None else outstanding - remaining
    return InvoiceStanding(
        number=link.number,
        freshbooks_id=link.freshbooks_invoice_id,
        stripe_id=link.stripe_invoice_id,
        currency=link.currency,
        state=link.state,
        collection_status=link.collection_status,
        freshbooks_total=_decimal(link.freshbooks_total_minor, link.currency),
        stripe_total=_decimal(link.stripe_total_minor, link.currency),
        freshbooks_outstanding=_decimal(link.freshbooks_outstanding_minor, link.currency),
        stripe_remaining=_decimal(link.stripe_remaining_minor, link.currency),
        difference=_decimal(gap, link.currency),
    )


def _still_asked(link: InvoiceLink) -> tuple[int | None, int]:
    """What each side still asks the client for. A deleted FreshBooks invoice asks for nothing."""
    gone = link.state == InvoiceLink.State.REMOVED
    return 0 if gone else link.freshbooks_outstanding_minor, link.stripe_remaining_minor or 0


def _totals(tenant: Tenant, links: Iterable[InvoiceLink]) -> list[Totals]:
    """Per currency; invoices that are left alone are not ours to count."""
    found: dict[str, Totals] = {}
    for link in links:
        if link.state == InvoiceLink.State.SKIPPED or not link.currency:
            continue
        sums = found.setdefault(link.currency, Totals(currency=link.currency))
        outstanding, remaining = _still_asked(link)
        gone = link.state == InvoiceLink.State.REMOVED
        sums.invoices += 1
        sums.freshbooks_total += 0 if gone else link.freshbooks_total_minor or 0
        sums.stripe_total += link.stripe_total_minor or 0
        sums.freshbooks_outstanding += outstanding or 0
        sums.stripe_remaining += remaining
    _add_payments(tenant, found)
    return [found[currency] for currency in sorted(found)]


def _add_payments(tenant: Tenant, found: dict[str, Totals]) -> None:
    states = CollectedPayment.Recording
    there = [states.RECORDED, states.BY_HAND]
    collected = CollectedPayment.objects.filter(tenant=tenant)
    outside = OutsidePayment.objects.filter(
        tenant=tenant, deleted=False, same_money_as__isnull=True
    )
    for name, sums in (
        ("collected", _sums(collected, "amount_minor")),
        ("recorded", _sums(collected.filter(recording__in=there), "freshbooks_amount_minor")),
        ("outside", _sums(outside, "amount_minor")),
        ("reported", _sums(outside, "reported_amount_minor")),
    ):
        for currency, minor in sums.items():
            setattr(found.setdefault(currency, Totals(currency=currency)), name, minor)


def _sums(rows: Any, column: str) -> dict[str, int]:
    summed = rows.order_by().values_list("currency").annotate(total=Sum(column))
    return {currency: int(total or 0) for currency, total in summed}


def _discrepancy(row: Discrepancy) -> DiscrepancyStanding:
    return DiscrepancyStanding(
        kind=row.kind,
        subject=row.subject,
        severity=row.severity,
        currency=row.currency,
        freshbooks=_decimal(row.freshbooks_minor, row.currency),
        stripe=_decimal(row.stripe_minor, row.currency),
        explanation=row.explanation,
    )


def _counted(rows: Any, column: str) -> dict[str, int]:
    counted = rows.order_by().values_list(column).annotate(count=Count("pk"))
    return dict(sorted(counted))


def _calls_today(tenant: Tenant) -> dict[str, dict[str, int]]:
    calls: dict[str, dict[str, int]] = {}
    rows = CallCount.objects.filter(tenant=tenant, day=timezone.now().date())
    for row in rows.order_by("operation", "outcome"):
        calls.setdefault(row.operation, {})[row.outcome] = row.calls
    return calls


def _decimal(minor: int | None, currency: str) -> str | None:
    return None if minor is None or not currency else Money(minor, currency).to_decimal_string()
