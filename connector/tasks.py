"""Celery's doorway: rings become drains, Beat's clock becomes jobs. No work is decided here."""

from __future__ import annotations

import logging
import threading
from typing import Any

from celery import shared_task
from celery.signals import worker_process_init, worker_ready
from django.conf import settings
from django.db import DatabaseError, connection, connections

from audit.anchors import anchor_heads
from config.celery_app import QUEUES
from connector import polling, retention, ringing, routing, ticking, tokens, undisturbed
from connector.jobs import claims, kinds, liveness, runner, versions
from connector.models import Clock
from tenants.scope import every_tenant

log = logging.getLogger(__name__)
_WAITING = """
SELECT queue FROM unnest(%s::text[]) AS queues(queue), LATERAL (
    SELECT min(due_at) AS since FROM connector_syncjob job
    WHERE state = 'queued' AND job.queue = queues.queue) oldest
WHERE since < now() - %s * interval '1 second' ORDER BY since
"""
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
    undisturbed.install()
    try:
        tokens.recover_spooled()
    except DatabaseError:
        log.warning("spooled tokens wait for the next start or refresh: no database")
    finally:
        connections.close_all()


@shared_task(name="connector.tasks.work")
def work(queue: str) -> None:
    """A ring: run what is ready in one queue and in those that wait too long, then ring whatever that
    made ready. Where more rings come than are heard, all of one queue's may grow old in line.
    """
    liveness.touch()
    if queue in QUEUES and _drain(queue):
        for waiting in _waiting_too_long(but=queue):
            _drain(waiting)
        ring_ready()


def _drain(queue: str) -> int:
    liveness.touch()
    return runner.drain(queue, routing.HANDLERS, threads=settings.JOB_THREADS)


def _waiting_too_long(*, but: str) -> list[str]:
    others = [queue for queue in QUEUES if queue != but]
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(_WAITING, [others, 2 * ringing.RING_EXPIRES_S])
        return [queue for (queue,) in cursor.fetchall()]


@shared_task(name="connector.tasks.sweep")
def sweep(late_s: float = 0.0) -> None:
    """Every second: take back what dead workers held, ring for all that is ready."""
    liveness.touch()
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
