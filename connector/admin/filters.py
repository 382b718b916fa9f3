"""The filters that lists use. Types come from Django; unfold's are the same with its look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from config.celery_app import QUEUES
from connector.currencies import EXPONENTS
from connector.errors import FailureMode
from connector.jobs.kinds import KINDS
from connector.mapping.compare import CollectionStatus
from connector.mapping.difference import DiscrepancyKind
from tenants.models import Tenant

if TYPE_CHECKING:
    from django.contrib.admin import (
        ChoicesFieldListFilter,
        DateFieldListFilter,
        RelatedFieldListFilter,
        SimpleListFilter,
    )

    ChoiceFilter = SimpleListFilter
    StateFilter = ChoicesFieldListFilter
    AutocompleteFilter = RelatedFieldListFilter
    DayFilter = TimeFilter = DateFieldListFilter
else:
    from unfold.contrib.filters.admin import AutocompleteSelectFilter as AutocompleteFilter
    from unfold.contrib.filters.admin import ChoicesDropdownFilter as StateFilter
    from unfold.contrib.filters.admin import DropdownFilter as ChoiceFilter
    from unfold.contrib.filters.admin import RangeDateFilter as DayFilter
    from unfold.contrib.filters.admin import RangeDateTimeFilter as TimeFilter

__all__ = [
    "BY_TENANT",
    "CollectionFilter",
    "CurrencyFilter",
    "DayFilter",
    "DiscrepancyKindFilter",
    "DisputeFilter",
    "EndpointFilter",
    "FailureFilter",
    "JobKindFilter",
    "LoweringFilter",
    "OutcomeFilter",
    "QueueFilter",
    "SourceFilter",
    "StateFilter",
    "TenantNumberFilter",
    "TimeFilter",
    "VendorFilter",
]

BY_TENANT = ("tenant", AutocompleteFilter)
VENDORS = ("freshbooks", "stripe")
OUTCOMES = ("ok", "refused", "rate_limited", "unavailable", "unknown", "broken")
MOST_TENANTS = 500  # a list of more is no help; the search finds the others


class _ByValue(ChoiceFilter):
    """Rows whose column has the chosen value; the values are known beforehand."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that remain."""
        value = self.value()
        return queryset.filter(**{self.column: value}) if value else queryset


def _by_value(title: str, column: str, values: Iterable[str]) -> type[_ByValue]:
    """A filter over values that are known here: looking them up would read the whole table."""
    pairs = [(str(value), str(value).replace("_", " ")) for value in values]

    class Filter(_ByValue):
        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return pairs

    Filter.title, Filter.parameter_name, Filter.column = title, column, column
    return Filter


CollectionFilter = _by_value("money", "collection_status", CollectionStatus)
CurrencyFilter = _by_value("currency", "currency", sorted(EXPONENTS))
DiscrepancyKindFilter = _by_value("kind", "kind", DiscrepancyKind)
FailureFilter = _by_value("kind of failure", "failure_mode", FailureMode)
JobKindFilter = _by_value("kind", "kind", KINDS)
OutcomeFilter = _by_value("outcome", "outcome", OUTCOMES)
QueueFilter = _by_value("queue", "queue", QUEUES)
SourceFilter = _by_value("source", "source", VENDORS)
VendorFilter = _by_value("vendor", "vendor", VENDORS)


class LoweringFilter(ChoiceFilter):
    """Payments of which money went back, and that FreshBooks may follow once somebody says so."""

    title, parameter_name = "money that went back", "follow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Both questions that people ask."""
        return [("waits", "FreshBooks waits for approval"), ("any", "anything went back")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that remain."""
        if self.value() == "waits":
            return queryset.filter(lowering_proposed_minor__isnull=False)
        lost = Q(dispute_status="lost", disputed_minor__gt=0)
        return queryset.filter(Q(refunded_minor__gt=0) | lost) if self.value() else queryset


class DisputeFilter(ChoiceFilter):
    """Payments by what their payer's bank says of them."""

    title, parameter_name = "dispute", "dispute"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """To be answered, or ended."""
        return [("open", "open"), ("lost", "lost"), ("any", "any")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that remain."""
        if self.value() == "open":
            still = Q(disputed_minor__gt=0) & ~Q(dispute_status="lost")
            return queryset.filter(still | Q(open_dispute_minor__gt=0))
        if self.value() == "lost":
            return queryset.filter(dispute_status="lost")
        return queryset.exclude(dispute_status="") if self.value() else queryset


class EndpointFilter(ChoiceFilter):
    """Budgets of whole accounts, unless those of endpoints are asked for."""

    title, parameter_name = "of what", "of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What else there is."""
        return [("accounts", "whole accounts"), ("endpoints", "endpoints"), ("both", "both")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that remain."""
        if self.value() == "endpoints":
            return queryset.exclude(endpoint="")
        return queryset if self.value() == "both" else queryset.filter(endpoint="")


class TenantNumberFilter(_ByValue):
    """For the audit trail, which knows tenants by number so that it outlives them."""

    title = "tenant"
    parameter_name = column = "tenant_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The tenants that exist, by name."""
        rows = Tenant.objects.order_by("name").values_list("pk", "name")[:MOST_TENANTS]
        return [(str(pk), name) for pk, name in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that remain; a number that is none finds nothing."""
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(tenant_id=int(value)) if value.isdecimal() else queryset.none()
