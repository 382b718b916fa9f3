"""Statements: choose a tenant and a month, look, download, close the month or open it again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone

from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import cause_of
from connector.admin.display import NOTHING, column, exact_time_column, list_of
from connector.admin.filters import BY_TENANT
from connector.models import ClosedPeriod
from connector.roles import CLOSE_MONTH
from connector.statement import closing
from connector.statement.cells import Amount, Table, shown
from connector.statement.formats import FORMATS, file_name, write_format
from connector.statement.making import Made, make_statement
from connector.statement.months import Month
from connector.statement.tables import tables_of
from tenants.models import Tenant
from tenants.scope import tenant_scope

MOST_ROWS = 200  # shown of each table; the files have them all
CHUNK_BYTES = 64 * 1024


@admin.register(ClosedPeriod)
class ClosedPeriodPage(OperatorsPage):
    """The closed months, and above them the choice of a statement."""

    list_before_template = "connector/admin/statement_choice.html"
    empty_text = (
        "No month is closed yet. Choose a tenant and a month above to see its statement. Closing "
        "the month keeps its figures: what arrives later is then shown as changed since."
    )
    list_display = (
        column("Month", lambda row: f"{row.month:%Y-%m}", order="month"),
        "tenant",
        column("State", lambda row: "Opened again" if row.reopened_at else "Closed"),
        exact_time_column("Closed", "closed_at"),
        "closed_by",
        exact_time_column("Opened again", "reopened_at"),
        column("Why", lambda row: row.reopened_because or NOTHING),
    )
    list_filter = (BY_TENANT,)
    search_fields = ("closed_by", "reopened_because")
    ordering = ("-month", "-closed_at")
    fieldsets = (
        section(
            None,
            "tenant",
            column("Month", lambda row: f"{row.month:%Y-%m}"),
            column("Hash of the statement", lambda row: row.statement_hash),
        ),
        section("Closed", exact_time_column("At", "closed_at"), "closed_by"),
        section(
            "Opened again",
            exact_time_column("At ", "reopened_at"),
            "reopened_by",
            "reopened_because",
        ),
    )

    def get_urls(self) -> list[Any]:
        """Also the statement itself."""
        found = [
            path("statement/", self.admin_site.admin_view(show), name="connector_statement"),
            path(
                "statement/decide/",
                self.admin_site.admin_view(decide),
                name="connector_statement_decide",
            ),
        ]
        return [*found, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the tenants and months to choose from."""
        more = {"statement": _choice(None, None), "title": "Statements"}
        return super().changelist_view(request, (extra_context or {}) | more)


def show(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The statement as a page, or as a file if a format is named."""
    if not request.user.has_perm("connector.view_closedperiod"):
        raise PermissionDenied
    tenant = _tenant(request.GET.get("tenant", ""))
    try:
        month = Month.parse(request.GET.get("month", ""))
    except ValueError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(list_of(ClosedPeriod))
    wanted = request.GET.get("format", "")
    if wanted and wanted not in FORMATS:
        raise Http404
    with tenant_scope(tenant.pk):
        made = make_statement(tenant, month)
    if wanted:
        return _file(made, wanted)
    context = admin.site.each_context(request) | {
        "title": made.title,
        "statement": _choice(tenant, month),
        "formats": [(name, found.title) for name, found in FORMATS.items()],
        "closed": made.closed,
        "changed": made.changes.count if made.changes else 0,
        "tables": [_shown(table) for table in tables_of(made) if table.count],
        "empty": [table.title for table in tables_of(made) if not table.count],
        "may_close": request.user.has_perm(CLOSE_MONTH),
        "is_over": made.statement.ends_at <= timezone.now(),
    }
    return render(request, "connector/admin/statement.html", context)


def decide(request: HttpRequest) -> HttpResponse:
    """Close a month, or open it again; on POST only."""
    if request.method != "POST" or not request.user.has_perm(CLOSE_MONTH):
        raise PermissionDenied
    tenant = _tenant(request.POST.get("tenant", ""))
    try:
        month = Month.parse(request.POST.get("month", ""))
        with tenant_scope(tenant.pk):
            if request.POST.get("do") == "close":
                closing.close_month(tenant, month, cause=cause_of(request, "Close month"))
                messages.success(request, f"{month} is closed.")
            else:
                reason = request.POST.get("reason", "")
                cause = cause_of(request, "Open month again")
                closing.reopen_month(tenant, month, reason=reason, cause=cause)
                messages.success(request, f"{month} is open again.")
    except ValueError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(list_of(ClosedPeriod))
    return HttpResponseRedirect(page_of_statement(tenant, month))


def page_of_statement(tenant: Tenant, month: Month) -> str:
    """The address of a statement."""
    return reverse(
        "admin:connector_statement", query={"tenant": str(tenant.pk), "month": str(month)}
    )


def _tenant(text: str) -> Tenant:
    if not text.isdecimal():
        raise Http404
    found: Tenant = get_object_or_404(Tenant, pk=int(text))
    return found


def _choice(tenant: Tenant | None, month: Month | None) -> dict[str, Any]:
    """What the form above shows: the month that ended last, unless one is chosen."""
    today: date = timezone.now().date()
    return {
        "url": reverse("admin:connector_statement"),
        "decide_url": reverse("admin:connector_statement_decide"),
        "tenants": list(Tenant.objects.values_list("pk", "name")),
        "tenant": tenant.pk if tenant else None,
        "month": str(month or Month.of(today).preceding),
    }


def _shown(table: Table) -> dict[str, Any]:
    """The first rows of a table, with what is a number aligned as one."""
    rows = []
    for number, row in enumerate(table.rows()):
        if number == MOST_ROWS:
            break
        rows.append([(shown(cell), isinstance(cell, (Amount, int))) for cell in row])
    head = zip(table.columns, rows[0], strict=True)
    return {
        "table": table,
        "head": [(name, is_number) for name, (_, is_number) in head],
        "rows": rows,
        "left_out": table.count - len(rows),
    }


def _file(made: Made, name: str) -> StreamingHttpResponse:
    """The file, written after the request's transaction is over: a large one takes its time."""
    response = StreamingHttpResponse(_written(made, name), content_type=FORMATS[name].media_type)
    response["Content-Disposition"] = f'attachment; filename="{file_name(made, name)}"'
    response["Cache-Control"] = "no-store"
    return response


def _written(made: Made, name: str) -> Iterator[bytes]:
    with tempfile.TemporaryFile() as file:
        write_format(made, name, file)
        file.seek(0)
        while part := file.read(CHUNK_BYTES):
            yield part
