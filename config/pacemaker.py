"""A worker's own clock: it rings what beat rings, more seldom, so that work goes on without beat.

A step of Celery's consumer, like its heartbeat: it begins when the broker is connected and ends with
the connection. The tasks find out whether beat was quicker.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import bootsteps
from kombu.exceptions import OperationalError

from config.celery_app import RING_EXPIRES_S

log = logging.getLogger(__name__)
EVERY_S = 5.0
LATE_S = 8.0  # so long nobody must have done it: beat does it every second or two
CLOCK_TASKS = ("connector.tasks.sweep", "connector.tasks.tick")


class Pacemaker(bootsteps.StartStopStep):
    """Rings the clock's tasks from the worker's own timer."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Begin with each connection to the broker."""
        self._entry = consumer.timer.call_repeatedly(EVERY_S, ring_clock, (consumer.app,))

    def stop(self, _consumer: Any) -> None:
        """End with it."""
        entry, self._entry = getattr(self, "_entry", None), None
        if entry is not None:
            entry.cancel()


def ring_clock(app: Any) -> None:
    """Ask for what beat should have asked for. A broker that is away is logged, not raised."""
    for task in CLOCK_TASKS:
        try:
            app.send_task(
                task,
                kwargs={"late_s": LATE_S},
                queue="intake",
                expires=RING_EXPIRES_S,
                retry=False,
                ignore_result=True,
            )
        except (OperationalError, OSError) as error:
            log.warning("the clock was not rung: %s", type(error).__name__)
            return
