"""Runs what the command line asked for, and leaves the tier's result."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from dataclasses import dataclass, field

from chaos.deterministic import crashes, judging, schedule
from chaos.deterministic.database import Owner, own_database
from chaos.deterministic.schedule import Ending
from chaos.deterministic.trouble import AT_CALL, AT_POINT
from chaos.invariants.verdict import State, Verdict
from chaos.report import TierResult, joined

KINDS = (*AT_CALL, *AT_POINT, *schedule.BETWEEN)
ENOUGH = 20_000  # operations of all seeds, for each kind of trouble to strike
OFTEN = 20
LAST_STEPS = 12
FEWER = (25, 50, 75, 100, 150)  # operations to try a failing seed with


def run(options: argparse.Namespace) -> int:
    """One seed, one crash, or everything."""
    with own_database() as owner:
        if options.seed is not None:
            return one_seed(owner, options)
        if options.crash_at:
            return one_crash(owner, options)
        result = everything(owner, options)
    if options.result:
        result.write(options.result)
    for text in result.broken:
        print(text)
    broken = result.broken or any(one.state == State.BROKEN for one in result.verdicts)
    return 1 if broken else 0


def one_seed(owner: Owner, options: argparse.Namespace) -> int:
    """Play a seed, and show its event log."""
    ending = schedule.play(options.seed, owner, options.operations)
    text = "\n".join(ending.log) + "\n"
    if options.log:
        options.log.write_text(text)
    else:
        print(text, end="")
    if options.result:
        facts = {"seed": ending.seed, "operations": ending.operations}
        broken = ending.violations
        TierResult(tier="deterministic", faults=ending.hits, facts=facts, broken=broken).write(
            options.result
        )
    return 1 if ending.violations else 0


def one_crash(owner: Owner, options: argparse.Namespace) -> int:
    """The story with the crashes that were asked for, beside the one without."""
    at = tuple(int(part) for part in options.crash_at.split(","))
    plain, told = crashes.tell(owner), crashes.tell(owner, at)
    found = crashes.Crashes(points=len(plain.points), names=0)
    crashes.compare(found, told, plain, at)
    found.failures += judging.told(found.verdicts)
    print("\n".join(found.failures) or f"crashed at {', '.join(told.crashed_at)}: same end")
    if options.result:
        facts = {"crashed at": ", ".join(told.crashed_at)}
        TierResult(tier="deterministic", facts=facts, broken=found.failures).write(options.result)
    return 1 if found.failures else 0


@dataclass
class Found:
    """What all runs of this tier found."""

    verdicts: list[Verdict] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)


def everything(owner: Owner, options: argparse.Namespace) -> TierResult:
    """Random schedules, then crash points."""
    began = time.monotonic()
    found = Found()
    for number in range(options.first, options.first + options.seeds):
        random_run(found, owner, number, options.operations)
        if (played := number - options.first + 1) % 25 == 0:
            print(f"{time.monotonic() - began:7.1f} s  {played} seeds", flush=True)
    seconds = time.monotonic() - began
    if options.seeds:
        found.problems += replays(owner, options.first, options.operations)
        found.problems += [f"fault {name} never struck" for name in never(found.faults, options)]
    told = crashes.Crashes(points=0, names=0)
    if options.crashes != 0 or options.pairs != 0:
        told = crashes.explore(owner, single=options.crashes, double=options.pairs)
    ids = dict.fromkeys(one.id for one in [*found.verdicts, *told.verdicts])
    return TierResult(
        tier="deterministic",
        verdicts=[
            joined(id_, [one for one in [*found.verdicts, *told.verdicts] if one.id == id_])
            for id_ in sorted(ids)
        ],
        faults=found.faults,
        seconds=time.monotonic() - began,
        facts=facts_of(options, seconds, told, found.faults),
        broken=found.problems + told.failures,
    )


def random_run(found: Found, owner: Owner, seed: int, operations: int) -> None:
    """Play one seed, and explain what it broke."""
    ending = schedule.play(seed, owner, operations)
    found.faults += ending.hits
    found.verdicts += ending.verdicts
    if ending.violations:
        explained = explain(owner, ending)
        found.problems += explained
        print("\n".join(explained), flush=True)


def facts_of(
    options: argparse.Namespace, seconds: float, told: crashes.Crashes, hits: Counter[str]
) -> dict[str, str]:
    """Sizes, for the report, of what was played."""
    facts = {}
    if options.seeds:
        last = options.first + options.seeds - 1
        seldom = [f"{kind} {hits[kind]}" for kind in KINDS if hits[kind] < OFTEN]
        facts["seeds"] = (
            f"{options.first} to {last}, {options.operations} operations each, {seconds:.0f} s"
        )
        facts[f"struck fewer than {OFTEN} times"] = ", ".join(seldom) or "none"
    if told.points:
        facts["crash points of the story"] = f"{told.points} ({told.names} names)"
        facts["tellings with one crash"] = str(told.single)
        facts["tellings with two crashes"] = (
            f"{told.double}, the second never reached in {told.missed}"
        )
    return facts


def explain(owner: Owner, ending: Ending) -> list[str]:
    """What a failing seed broke, its last steps, and how few operations are enough."""
    enough = next(
        (n for n in FEWER if n < ending.operations and _fails(ending.seed, owner, n)),
        ending.operations,
    )
    again = f'make chaos ARGS="deterministic --seed {ending.seed} --operations {enough}"'
    last = [line for line in ending.log if not line.startswith("violated")][-LAST_STEPS:]

    return [
        *(f"seed {ending.seed}: {text}" for text in ending.violations),
        *(f"  {line}" for line in last),
        f"seed {ending.seed} again: {again}",
    ]


def _fails(seed: int, owner: Owner, operations: int) -> bool:
    return bool(schedule.play(seed, owner, operations).violations)


def replays(owner: Owner, seed: int, operations: int) -> list[str]:
    """A seed played twice gives the same event log, byte for byte."""
    first, second = (schedule.play(seed, owner, operations).log for _ in range(2))
    if first == second:
        return []
    line = next(n for n, pair in enumerate(zip(first, second, strict=False)) if len(set(pair)) > 1)
    return [f"seed {seed} does not repeat itself: {first[line]!r}, then {second[line]!r}"]


def never(hits: Counter[str], options: argparse.Namespace) -> list[str]:
    """Kinds of trouble that never happened, though there was time enough for all of them."""
    enough = options.seeds * options.operations >= ENOUGH
    return [kind for kind in KINDS if not hits[kind]] if enough else []
