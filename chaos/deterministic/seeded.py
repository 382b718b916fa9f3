"""Time and chance of one run: both follow from its seed alone."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import time_machine

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class VirtualClock:
    """The time of this process and of both vendors; it stands still until somebody moves it."""

    def __init__(self, coordinates: time_machine.Traveller) -> None:
        self._coordinates = coordinates

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def since_start(self) -> float:
        """Seconds since the run began."""
        return time.time() - START.timestamp()

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._coordinates.shift(seconds)


@contextmanager
def virtual_clock() -> Iterator[VirtualClock]:
    """Inside the block the time is that of the clock, and whoever sleeps moves it."""
    travel = time_machine.travel(START, tick=False)
    sleep, monotonic = time.sleep, time.monotonic
    try:
        clock = VirtualClock(travel.start())
        time.sleep = clock.advance  # type: ignore[assignment]
        time.monotonic = time.time
        yield clock
    finally:
        time.sleep, time.monotonic = sleep, monotonic
        travel.stop()


@contextmanager
def seeded(seed: int) -> Iterator[random.Random]:
    """Inside the block all randomness of the process follows from the seed; yields dice of its own.

    Tokens, nonces and UUIDs come from `os.urandom`, spread and back-off from `random`.
    """
    source = random.Random(f"{seed} bytes")
    state, urandom, bound = random.getstate(), os.urandom, random._urandom  # type: ignore[attr-defined]
    try:
        random.seed(f"{seed} spread")
        os.urandom = random._urandom = source.randbytes  # type: ignore[attr-defined]
        yield random.Random(f"{seed} schedule")
    finally:
        os.urandom, random._urandom = urandom, bound  # type: ignore[attr-defined]
        random.setstate(state)
