"""The filters that lists use. Types come from Django; unfold's are the same with its look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import HttpRequest

from connector.jobs.kinds import KINDS
from connector.mapping.differences import DiscrepancyKind
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
    "DayFilter",
    "DiscrepancyKindFilter",
    "JobKindFilter",
    "StateFilter",
    "TenantNumberFilter",
    "TimeFilter",
    "VendorFilter",
]

BY_TENANT = ("tenant", AutocompleteFilter)
MOST_TENANTS = 500  # a list of more is no help; the search finds the others


class _ByValue(ChoiceFilter):
    """Rows whose column has the chosen value; the values are known beforehand."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that remain."""
        value = self.value()
        return queryset.filter(**{self.column: value}) if value else queryset


class JobKindFilter(_ByValue):
    """Jobs by kind of work."""

    title = "kind"
    parameter_name = column = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind this version knows."""
        return [(name, name.replace("_", " ")) for name in KINDS]


class DiscrepancyKindFilter(_ByValue):
    """Discrepancies by kind of disagreement."""

    title = "kind"
    parameter_name = column = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every kind this version knows."""
        return [(str(kind), str(kind).replace("_", " ")) for kind in DiscrepancyKind]


class VendorFilter(_ByValue):
    """Rows of one vendor."""

    title = "vendor"
    parameter_name = column = "vendor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Both vendors."""
        return [("freshbooks", "FreshBooks"), ("stripe", "Stripe")]


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
