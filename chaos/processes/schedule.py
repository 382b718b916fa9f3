"""Which disturbance comes when: a seeded schedule, carried out and counted."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random

from chaos.processes import disturbances
from chaos.processes.disturbances import Disturbance
from chaos.processes.size import Size
from chaos.processes.system import System

TRIES = 120  # for a disturbance that found nothing to hit, e.g. a worker that just starts up
NEXT_TRY_S = 0.5
FIRST_AT, LAST_AT = 0.03, 0.95  # of the time that faults go on
GAP_S = 1.0  # between two of one kind, also if many waited for something to hit
BEATS = "stops and starts"
LANES = dict.fromkeys(("two clocks", "no clock", "rolling restart"), BEATS)
"""What must not happen at once, besides two of one kind: these stop and start the same processes."""


def planned(size: Size) -> list[tuple[str, Disturbance, int]]:
    """Each disturbance, and how often it is to hit."""
    return [
        ("SIGKILL of a working process", disturbances.kill_child, size.child_kills),
        ("SIGKILL of a whole worker", disturbances.kill_worker, size.worker_kills),
        ("Valkey killed", disturbances.kill_valkey, size.valkey_kills),
        ("FLUSHALL", disturbances.flush, size.flushes),
        ("PostgreSQL restarted", disturbances.restart_postgres, size.postgres_restarts),
        (
            "connection to PostgreSQL cut",
            disturbances.terminate_backends,
            int(size.terminate_s > 0),
        ),
        (
            "idle connection held",
            disturbances.hold_idle_connections,
            int(size.idle_connections > 0),
        ),
        ("worker frozen for two leases", disturbances.freeze_worker, size.freezes),
        ("all FreshBooks tokens expired", disturbances.expire_tokens, size.expiries),
        ("two clocks", disturbances.two_beats, size.clock_pauses),
        ("no clock", disturbances.no_beat, size.clock_pauses),
        ("rolling restart", disturbances.roll, size.rolling),
    ]


class Schedule:
    """Carries out all disturbances, each in a thread of its own when its time has come."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stop = threading.Event()
        self._lanes: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._count = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.hits: Counter[str] = Counter()
        self.planned: Counter[str] = Counter()
        self.errors: list[str] = []

    def start(self) -> None:
        """The faults begin now."""
        for number, (at, name, how) in enumerate(sorted(self._moments(), key=lambda one: one[0])):
            self.planned[name] += 1
            rng = Random(f"{self._system.size.seed} {name} {number}")
            thread = threading.Thread(target=self._later, args=(at, name, how, rng), daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Wait until everything has happened."""
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """Break off: what has not begun does not happen."""
        self._stop.set()
        self.finish()

    def missed(self) -> list[str]:
        """Disturbances that never hit as often as planned."""
        return [
            f"{name}: planned {count}, hit {self.hits[name]}"
            for name, count in self.planned.items()
            if self.hits[name] < count
        ] + self.errors

    def _moments(self) -> Iterator[tuple[float, str, Disturbance]]:
        """Spread over the time, each kind evenly but for some chance."""
        size = self._system.size
        rng = Random(f"{size.seed} schedule")
        for name, how, times in planned(size):
            for number in range(times):
                share = FIRST_AT + (LAST_AT - FIRST_AT) * (number + rng.random()) / times
                yield share * size.seconds, name, how

    def _later(self, at: float, name: str, how: Disturbance, rng: Random) -> None:
        if self._stop.wait(at):
            return
        try:
            self._hit(name, how, rng)
        except Exception as error:  # noqa: BLE001 - in a thread, nobody else would hear of it
            self.errors.append(f"{name}: {type(error).__name__}: {error}")

    def _hit(self, name: str, how: Disturbance, rng: Random) -> None:
        for _ in range(TRIES):
            with self._lanes[LANES.get(name, name)]:
                hits = how(self._system, rng)
                time.sleep(GAP_S if hits else 0)
            if hits:
                with self._count:
                    self.hits[name] += hits
                return
            time.sleep(NEXT_TRY_S)
