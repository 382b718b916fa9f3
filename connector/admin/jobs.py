"""Jobs: what is to be done, what failed and why, and putting it back into the queue."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from connector import decisions_jobs
from connector.admin import tones
from connector.admin.base import OperatorsPage, section
from connector.admin.buttons import Button
from connector.admin.display import (
    NOTHING,
    column,
    exact_time_column,
    link,
    page_of,
    state_column,
    text_column,
    time_column,
)
from connector.admin.filters import (
    BY_TENANT,
    FailureFilter,
    JobKindFilter,
    QueueFilter,
    StateFilter,
    TimeFilter,
)
from connector.admin.related import entries_by_correlation, jobs_of, rows_table
from connector.jobs import kinds
from connector.models import ClientLink, Delivery, InvoiceLink, SyncJob
from connector.roles import REQUEUE

# Which row a job is about: the model, and the column that its subject names.
SUBJECTS: dict[str, tuple[type[Any], str]] = {
    kinds.SYNC_INVOICE.name: (InvoiceLink, "freshbooks_invoice_id"),
    kinds.SYNC_CLIENT.name: (ClientLink, "freshbooks_client_id"),
    kinds.ROUTE_DELIVERY.name: (Delivery, "pk"),
}
WAITS = (SyncJob.State.DEAD, SyncJob.State.HELD, SyncJob.State.QUEUED)


def _subject(job: SyncJob) -> str:
    """The invoice, client or delivery that the job is about, as a link where it is known here."""
    model, field = SUBJECTS.get(job.kind, (None, ""))
    if model is None or not job.subject.isdecimal():
        return job.subject or "the whole tenant"
    row = model.objects.filter(tenant_id=job.tenant_id, **{field: int(job.subject)}).first()
    return link(page_of(row), f"{row} ({job.subject})") if row is not None else job.subject


def _trail(job: SyncJob) -> str:
    return rows_table(entries_by_correlation(job.tenant_id, job.correlation_id))


def _siblings(job: SyncJob) -> str:
    others = jobs_of(job.tenant_id, kind=job.kind, subject=job.subject)
    return rows_table(row for row in others if row.url != page_of(job))


@admin.register(SyncJob)
class JobPage(OperatorsPage):
    """One unit of work."""

    buttons = (
        Button(
            name="requeue",
            label="Re-queue",
            permission=REQUEUE,
            explain="Puts it back at the front of its queue, with a fresh count of attempts. What "
            "it did before is found again, so nothing is done twice.",
            press=lambda rows, click: decisions_jobs.requeue_jobs(
                [row.pk for row in rows], cause=click.cause
            ),
            done="{rows} back in the queue.",
            noun="job",
            nothing="Only failed, held or waiting jobs can be put back into the queue.",
            icon="replay",
            variant="primary",
            fits=lambda job: job.state in WAITS,
        ),
        Button(
            name="hold",
            label="Hold",
            permission=REQUEUE,
            explain="Lets it wait until somebody re-queues it. Changes that come meanwhile are not "
            "lost: it reads everything afresh when it runs.",
            press=lambda rows, click: decisions_jobs.hold_jobs(
                [row.pk for row in rows], cause=click.cause
            ),
            done="{rows} on hold.",
            noun="job",
            nothing="Only waiting jobs can be held.",
            icon="pause",
            fits=lambda job: job.state == SyncJob.State.QUEUED,
        ),
        Button(
            name="release",
            label="Release all held for this reason",
            permission=REQUEUE,
            explain="Lets all jobs of this tenant go on that are held for the same reason. Do it "
            "once the reason is gone; otherwise they are held again.",
            press=lambda rows, click: decisions_jobs.release_jobs(rows, cause=click.cause),
            done="{rows} released.",
            noun="job",
            nothing="None of these jobs is held.",
            icon="lock_open",
            fits=lambda job: job.state == SyncJob.State.HELD,
        ),
    )
    empty_text = (
        "There is no such job. Every webhook, poll and click becomes a job, and stays here with "
        "what it did or why it failed."
    )
    list_display = (
        column("Job", lambda job: f"{job.kind.replace('_', ' ')} {job.subject}".strip()),
        "tenant",
        state_column("State", "state", tones.JOB),
        "attempts",
        text_column("What happened", lambda job: job.failure_message or job.outcome),
        time_column("Due", "due_at"),
        time_column("Queued", "created_at"),
        "actor",
    )
    list_filter = (
        BY_TENANT,
        ("state", StateFilter),
        JobKindFilter,
        FailureFilter,
        QueueFilter,
        ("created_at", TimeFilter),
    )
    search_fields = ("subject__exact", "correlation_id__exact", "failure_code__exact", "id__exact")
    search_help_text = "Job number, subject (a FreshBooks id), failure code or correlation id"
    ordering = ("-id",)
    fieldsets = (
        section(
            None,
            "tenant",
            column("Kind", lambda job: job.kind.replace("_", " ")),
            column("About", _subject),
            state_column("State", "state", tones.JOB),
            column("Done", lambda job: job.outcome or NOTHING),
        ),
        section(
            "What failed",
            column("What happened", lambda job: job.failure_message or NOTHING),
            column("What to do", lambda job: job.next_step or NOTHING),
            column("Kind of failure", lambda job: job.failure_mode or NOTHING),
            column("Code", lambda job: job.failure_code or NOTHING),
            column("Vendor's request id", lambda job: job.request_id or NOTHING),
        ),
        section(
            "Why and when",
            column("Caused by", lambda job: f"{job.actor}: {job.reason}"),
            column("Correlation id", lambda job: str(job.correlation_id)),
            "hints",
            exact_time_column("Queued", "created_at"),
            exact_time_column("Due", "due_at"),
            exact_time_column("Started", "started_at"),
            exact_time_column("Finished", "finished_at"),
        ),
        section(
            "Engine",
            "queue",
            "priority",
            "version",
            "attempts",
            "deaths",
            "worker",
            "lane",
            collapsed=True,
        ),
        section(
            "Trail",
            column("Audit entries of this cause", _trail),
            column("Other runs for the same", _siblings),
        ),
    )
