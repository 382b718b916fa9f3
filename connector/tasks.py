"""Celery's doorway: rings become drains, Beat's clock becomes jobs. No work is decided here."""

from __future__ import annotations

import logging
import sys
import threading
from functools import cache
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init, worker_process_shutdown, worker_ready
from django.conf import settings
from django.db import DatabaseError, connection, connections

from audit.anchors import anchor_heads
from config.celery_app import QUEUES
from connector import polling, retention, ringing, routing, ticking, tokens, undisturbed
from connector.jobs import claims, kinds, liveness, versions
from connector.jobs.crew import Crew
from connector.models import Clock
from tenants.scope import every_tenant

log = logging.getLogger(__name__)
SWITCH_S = 0.001  # threads that wait for Postgres get their turn soon
ENDING_S = 20.0  # the supervisor waits a little longer
_READY = """
SELECT queue FROM unnest(%s::text[]) AS queues(queue)
WHERE EXISTS (
    SELECT 1 FROM connector_syncjob job
    WHERE state = 'queued' AND job.queue = queues.queue AND due_at <= now()
      AND NOT EXISTS (
          SELECT 1 FROM connector_syncjob busy
          WHERE busy.tenant_id = job.tenant_id AND busy.lane = job.lane AND busy.state = 'running'))
"""


@worker_ready.connect
def watch_progress(**_: Any) -> None:
    """In a worker's main process: end it if it hears nothing any more although work is ready."""
    threading.Thread(target=liveness.watch, name="liveness", daemon=True).start()


@worker_process_init.connect
def begin_process(**_: Any) -> None:
    """In each process that runs jobs: end only between moments, save tokens that were left behind."""
    sys.setswitchinterval(SWITCH_S)
    undisturbed.install()
    try:
        tokens.recover_spooled()
    except DatabaseError:
        log.warning("spooled tokens wait for the next start or refresh: no database")
    finally:
        connections.close_all()


@worker_process_shutdown.connect
def end_process(**_: Any) -> None:
    """Before a process that runs jobs ends: what runs comes to its end."""
    if crew.cache_info().currsize:
        crew().end(within_s=ENDING_S)


@cache
def crew() -> Crew:
    """The threads of this process that run jobs."""
    return Crew(
        routing.HANDLERS,
        size=settings.JOB_THREADS,
        ready=_ready_queues,
        pass_on=ringing.publish,
    )


@shared_task(name="connector.tasks.work")
def work(queue: str) -> None:
    """A ring: have one queue looked into."""
    if queue in QUEUES:
        _touch()
        crew().ring(queue)


def _touch() -> None:
    """Say that this worker is alive: it hears. While all its threads are busy, it is for them to say so."""
    if crew().has_room():
        liveness.touch()


@shared_task(name="connector.tasks.sweep")
def sweep(late_s: float = 0.0) -> None:
    """Every second: take back what dead workers held, ring for all that is ready."""
    _touch()
    if _is_our_turn(ticking.SWEEP, settings.SWEEP_INTERVAL_S / 2, late_s):
        claims.take_back_expired()
        ring_ready()


@shared_task(name="connector.tasks.tidy")
def tidy() -> None:
    """Every minute: hold work that no running version knows, let go on what this one knows; note
    outside the database how far each audit trail has come.
    """
    known = kinds.versions(routing.HANDLERS)
    versions.park_unknown(known)
    versions.release_known(known)
    with every_tenant():
        anchor_heads(settings.AUDIT_ANCHOR_FILE)


@shared_task(name="connector.tasks.prune")
def prune() -> None:
    """Every ten minutes: delete what is older than it is kept."""
    retention.prune()


@shared_task(name="connector.tasks.tick")
def tick(late_s: float = 0.0) -> None:
    """Queue a job for each feed that is due."""
    is_ours = _is_our_turn(ticking.TICK, settings.SCHEDULE_TICK_S / 2, late_s)
    if is_ours and polling.queue_due_feeds():
        ring_ready()


def _is_our_turn(name: str, apart_s: float, late_s: float) -> bool:
    """`late_s` is what a worker says that rings in place of beat: only if nobody did for so long."""
    by = Clock.By.WORKER if late_s else Clock.By.BEAT
    return ticking.take_turn(name, apart_s=late_s or apart_s, by=by)


def ring_ready() -> None:
    """One ring for each queue that has ready work."""
    for queue in _ready_queues():
        ringing.publish(queue)


def _ready_queues() -> list[str]:
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(_READY, [list(QUEUES)])
        return [queue for (queue,) in cursor.fetchall()]
