"""What commands that queue work share: who asks, ringing, and following the work to its end."""

from __future__ import annotations

import getpass
import time
import uuid
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q

from audit.recording import Cause
from connector.models import SyncJob
from connector.ringing import publish
from tenants.models import Tenant
from tenants.scope import tenant_scope

LOOK_EVERY_S = 0.3
UNSETTLED = (SyncJob.State.QUEUED, SyncJob.State.RUNNING)
FAILED = (SyncJob.State.DEAD, SyncJob.State.HELD)


def cause_of(command: str) -> Cause:
    """Who asks, on which machine's command line, and one id for all that follows."""
    return Cause(
        actor=f"cli:{getpass.getuser()}",
        reason=f"manage.py {command}",
        correlation_id=uuid.uuid4(),
    )


def add_wait_argument(parser: ArgumentParser) -> None:
    """--wait, with or without a number of seconds."""
    parser.add_argument(
        "--wait",
        nargs="?",
        type=float,
        const=300.0,
        metavar="SECONDS",
        help="follow the work until it is settled (300 seconds at most, or as many as named)",
    )


def ring(jobs: Iterable[int], tenant: Tenant) -> None:
    """Tell the workers at once; without a broker they find the work within seconds."""
    with tenant_scope(tenant.pk):
        queues = set(SyncJob.objects.filter(pk__in=list(jobs)).values_list("queue", flat=True))
    for queue in sorted(queues):
        publish(queue)


def follow(
    tenant: Tenant, roots: Sequence[int], *, seconds: float, tell: Callable[[str], Any]
) -> dict[str, int]:
    """Wait until these jobs, and those that they led to, are settled; answer the count by state.

    Raises: CommandError when one failed or is held, or when the time is up.
    """
    deadline = time.monotonic() + seconds
    told = ""
    while True:
        with tenant_scope(tenant.pk):
            jobs = list(SyncJob.objects.filter(_family(roots)).order_by("pk"))
        states = Counter(job.state for job in jobs)
        progress = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        if progress != told:
            tell(progress)
            told = progress
        if not any(states[state] for state in UNSETTLED):
            break
        if time.monotonic() >= deadline:
            raise CommandError(f"Not settled after {seconds:g} seconds: {progress}.")
        time.sleep(LOOK_EVERY_S)
    failed = [job for job in jobs if job.state in FAILED]
    if failed:
        raise CommandError("\n".join(_failure(job) for job in failed[:20]))
    return dict(states)


def _family(roots: Sequence[int]) -> Q:
    """The jobs themselves, and whatever has the same correlation id."""
    roots_rows = SyncJob.objects.filter(pk__in=roots)
    return Q(pk__in=roots) | Q(
        correlation_id__in=list(roots_rows.values_list("correlation_id", flat=True))
    )


def _failure(job: SyncJob) -> str:
    words = f"job {job.pk} ({job}) {job.get_state_display().lower()}"
    return f"{words}: {job.failure_message} {job.next_step}".rstrip()
