"""Keeping the leases of claimed jobs alive while they are worked on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connections

from connector.jobs import claims, liveness
from connector.models import SyncJob

log = logging.getLogger(__name__)


class Heartbeat:
    """Renews the leases of a batch from a thread with a database connection of its own.

    A job that has been running for JOB_LONGEST_S hangs: its leases are no longer renewed, so that
    another worker takes the work over, and this worker no longer counts as making progress.
    """

    def __init__(self, jobs: list[SyncJob]) -> None:
        self._fences = {job.pk: job.fence for job in jobs}
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def finished(self, jobs: Iterable[SyncJob]) -> None:
        """Let go of these jobs' leases; the next one begins now."""
        with self._lock:
            for job in jobs:
                self._fences.pop(job.pk, None)
            self._since = time.monotonic()
        liveness.touch()

    def held(self) -> dict[int, int]:
        """What is still under lease."""
        with self._lock:
            return dict(self._fences)

    def _beat(self) -> None:
        while not self._stop.wait(settings.JOB_LEASE_S / 3):
            if time.monotonic() - self._since > settings.JOB_LONGEST_S:
                log.error("a job hangs; its lease is left to run out", extra={"jobs": self.held()})
                return
            liveness.touch()
            try:
                claims.extend_leases(self.held())
            except DatabaseError:
                log.warning("lease heartbeat could not reach the database; trying again")
            finally:
                connections.close_all()
