"""The Celery app of the clock (beat): asked to end, it ends after the tick that it is in.

Celery's own handler saves the schedule inside the signal. If the signal comes while a query runs,
that waits for a lock which the interrupted query holds, for ever (seen with Celery 5.7, psycopg 3.3).
A tick that waits for a broker or database that is gone is not waited for: nothing in it is lost.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from celery.signals import beat_init

from config.celery_app import app

LONGEST_TICK_S = 5


@beat_init.connect
def end_between_ticks(sender: Any, **_: Any) -> None:
    """Replace Celery's handler, which was installed just before; the loop saves as it ends."""

    def end(*_: object) -> None:
        signal.alarm(LONGEST_TICK_S)
        sender.stop()

    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, end)


__all__ = ["app"]
