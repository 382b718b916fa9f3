"""Jobs of one tenant that share a commit: what they did, their audit entries and their ends, at once.

For work that calls no vendor (`DatabaseOnly`): a commit for each job costs more than such a job.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from audit.recording import gathered
from connector.jobs import claims, endings
from connector.jobs.context import DatabaseOnly, Handler, JobRun, running
from connector.models import SyncJob
from tenants.scope import shared_scope

log = logging.getLogger(__name__)
MOST = 20  # in one commit: others wait for the rows that it holds


@dataclass(frozen=True, kw_only=True)
class SharedRun(JobRun):
    """A run whose fence is checked when all that share its commit end: nothing is saved if it was lost."""

    has_fence = False


def shared_kinds(handlers: Mapping[str, Handler]) -> list[str]:
    """The kinds of work that may share a commit."""
    return [kind for kind, handler in handlers.items() if isinstance(handler, DatabaseOnly)]


def groups_of(jobs: Iterable[SyncJob], handlers: Mapping[str, Handler]) -> list[list[SyncJob]]:
    """A batch in its order; what may share a commit moves up to the first such job of its tenant."""
    groups: list[list[SyncJob]] = []
    of_tenant: dict[int, list[SyncJob]] = {}
    for job in jobs:
        if not may_share(job, handlers):
            groups.append([job])
        elif len(of_tenant.get(job.tenant_id, ())) in range(1, MOST):
            of_tenant[job.tenant_id].append(job)
        else:
            of_tenant[job.tenant_id] = [job]
            groups.append(of_tenant[job.tenant_id])
    return groups


def may_share(job: SyncJob, handlers: Mapping[str, Handler]) -> bool:
    """Whether the claim has begun it so that it can."""
    is_first = job.attempts == 1 and not job.deaths and claims.is_begun(job)
    return is_first and isinstance(handlers.get(job.kind), DatabaseOnly)


def run_shared(jobs: Sequence[SyncJob], handlers: Mapping[str, Handler]) -> bool:
    """Run the jobs of one tenant and end them in one commit.

    False if anything at all went wrong: then nothing is saved, and each is to be run by itself.
    """
    runs = [SharedRun.of(job) for job in jobs]
    try:
        with shared_scope(jobs[0].tenant_id):
            with gathered():
                outcomes = [_outcome(run, handlers) for run in runs]
            endings.end_all(runs, outcomes)
    except Exception as error:  # noqa: BLE001 - each says by itself what is wrong, if it still is
        connection.close_if_unusable_or_obsolete()
        log.info("%s jobs do not share a commit: %s", len(jobs), type(error).__name__)
        return False
    return True


def _outcome(run: JobRun, handlers: Mapping[str, Handler]) -> str:
    with running(run):
        return handlers[run.kind](run) or ""
