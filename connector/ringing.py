"""Ringing: telling Celery that a queue may have work, without ever making the caller wait.

A ring is a hint that may be lost; the sweep rings again within seconds. So it is published by a
thread of its own: a web request that stored a delivery answers at once, with Redis up or down.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from kombu.exceptions import OperationalError

from config.celery_app import app

log = logging.getLogger(__name__)
RING_EXPIRES_S = 10
PAUSE_S = 0.05  # a burst of deliveries is a few rings, not one for each
PAUSE_UNHEARD_S = 1.0  # as often as the sweep rings; trying costs more than ringing


class Ringer:
    """Collects queue names and publishes one ring for each, from a daemon thread."""

    def __init__(self) -> None:
        self._queues: set[str] = set()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def ring(self, queue: str) -> None:
        """Ask for a ring of this queue; returns at once."""
        with self._wake:
            self._queues.add(queue)
            self._ensure_thread()
            self._wake.notify()

    def _ensure_thread(self) -> None:
        alive = self._thread is not None and self._thread.is_alive()
        if alive and self._pid == os.getpid():
            return  # a forked child starts its own
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name="ringer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(self._ring_all())

    def _ring_all(self) -> float:
        """Wait until somebody asks, ring once for each queue; how long to pause then."""
        with self._wake:
            while not self._queues:
                self._wake.wait()
            queues, self._queues = self._queues, set()
        heard = [publish(queue) for queue in queues]
        return PAUSE_S if all(heard) else PAUSE_UNHEARD_S


def publish(queue: str) -> bool:
    """Send one ring now; whether the broker took it. Not raised if it did not: the sweep will ring."""
    try:
        app.send_task(
            "connector.tasks.work",
            args=[queue],
            queue=queue,
            expires=RING_EXPIRES_S,
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, OSError) as error:
        log.warning("ring of %s was not heard: %s", queue, type(error).__name__)
        return False
    return True


ringer = Ringer()
