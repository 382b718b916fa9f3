"""The Celery app of a worker: the rings of `config.celery_app`, and the tasks that they start."""

from __future__ import annotations

import gc
from typing import Any

from celery.signals import worker_before_create_process

from config import listening
from config.celery_app import app
from config.pacemaker import Pacemaker

app.autodiscover_tasks(["connector"])
app.steps["consumer"].add(Pacemaker)


@worker_before_create_process.connect
def share_memory(**_: Any) -> None:
    """Before each fork: leave what was imported to no garbage collector, so that it stays shared."""
    gc.collect()
    gc.freeze()


__all__ = ["app", "listening"]
