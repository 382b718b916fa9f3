"""Put jobs back into the queue: manage.py requeue JOB… | --all-failed [--tenant TENANT]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.recording import Cause
from config.celery_app import QUEUES
from connector import decisions_jobs
from connector.management.asking import FAILED, UNSETTLED, cause_of
from connector.models import SyncJob
from connector.ringing import publish
from tenants.finding import get_tenant
from tenants.scope import every_tenant

PORTION = 500  # in one transaction


class Command(BaseCommand):
    """Exit code 0 only if every job that was named is back in the queue."""

    help = "Put failed, held or waiting jobs back at the front of their queue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Jobs by number, or all that failed."""
        parser.add_argument("jobs", nargs="*", type=int, metavar="JOB", help="job numbers")
        parser.add_argument("--all-failed", action="store_true", help="all failed and held jobs")
        parser.add_argument("--tenant", help="with --all-failed: slug or id")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Check what was named, then re-queue in portions."""
        if bool(options["jobs"]) == options["all_failed"]:
            raise CommandError("Name the jobs, or say --all-failed.")
        cause = cause_of("requeue")
        done = sum(_requeue(portion, cause) for portion in _portions(options))
        for queue in QUEUES if done else ():
            publish(queue)
        if options["json"]:
            self.stdout.write(json.dumps({"requeued": done}))
        else:
            self.stdout.write(f"Back in the queue: {done}.")


def _requeue(job_ids: list[int], cause: Cause) -> int:
    with every_tenant():
        return decisions_jobs.requeue_jobs(job_ids, cause=cause)


def _portions(options: dict[str, Any]) -> Iterator[list[int]]:
    ids = _failed(options["tenant"]) if options["all_failed"] else _named(options["jobs"])
    for start in range(0, len(ids), PORTION):
        yield ids[start : start + PORTION]


def _failed(tenant: str | None) -> list[int]:
    with every_tenant():
        jobs = SyncJob.objects.filter(state__in=FAILED)
        if tenant:
            jobs = jobs.filter(tenant=get_tenant(tenant))
        return list(jobs.order_by("tenant_id", "pk").values_list("pk", flat=True))


def _named(job_ids: list[int]) -> list[int]:
    """The jobs that were named; an unknown or finished one is said, and nothing is done."""
    with every_tenant():
        states = dict(SyncJob.objects.filter(pk__in=job_ids).values_list("pk", "state"))
    wrong = [f"there is no job {job_id}" for job_id in job_ids if job_id not in states]
    wrong += [
        f"job {job_id} is {state}"
        for job_id, state in states.items()
        if state not in {*FAILED, *UNSETTLED} or state == SyncJob.State.RUNNING
    ]
    if wrong:
        raise CommandError(f"Nothing was re-queued: {'; '.join(wrong)}.")
    return sorted(states)
