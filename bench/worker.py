"""The product's worker with the jobs of `bench.jobs` beside its own: `celery -A bench.worker worker`."""

from __future__ import annotations

import django

django.setup()

from bench.jobs import HANDLERS  # noqa: E402 - models need the setup above
from config.worker import app  # noqa: E402
from connector import routing  # noqa: E402

routing.HANDLERS.update(HANDLERS)

__all__ = ["app"]
