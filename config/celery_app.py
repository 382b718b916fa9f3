"""Celery: rings that say "queue X may have work". The work itself is rows (ADR 1).

Every setting here is deliberate: a ring may be lost, late or doubled without harm, so there are no
results, no retries by the broker, no eta, no events. The web process uses this app as it is; a
worker uses `config.worker`, which adds the tasks and all that they import; the clock (beat) uses
`config.clock`, which ends in good order.
"""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

QUEUES = ("intake", "freshbooks", "stripe", "reconcile")
RING_EXPIRES_S = 10

app = Celery("ml_connector")
app.conf.update(
    broker_url=settings.REDIS_URL,
    broker_connection_retry_on_startup=True,
    broker_transport_options={
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "health_check_interval": 5,
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    },
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    task_publish_retry=False,
    task_queues=[Queue(name) for name in QUEUES],
    task_default_queue="intake",
    task_create_missing_queues=False,
    worker_prefetch_multiplier=1,
    worker_eta_task_limit=100,
    worker_max_tasks_per_child=100_000,  # a ring is little work, and to begin a process anew is much
    worker_soft_shutdown_timeout=20,
    worker_send_task_events=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    timezone="UTC",
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    beat_max_loop_interval=1,
    # Whole seconds: the database scheduler keeps integers, and 0 would ring without pause.
    beat_schedule={
        "sweep": {
            "task": "connector.tasks.sweep",
            "schedule": max(1, settings.SWEEP_INTERVAL_S),
            "options": {"queue": "intake", "expires": RING_EXPIRES_S},
        },
        "tick": {
            "task": "connector.tasks.tick",
            "schedule": max(1, settings.SCHEDULE_TICK_S),
            "options": {"queue": "intake", "expires": RING_EXPIRES_S},
        },
        "prune": {
            "task": "connector.tasks.prune",
            "schedule": 600,
            "options": {"queue": "reconcile", "expires": RING_EXPIRES_S},
        },
        "tidy": {
            "task": "connector.tasks.tidy",
            "schedule": 60,
            "options": {"queue": "intake", "expires": RING_EXPIRES_S},
        },
    },
)
