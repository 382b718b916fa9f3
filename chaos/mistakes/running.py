"""Makes every known mistake and writes down which check caught it, and after how long."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from chaos.deterministic.database import Owner, own_database
from chaos.deterministic.world import new_world
from chaos.mistakes import guarding, money, reading, work
from chaos.mistakes.mistake import Mistake
from chaos.report import TierResult

MISTAKES = (*money.MISTAKES, *work.MISTAKES, *reading.MISTAKES, *guarding.MISTAKES)
SEED = 3
LONGEST_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """What became of one mistake."""

    mistake: Mistake
    without: list[str]
    with_it: list[str]
    seconds: float

    @property
    def caught(self) -> bool:
        """Nothing was found without the mistake, and something with it, in time."""
        return not self.without and bool(self.with_it) and self.seconds <= LONGEST_S


def run(names: list[str], result_file: Path | None) -> int:
    """All mistakes, or those whose name has one of `names` in it."""
    chosen = [one for one in MISTAKES if not names or any(part in one.name for part in names)]
    began = time.monotonic()
    with own_database() as owner:
        outcomes = [judged(owner, mistake) for mistake in chosen]
    result = TierResult(tier="mistakes", seconds=time.monotonic() - began)
    for one in outcomes:
        result.facts[one.mistake.name] = told(one)
        if not one.caught:
            result.broken.append(f"{one.mistake.name}: {told(one)}")
    if result_file:
        result.write(result_file)
    return 1 if result.broken else 0


def judged(owner: Owner, mistake: Mistake) -> Outcome:
    """Play the drill of one mistake, without it and with it."""
    without = _played(owner, mistake, made=False)
    began = time.perf_counter()
    with_it = _played(owner, mistake, made=True)
    outcome = Outcome(mistake, without, with_it, time.perf_counter() - began)
    print(f"{'✓' if outcome.caught else '✗'} {mistake.name}: {told(outcome)}", flush=True)
    return outcome


def told(outcome: Outcome) -> str:
    """One line for the report."""
    if outcome.without:
        return f"found without the mistake: {outcome.without[0]}"
    if not outcome.with_it:
        return "NOT CAUGHT"
    return f"caught in {outcome.seconds:.1f} s: {outcome.with_it[0]}"


def _played(owner: Owner, mistake: Mistake, *, made: bool) -> list[str]:
    with new_world(SEED, owner) as world:
        block: AbstractContextManager[None] = mistake.make(world) if made else nullcontext()
        try:
            with block:
                mistake.drill(world)
        except Exception as error:  # noqa: BLE001 - a drill that cannot go on has caught something
            return [f"the drill ended early: {type(error).__name__}: {str(error)[:200]}"]
        return mistake.check(world)
