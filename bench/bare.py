"""Celery as it is, with one task that does nothing: the floor of a drain."""

from __future__ import annotations

from celery import Celery
from kombu import Queue

from config.celery_app import app as product

QUEUE = "bare"
SAME = (
    "broker_url",
    "broker_transport_options",
    "task_ignore_result",
    "task_acks_late",
    "task_publish_retry",
    "worker_prefetch_multiplier",
    "worker_send_task_events",
    "worker_enable_remote_control",
    "worker_hijack_root_logger",
)

app = Celery("bare")
app.conf.update({name: product.conf[name] for name in SAME})
app.conf.update(task_queues=[Queue(QUEUE)], task_default_queue=QUEUE)


@app.task(name="bare.nothing")
def nothing() -> None:
    """Nothing."""
