"""Killing the worker while the month is played: after so many seconds, or so many vendor calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from demo.stack import Stack

LOOK_EVERY_S = 0.02


class Killer:
    """Kills the worker at given moments of the play, from a thread of its own."""

    def __init__(
        self, stack: Stack, *, at_seconds: Sequence[float] = (), after_calls: Sequence[int] = ()
    ) -> None:
        self._stack = stack
        self._at = sorted(at_seconds)
        self._after = sorted(after_calls)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="killer", daemon=True)
        self.planned = len(self._at) + len(self._after)
        self.kills = 0
        self.errors: list[str] = []

    def start(self) -> None:
        """The play begins now."""
        self._began = time.monotonic()
        self._position = self._stack.record_file.stat().st_size
        self._thread.start()

    def stop(self) -> None:
        """The play is over: nobody is killed any more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            self._kill_as_planned()
        except Exception as error:  # noqa: BLE001 - in a thread, nobody else would hear of it
            self.errors.append(f"{type(error).__name__}: {error}")

    def _kill_as_planned(self) -> None:
        calls = 0
        while (self._at or self._after) and not self._stop.wait(LOOK_EVERY_S):
            calls += self._new_calls()
            now = time.monotonic() - self._began
            if self._at and now >= self._at[0] and self._kill():
                self._at.pop(0)
            if self._after and calls >= self._after[0] and self._kill():
                self._after.pop(0)

    def _kill(self) -> bool:
        """Whether there was a worker to kill; while it starts up again there is none."""
        killed = self._stack.kill_worker() > 0
        self.kills += killed
        return killed

    def _new_calls(self) -> int:
        with self._stack.record_file.open("rb") as record:
            record.seek(self._position)
            new = record.read()
        self._position += len(new)
        return new.count(b"\n")
