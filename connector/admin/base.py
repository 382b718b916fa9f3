"""What all pages of the admin share: read-only by default, scoped, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import flatten_fieldsets
from django.core.paginator import Paginator as DjangoPaginator
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.functional import cached_property

from audit.recording import record
from connector.admin.buttons import ButtonsPage, cause_of

if TYPE_CHECKING:
    Paginator = DjangoPaginator[Any]
else:
    Paginator = DjangoPaginator

MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts no further than 10,000 rows: what lies deeper is found with a filter."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or 10,000."""
        rows: QuerySet[Any] = cast("QuerySet[Any]", self.object_list)
        return rows[:MOST_COUNTED].count()


def section(title: str | None, *fields: Any, note: str = "", collapsed: bool = False) -> Any:
    """One group of fields on a detail page: names of columns, or columns of `display`."""
    return title, {
        "fields": fields,
        "description": note,
        "classes": ("collapse",) if collapsed else (),
    }


class OperatorsPage(ButtonsPage):
    """A list and a detail page. Nothing is added, deleted or changed, but for `editable` fields."""

    editable: Sequence[str] = ()
    changed_action = added_action = ""  # how the audit trail names an edit, and a new row
    empty_text = "Nothing is here yet."
    add_fieldsets: Any = ()  # what is asked for a new row; empty: none is made by hand
    hidden_fields: Sequence[str] = ()  # never read from the database for a page
    joins: Sequence[str] = ("tenant",)  # read in the same query

    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # counting all rows for each choice of each filter
    paginator = BoundedPaginator
    list_filter_submit = True
    list_fullwidth = True
    warn_unsaved_form = True

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rows come from the work, not from forms, unless a page says how to add one."""
        return bool(self.add_fieldsets) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing of the record is thrown away."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Only pages with editable fields have a form."""
        return bool(self.editable) and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Everything that the page shows and does not let edit."""
        if obj is None:
            return []
        shown = flatten_fieldsets(self.get_fieldsets(request, obj))
        return [name for name in shown if name not in self.editable]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Rows without their sealed columns: a secret that is not read cannot be shown."""
        rows = super().get_queryset(request)
        if self.joins:
            rows = rows.select_related(*self.joins)
        return rows.defer(*self.hidden_fields) if self.hidden_fields else rows

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """No filtering by a credential: that would be a way to guess it."""
        if "sealed" in lookup or "digest" in lookup:
            return False
        return super().lookup_allowed(lookup, value, request)

    def save_model(
        self, request: HttpRequest, obj: Any, form: ModelForm[Any], change: bool
    ) -> None:
        """Save the changed fields only (the work may have changed others meanwhile), and record it."""
        if not form.changed_data:
            return
        before = {name: form.initial.get(name) for name in form.changed_data}
        obj.save(**({"update_fields": list(before)} if change else {}))
        record(
            tenant_id=self.tenant_id_of(obj),
            action=self.changed_action if change else self.added_action,
            entity=self.entity_of(obj),
            cause=cause_of(request, "changed by hand" if change else "added by hand"),
            details={"before": before, "after": {name: getattr(obj, name) for name in before}},
        )

    def tenant_id_of(self, obj: Any) -> int:
        """Whose row it is."""
        return int(obj.tenant_id)

    def entity_of(self, obj: Any) -> str:
        """How the audit trail names the row."""
        return f"{obj._meta.model_name}:{obj.pk}"  # noqa: SLF001 - Django's public way to names
