"""Ends a worker that lives but hears no ring any more; its supervisor starts another.

A ring whose acknowledgement fails because the broker goes away at that very moment keeps its place
in the prefetch window for ever. Once the window is full of such rings nothing is polled, so the
lost connection is never noticed either (seen with Celery and Kombu 5.7 on Redis).
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from typing import Any

from celery.signals import worker_ready
from celery.worker import state

log = logging.getLogger(__name__)
LOOK_EVERY_S = 2.0
DEAF_AFTER_LOOKS = 4


@worker_ready.connect
def watch(sender: Any, **_: Any) -> None:
    """Look after this worker's ears from a thread of its own."""
    threading.Thread(target=_watch, args=[sender], name="listening", daemon=True).start()


def _watch(consumer: Any) -> None:
    looks = 0
    while looks < DEAF_AFTER_LOOKS:
        time.sleep(LOOK_EVERY_S)
        looks = looks + 1 if is_deaf(consumer) else 0
    log.error("this worker hears no rings any more; it ends, to be started again")
    os.kill(os.getpid(), signal.SIGTERM)


def is_deaf(consumer: Any) -> bool:
    """Whether it takes no more rings although it is working on none."""
    tasks = getattr(consumer, "task_consumer", None)
    if tasks is None or state.active_requests or state.reserved_requests:
        return False
    return not tasks.channel.qos.can_consume()
