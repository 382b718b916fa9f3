"""What a request leaves for later: done by a daemon thread, so that its sender never waits for it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Later(Generic[Item]):
    """Collects items and gives all that there are to `act`, which answers for how long to pause then.

    For what may be lost: the process may end before it is done.
    """

    def __init__(self, name: str, act: Callable[[list[Item]], float]) -> None:
        self._name, self._act = name, act
        self._items: list[Item] = []
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def ask(self, item: Item) -> None:
        """Have it done; returns at once."""
        with self._wake:
            self._items.append(item)
            self._ensure_thread()
            self._wake.notify()

    def _ensure_thread(self) -> None:
        alive = self._thread is not None and self._thread.is_alive()
        if alive and self._pid == os.getpid():
            return  # a forked child starts its own
        self._pid = os.getpid()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._items:
                    self._wake.wait()
                items, self._items = self._items, []
            time.sleep(self._act(items))
