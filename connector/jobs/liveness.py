"""Whether this worker makes progress: it does if it hears rings, ends jobs or renews leases.

A worker can be up and yet hear nothing, for instance after its broker came back. So it ends itself
when it has done nothing for a while although work is ready, and `config.supervise`, or the container's
restart policy, starts it again.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import time

from django.conf import settings
from django.db import DatabaseError, connection

from connector.jobs import claims

log = logging.getLogger(__name__)
LOOK_EVERY_S = 5.0
STALLED_EXIT = 75  # EX_TEMPFAIL: start me again
ALIVE_FILE = "SUPERVISE_ALIVE_FILE"

# Shared by a worker and all the processes that it forks.
_progress = mmap.mmap(-1, 8)
_CLOCK = struct.Struct("d")


def touch() -> None:
    """Something was heard or done just now."""
    _CLOCK.pack_into(_progress, 0, time.monotonic())


def idle_s() -> float:
    """Seconds since anything was heard or done by this worker."""
    last: float = _CLOCK.unpack_from(_progress, 0)[0]
    return time.monotonic() - last


def watch() -> None:
    """Look every few seconds until this worker stalls; then end its main process."""
    touch()
    while not is_stalled():
        _say_alive()
        time.sleep(LOOK_EVERY_S)
    log.critical("no progress for %.0f s although work is ready; ending to be restarted", idle_s())
    os._exit(STALLED_EXIT)


def is_stalled() -> bool:
    """Whether nothing was done for JOB_STALLED_S while work was ready for as long."""
    if idle_s() < settings.JOB_STALLED_S:
        return False
    try:
        return claims.is_waiting_for(settings.JOB_STALLED_S)
    except DatabaseError:
        return False  # without its database no worker makes progress, a new one neither
    finally:
        connection.close()


def _say_alive() -> None:
    """Tell the supervisor, by the time of a file, that this process is not frozen."""
    if path := os.environ.get(ALIVE_FILE):
        now = time.monotonic()
        os.utime(path, (now, now))


touch()
