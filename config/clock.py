"""The Celery app of the clock (beat): asked to end, it ends after the tick that it is in.

Celery's own handler saves the schedule inside the signal. If the signal comes while a query runs,
that waits for a lock which the interrupted query holds, for ever (seen with Celery 5.7, psycopg 3.3).
"""

from __future__ import annotations

import signal
from typing import Any

from celery.signals import beat_init

from config.celery_app import app


@beat_init.connect
def end_between_ticks(sender: Any, **_: Any) -> None:
    """Replace Celery's handler, which was installed just before; the loop saves as it ends."""
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: sender.stop())


__all__ = ["app"]
