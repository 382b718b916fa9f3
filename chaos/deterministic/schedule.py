"""Random runs: a seed decides what happens next, and what goes wrong with it."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from chaos.deterministic.database import Owner
from chaos.deterministic.judging import told, verdicts
from chaos.deterministic.people import People
from chaos.deterministic.trouble import AT_CALL, AT_POINT, Trouble
from chaos.deterministic.world import World, feeds_due, new_world
from chaos.invariants.verdict import Verdict
from tests.pipeline.shop import QUEUES

OPERATIONS = 100
FAULTY = 0.20
NESTED_STEPS = 4
MOST_TRIES = 3  # so often a vendor tries to hand over a webhook

# What happens next, and how often.
STEPS = {"act": 20, "deliver": 30, "work": 32, "sweep": 5, "tick": 4, "pass_time": 9}
# What goes wrong without any process of ours at work; the failures of the catalogue it stands for.
BETWEEN: dict[str, tuple[int, tuple[str, ...]]] = {
    "lose_webhook": (5, ("F15",)),
    "double_webhook": (4, ("F06",)),
    "forge_webhook": (2, ("T01",)),
    "expire_token": (2, ("F77",)),
    "jump": (2, ("F46", "F83")),
    "skew": (2, ("F58",)),
}
FAULTS = {
    name: weight for table in (AT_CALL, AT_POINT, BETWEEN) for name, (weight, _) in table.items()
}


@dataclass
class Ending:
    """How one seed ended."""

    seed: int
    log: list[str]
    violations: list[str]
    hits: Counter[str]
    operations: int
    verdicts: list[Verdict]


@dataclass
class Schedule:
    """Plays one seed."""

    world: World
    operations: int
    people: People = field(init=False)
    trouble: Trouble = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        self.people = People(world.shop, world.dice, world.note)
        self.trouble = Trouble(world, self._others)
        world.crossings.meet = self.trouble.meet
        world.around = self.trouble.around

    def play(self) -> None:
        """So many operations, then everything comes to rest."""
        feeds_due(self.world, after=timedelta(seconds=30))
        self.people.begin()
        for _ in range(self.operations):
            if self.world.dice.random() < FAULTY:
                self._something_goes_wrong()
            self._step(STEPS)
        self._come_to_rest()

    def _step(self, steps: dict[str, int]) -> None:
        step = self.world.dice.choices(list(steps), list(steps.values()))[0]
        self.world.clock.advance(self.world.dice.uniform(0.01, 0.5))
        self.trouble.land_what_is_late()
        getattr(self, f"_{step}")()

    def _others(self) -> None:
        """What others do while one process stands still: workers, web, people; never trouble."""
        steps = {"work": 4, "deliver": 2, "act": 1}
        for _ in range(self.world.dice.randrange(1, NESTED_STEPS)):
            self._step(steps)

    # Steps -------------------------------------------------------------------------------------------

    def _act(self) -> None:
        self.people.act()

    def _deliver(self) -> None:
        lying = self.world.lying()
        if not lying:
            return
        ticket = self.world.dice.choice(lying[:6])  # never quite in order
        status = self.world.deliver(ticket)
        self.world.note(f"webhook {ticket.delivery.event} answered {status}")
        if 200 <= status < 300 or len(ticket.tries) >= MOST_TRIES:
            self.world.take(ticket)

    def _work(self) -> None:
        queue = self.world.dice.choices(QUEUES, (4, 2, 4, 1))[0]
        self.world.work(queue, self.world.dice.choice((1, 1, 3)))

    def _sweep(self) -> None:
        self.world.note(f"sweep took back {self.world.sweep()}")

    def _tick(self) -> None:
        self.world.note(f"tick queued {self.world.tick()}")

    def _pass_time(self) -> None:
        seconds = self.world.dice.choice((2.0, 10.0, 35.0, 120.0))
        self.world.clock.advance(seconds)
        self.world.note(f"{seconds:.0f} s pass")

    # Trouble -----------------------------------------------------------------------------------------

    def _something_goes_wrong(self) -> None:
        dice = self.world.dice
        kind = dice.choices(list(FAULTS), list(FAULTS.values()))[0]
        if kind not in BETWEEN:
            self.trouble.arm(kind, dice.randrange(3 if kind in AT_CALL else 8))
        elif getattr(self, f"_{kind}")():
            self.world.note(f"  {kind}")
            self.trouble.hits.update((kind, *BETWEEN[kind][1]))

    def _lose_webhook(self) -> bool:
        lying = self.world.lying()
        if lying:
            self.world.take(self.world.dice.choice(lying))
        return bool(lying)

    def _double_webhook(self) -> bool:
        lying = self.world.lying()
        if lying:
            self.world.deliver(self.world.dice.choice(lying))
        return bool(lying)

    def _forge_webhook(self) -> bool:
        for box in self.world.vendors.boxes():
            if box.lying:
                status = self.world.deliver(box.forged(self.world.dice.choice(box.lying)))
                if 200 <= status < 300:
                    raise AssertionError("a forged webhook was accepted")
                return True
        return False

    def _expire_token(self) -> bool:
        self.world.shop.fb("expire_tokens", access_only=True)
        return True

    def _jump(self) -> bool:
        self.world.clock.advance(self.world.dice.choice((3, 13, 26)) * 3600)
        return True

    def _skew(self) -> bool:
        vendor = self.world.dice.choice((self.world.vendors.freshbooks, self.world.vendors.stripe))
        vendor.clock.offset_s = self.world.dice.uniform(-600, 600)
        return True

    # The end -----------------------------------------------------------------------------------------

    def _come_to_rest(self) -> None:
        self.world.note("no more trouble")
        self.trouble.disarm()
        for vendor in (self.world.vendors.freshbooks, self.world.vendors.stripe):
            vendor.clock.offset_s = 0.0
        self.world.clock.advance(LONGEST_WAIT_S)
        self.trouble.land_what_is_late(all_of_it=True)
        self.world.settle()
        if self.world.connect_again():
            self.world.note("FreshBooks is connected again")
            self.world.settle()
        self.world.compare_all()


LONGEST_WAIT_S = 300.0  # longer than any lease, back-off after a fault, or open breaker


def play(seed: int, owner: Owner, operations: int = OPERATIONS) -> Ending:
    """Play one seed to its end, and hold what is left against everything that must hold."""
    with new_world(seed, owner) as world:
        schedule = Schedule(world, operations)
        found = _played(schedule.play)
        world.crossings.meet = lambda _: None
        looked = verdicts(world, schedule.people)
        found += told(looked)
        world.log += [f"violated: {text}" for text in found]
        return Ending(seed, world.log, found, schedule.trouble.hits, operations, looked)


def _played(play_it: Callable[[], None]) -> list[str]:
    try:
        play_it()
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed failed by it
        lines = traceback.format_exc().strip().splitlines()
        return [f"the run ended early: {type(error).__name__}: {error}", *lines[-7:]]
    return []
