"""The threads of a worker process that run jobs, while its main thread goes on hearing rings.

A ring only says which queue to look into. A thread that hangs with a vendor therefore holds up
itself and nobody else, and a job finds a free thread as long as there is one in any process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from django.db import DatabaseError, connections

from connector.jobs import runner
from connector.jobs.context import Handler

log = logging.getLogger(__name__)
KEPT_S = 30.0  # so long an idle thread keeps its database connection
PASSED_ON_EVERY_S = 0.2


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
        self._changed = threading.Condition()
        self._rung: dict[str, None] = {}  # in their order, each once
        self._threads: set[threading.Thread] = set()
        self._idle = 0
        self._ending = False
        self._passed_on_at = 0.0

    def ring(self, queue: str) -> None:
        """Have a queue looked into as soon as a thread is free; returns at once."""
        with self._changed:
            if self._ending:
                return
            self._rung[queue] = None
            if len(self._rung) > self._idle and len(self._threads) < self._size:
                thread = threading.Thread(target=self._work, name="crew", daemon=True)
                self._threads.add(thread)
                thread.start()
            self._changed.notify()

    def has_room(self) -> bool:
        """Whether a thread is free for one more job."""
        with self._changed:
            return self._idle > 0 or len(self._threads) < self._size

    def end(self, *, within_s: float) -> None:
        """Let each thread finish the job that it runs, and give the others back."""
        until = time.monotonic() + within_s
        with self._changed:
            self._ending = True
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        """One thread: look into what was rung, until nothing was for a while."""
        made_work = False
        try:
            while (queue := self._next()) is not None:
                if self._look_into(queue):
                    made_work = True
                    self.ring(queue)
                elif made_work:
                    made_work = False
                    for other in self._ready():
                        self.ring(other)
        except DatabaseError as error:
            log.warning(
                "a thread lost its database (%s); its jobs come back by themselves",
                type(error).__name__,
            )
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())
            connections.close_all()

    def _next(self) -> str | None:
        """The queue to look into; None if this thread is not needed any more."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._rung or self._ending, timeout=KEPT_S)
            self._idle -= 1
            if self._ending or not self._rung:
                self._threads.discard(threading.current_thread())
                return None
            queue = next(iter(self._rung))
            del self._rung[queue]
            return queue

    def _look_into(self, queue: str) -> int:
        """Claim and run a batch; how many jobs ran."""
        batch = runner.claim_batch(queue, self._handlers)
        if batch.is_full:
            self._ask_for_help(queue)
        return runner.run_batch(batch, self._handlers, stop=lambda: self._ending)

    def _ask_for_help(self, queue: str) -> None:
        """More is ready than was claimed: one more thread for it, here or in another process."""
        if self.has_room():
            self.ring(queue)
        elif time.monotonic() - self._passed_on_at > PASSED_ON_EVERY_S:
            self._passed_on_at = time.monotonic()
            self._pass_on(queue)
