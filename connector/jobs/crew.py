"""The threads of a worker process that run jobs, while its main thread goes on hearing rings.

A ring only says which queue to look into. A thread that hangs with a vendor therefore holds up
itself and nobody else, and a job finds a free thread as long as there is one in any process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from django.db import DatabaseError, connections

from connector.jobs import runner
from connector.jobs.context import Handler

log = logging.getLogger(__name__)
KEPT_S = 30.0  # so long an idle thread keeps its database connection
PAUSE_S = 0.2  # between two calls for help


class Crew:
    """Up to `size` threads, started when there is work; they take turns at the queues that were rung.

    `ready` names the queues in which jobs are ready, asked when a queue is done; `pass_on` rings
    another process, called now and then while all threads are busy and more is ready.
    """

    def __init__(
        self,
        handlers: Mapping[str, Handler],
        *,
        size: int,
        ready: Callable[[], Iterable[str]],
        pass_on: Callable[[str], object],
    ) -> None:
        self._handlers, self._size = handlers, size
        self._ready, self._pass_on = ready, pass_on
        self._lock = threading.Lock()
        self._rung: dict[str, None] = {}  # in their order, each once
        self._threads: set[threading.Thread] = set()
        self._idle: list[threading.Event] = []  # one for each thread that waits to be woken
        self._ending = self._worked = False
        self._in_vain: dict[str, float] = {}  # when a queue was last found to have nothing
        self._passed_on_at = 0.0

    def ring(self, queue: str) -> None:
        """Have a queue looked into as soon as a thread is free; returns at once.

        The thread that worked last is woken first: those that are too many end after a while.
        """
        with self._lock:
            if self._ending:
                return
            self._rung[queue] = None
            if self._idle:
                self._idle.pop().set()
            elif len(self._threads) < self._size:
                thread = threading.Thread(target=self._work, name="crew", daemon=True)
                self._threads.add(thread)
                thread.start()

    def has_room(self) -> bool:
        """Whether a thread is free for one more job."""
        with self._lock:
            return bool(self._idle) or len(self._threads) < self._size

    def end(self, *, within_s: float) -> None:
        """Let each thread finish the job that it runs, and give the others back."""
        until = time.monotonic() + within_s
        with self._lock:
            self._ending = True
            for woken in self._idle:
                woken.set()
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        """One thread: look into what was rung, until nothing was for a while."""
        try:
            while (queue := self._next()) is not None:
                if self._look_into(queue):
                    self._look_again(queue)
                elif self._worked:
                    self._worked = False
                    for other in self._ready():
                        self.ring(other)
        except DatabaseError as error:
            log.warning(
                "a thread lost its database (%s); its jobs come back by themselves",
                type(error).__name__,
            )
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
            connections.close_all()

    def _next(self) -> str | None:
        """The queue to look into; None if this thread is not needed any more."""
        until = time.monotonic() + KEPT_S
        while True:
            woken = threading.Event()
            with self._lock:
                if self._ending or (not self._rung and time.monotonic() >= until):
                    self._threads.discard(threading.current_thread())
                    return None
                if self._rung:
                    queue = next(iter(self._rung))
                    del self._rung[queue]
                    return queue
                self._idle.append(woken)
            woken.wait(max(0.0, until - time.monotonic()))
            with self._lock, suppress(ValueError):
                self._idle.remove(woken)

    def _look_again(self, queue: str) -> None:
        """Until nothing is found: this thread does it, or the next, if another queue comes first."""
        with self._lock:
            self._worked = True
            self._rung[queue] = None

    def _look_into(self, queue: str) -> int:
        """Claim and run a batch; how many jobs ran."""
        batch = runner.claim_batch(queue, self._handlers)
        if batch.is_full:
            self._ask_for_help(queue)
        elif not batch.jobs:
            self._in_vain[queue] = time.monotonic()
        return runner.run_batch(batch, self._handlers, stop=lambda: self._ending)

    def _ask_for_help(self, queue: str) -> None:
        """More is ready than was claimed: one more thread for it, here or in another process.

        Not if one has just looked in vain: what is ready is for those who work on it already.
        """
        now = time.monotonic()
        if now - self._in_vain.get(queue, -PAUSE_S) < PAUSE_S:
            return
        if self.has_room():
            self.ring(queue)
        elif now - self._passed_on_at > PAUSE_S:
            self._passed_on_at = now
            self._pass_on(queue)
