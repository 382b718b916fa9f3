"""Celery's doorway: rings become drains, Beat's clock becomes jobs. No work is decided here."""

from __future__ import annotations

from celery import shared_task
from django.db import connection

from config.celery_app import QUEUES
from connector import polling, ringing, routing
from connector.jobs import claims, runner
from tenants.scope import every_tenant

_READY = """
SELECT DISTINCT queue FROM connector_syncjob job
WHERE state = 'queued' AND due_at <= now()
  AND NOT EXISTS (
      SELECT 1 FROM connector_syncjob busy
      WHERE busy.tenant_id = job.tenant_id AND busy.lane = job.lane AND busy.state = 'running')
"""


@shared_task(name="connector.tasks.work")
def work(queue: str) -> None:
    """A ring: run what is ready in one queue, then ring whatever that made ready."""
    if queue in QUEUES:
        runner.drain(queue, routing.HANDLERS)
        ring_ready()


@shared_task(name="connector.tasks.sweep")
def sweep() -> None:
    """Every second: take back what dead workers held, ring for all that is ready."""
    claims.take_back_expired()
    ring_ready()


@shared_task(name="connector.tasks.tick")
def tick() -> None:
    """Queue a job for each feed that is due."""
    if polling.queue_due_feeds():
        ring_ready()


def ring_ready() -> None:
    """One ring for each queue that has ready work."""
    for queue in _ready_queues():
        ringing.publish(queue)


def _ready_queues() -> list[str]:
    with every_tenant(), connection.cursor() as cursor:
        cursor.execute(_READY)
        return [queue for (queue,) in cursor.fetchall()]
