"""The Celery app of a worker: the rings of `config.celery_app`, and the tasks that they start."""

from __future__ import annotations

from config import listening
from config.celery_app import app

app.autodiscover_tasks(["connector"])

__all__ = ["app", "listening"]
