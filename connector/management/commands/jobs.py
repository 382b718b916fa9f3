"""List jobs: manage.py jobs [--failed] [--tenant TENANT] [--state STATE] [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from connector.management.asking import FAILED
from connector.management.tables import table
from connector.models import SyncJob
from tenants.finding import get_tenant
from tenants.scope import every_tenant


class Command(BaseCommand):
    """Newest first."""

    help = "List jobs, newest first: what is to be done, what failed and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Filters, all optional."""
        parser.add_argument("--failed", action="store_true", help="failed for good, or held")
        parser.add_argument("--tenant", help="slug or id")
        parser.add_argument("--state", choices=SyncJob.State.values)
        parser.add_argument("--limit", type=int, default=50, help="at most so many (50)")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Find and print."""
        with every_tenant():
            jobs = list(_found(options))
        if options["json"]:
            self.stdout.write(json.dumps([_plain(job) for job in jobs], indent=2))
        elif jobs:
            self.stdout.write(_table(jobs))
        else:
            self.stdout.write("No such job.")


def _found(options: dict[str, Any]) -> Any:
    jobs = SyncJob.objects.select_related("tenant").order_by("-pk")
    if options["tenant"]:
        jobs = jobs.filter(tenant=get_tenant(options["tenant"]))
    if options["failed"]:
        jobs = jobs.filter(state__in=FAILED)
    if options["state"]:
        jobs = jobs.filter(state=options["state"])
    return jobs[: max(1, options["limit"])]


def _plain(job: SyncJob) -> dict[str, Any]:
    return {
        "job": job.pk,
        "tenant": job.tenant.slug,
        "kind": job.kind,
        "subject": job.subject,
        "state": job.state,
        "attempts": job.attempts,
        "failure_mode": job.failure_mode,
        "failure_code": job.failure_code,
        "failure_message": job.failure_message,
        "next_step": job.next_step,
        "request_id": job.request_id,
        "outcome": job.outcome,
        "correlation_id": str(job.correlation_id),
        "created_at": job.created_at.isoformat(),
    }


def _table(jobs: list[SyncJob]) -> str:
    rows = [
        (
            str(job.pk),
            job.tenant.slug,
            str(job),
            job.state,
            str(job.attempts),
            job.failure_message or job.outcome,
        )
        for job in jobs
    ]
    return table(("job", "tenant", "what", "state", "tries", "what happened"), rows, right=(0, 4))
