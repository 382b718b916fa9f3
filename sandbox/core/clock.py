"""The one clock of a sandbox process: real time plus an offset that tests move."""

import time
from collections.abc import Callable


class Clock:
    """Says what time it is in the simulated world, in epoch seconds."""

    def __init__(self, real: Callable[[], float] = time.time) -> None:
        self._real = real
        self.offset_s = 0.0

    def now(self) -> float:
        """Now, in epoch seconds with fraction."""
        return self._real() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Jump; time goes on running from there."""
        self.offset_s += seconds

    def set(self, epoch: float) -> None:
        """Jump to a moment; time goes on running from there."""
        self.offset_s = epoch - self._real()

    def reset(self) -> None:
        """Back to real time."""
        self.offset_s = 0.0
