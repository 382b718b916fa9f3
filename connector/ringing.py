"""Ringing: telling Celery that a queue may have work, without ever making the caller wait.

A ring is a hint that may be lost; the sweep rings again within seconds. So it is published by a
thread of its own: a web request that stored a delivery answers at once, with Redis up or down.
"""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError

from config.celery_app import app
from connector.later import Later

log = logging.getLogger(__name__)
RING_EXPIRES_S = 10
PAUSE_S = 0.05  # a burst of deliveries is a few rings, not one for each
PAUSE_UNHEARD_S = 1.0  # as often as the sweep rings; trying costs more than ringing


def ring_each(queues: list[str]) -> float:
    """One ring for each queue, however often it was asked for; how long to pause then."""
    heard = [publish(queue) for queue in dict.fromkeys(queues)]
    return PAUSE_S if all(heard) else PAUSE_UNHEARD_S


def publish(queue: str) -> bool:
    """Send one ring now; whether the broker took it. Not raised if it did not: the sweep will ring."""
    try:
        app.send_task(
            "connector.tasks.work",
            args=[queue],
            queue=queue,
            expires=RING_EXPIRES_S,
            retry=False,
            ignore_result=True,
        )
    except (OperationalError, OSError) as error:
        log.warning("ring of %s was not heard: %s", queue, type(error).__name__)
        return False
    return True


class Ringer(Later[str]):
    """Rings from a thread of its own."""

    def __init__(self) -> None:
        super().__init__("ringer", ring_each)

    def ring(self, queue: str) -> None:
        """Ask for a ring of this queue; returns at once."""
        self.ask(queue)


ringer = Ringer()
