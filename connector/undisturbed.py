"""Moments in which a worker must not be ended: between a vendor's answer and its being kept.

A worker process is asked to end with SIGTERM, whose usual effect is to die on the spot. The handler
here lets a moment that has begun come to its end first; moments are bounded by the vendor call's
time limits (15 s). Jobs run in threads, signals arrive in the main thread: hence the counter.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_lock = threading.Lock()
_moments = 0
_asked_to_end = False


@contextmanager
def undisturbed() -> Iterator[None]:
    """SIGTERM waits until the end of this block, if `install` was called in this process."""
    global _moments  # noqa: PLW0603 - one counter for the process, which a signal ends as a whole
    with _lock:
        _moments += 1
    try:
        yield
    finally:
        with _lock:
            _moments -= 1
            must_end = _asked_to_end and not _moments
        if must_end:
            os.kill(os.getpid(), signal.SIGTERM)


def install() -> None:
    """Take SIGTERM over in this process. Main thread only."""
    signal.signal(signal.SIGTERM, _end_or_wait)


def _end_or_wait(signum: int, _frame: FrameType | None) -> None:
    """No lock: the handler may interrupt a thread that holds it."""
    global _asked_to_end  # noqa: PLW0603 - as above
    _asked_to_end = True
    if not _moments:
        signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)
