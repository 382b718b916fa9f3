"""Rows that belong to what a page shows: short tables inside a detail page, bounded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from audit.models import AuditEntry
from connector.admin.display import QUIET, badge, exact, page_of
from connector.admin.tones import JOB
from connector.models import SyncJob

MOST_RELATED = 50


@dataclass(frozen=True)
class Related:
    """One line of such a table."""

    when: str
    what: str
    url: str
    state: str = ""
    note: str = ""


def rows_table(rows: Iterable[Related]) -> SafeString:
    """The lines as a table, or a word that there are none."""
    return render_to_string("connector/admin/related.html", {"rows": list(rows)})


def jobs_of(tenant_id: int, **filters: Any) -> list[Related]:
    """The latest jobs of a tenant that these filters find."""
    jobs = SyncJob.objects.filter(tenant_id=tenant_id, **filters).order_by("-pk")[:MOST_RELATED]
    return [
        Related(
            when=exact(job.created_at),
            what=f"job {job.pk}: {job.kind.replace('_', ' ')} {job.subject}",
            url=page_of(job),
            state=badge(job.get_state_display(), JOB.get(job.state, QUIET)),
            note=job.failure_message or job.outcome,
        )
        for job in jobs
    ]


def entries_of(tenant_id: int, entity: str) -> list[Related]:
    """The latest audit entries about one entity."""
    rows = AuditEntry.objects.filter(tenant_id=tenant_id, entity=entity)
    return [_entry(row) for row in rows.order_by("-sequence")[:MOST_RELATED]]


def entries_by_correlation(tenant_id: int, correlation_id: Any) -> list[Related]:
    """Everything that followed from one cause."""
    rows = AuditEntry.objects.filter(tenant_id=tenant_id, correlation_id=correlation_id)
    return [_entry(row) for row in rows.order_by("sequence")[:MOST_RELATED]]


def _entry(row: AuditEntry) -> Related:
    return Related(
        when=exact(row.at),
        what=f"{row.action} {row.entity}",
        url=page_of(row),
        note=f"{row.actor}: {row.cause}",
    )
