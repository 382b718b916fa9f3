"""A clock that we and both vendors share, moved on by hand: a day of the product in a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import time_machine

from bench.place import Place
from connector import polling, routing
from connector.jobs import runner
from tests.pipeline.shop import QUEUES


@dataclass
class VirtualClock:
    """Where the hands stand, in seconds since the start."""

    place: Place
    hands: time_machine.Traveller
    passed_s: float = 0.0

    def play(
        self, seconds: float, *, step_s: float, act: Callable[[float], None] | None = None
    ) -> None:
        """Let time pass: in each step the schedule is looked at, and all that is ready is done."""
        end = self.passed_s + seconds
        while self.passed_s < end:
            self.hands.shift(step_s)
            self.place.stripe.advance(step_s)  # one clock for both vendors
            self.passed_s += step_s
            if act is not None:
                act(self.passed_s)
            work_on()


def work_on() -> None:
    """What clock and workers do in one moment."""
    polling.queue_due_feeds()
    while any(runner.drain(queue, routing.HANDLERS) for queue in QUEUES):
        pass


@contextmanager
def virtual_clock(place: Place) -> Iterator[VirtualClock]:
    """From now on time stands still unless it is moved."""
    with time_machine.travel(datetime.now(UTC), tick=False) as hands:
        yield VirtualClock(place, hands)
