"""Runs what the command line asked for, and leaves the tier's result."""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from collections.abc import Iterable

from chaos.deterministic import crashes, schedule
from chaos.deterministic.database import Owner, own_database
from chaos.deterministic.schedule import Ending
from chaos.deterministic.trouble import AT_CALL, AT_POINT
from chaos.invariants.verdict import State, Verdict, judge
from chaos.report import TierResult

# What the end of every run is held against.
CHECKED = (
    *("I01", "I02", "I04", "I05", "I06", "I07", "I08"),
    *("I17", "I19", "I26", "I27", "I34"),
)
LAST_STEPS = 12
FEWER = (25, 50, 75, 100, 150)  # operations to try a failing seed with
_NUMBER = re.compile(r"\b(I\d\d)\b")


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
    crashes.judge(found, told, plain, at)
    print("\n".join(found.failures) or f"crashed at {', '.join(told.crashed_at)}: same end")
    if options.result:
        facts = {"crashed at": ", ".join(told.crashed_at)}
        TierResult(tier="deterministic", facts=facts, broken=found.failures).write(options.result)
    return 1 if found.failures else 0


def everything(owner: Owner, options: argparse.Namespace) -> TierResult:
    """Random schedules, then crash points."""
    began = time.monotonic()
    result = TierResult(tier="deterministic")
    problems: list[str] = []
    for number in range(options.first, options.first + options.seeds):
        ending = schedule.play(number, owner, options.operations)
        result.faults += ending.hits
        if ending.violations:
            problems += explain(owner, ending)
            print("\n".join(problems[-LAST_STEPS - 4 :]), flush=True)
        if (number - options.first + 1) % 25 == 0:
            print(
                f"{time.monotonic() - began:7.1f} s  {number - options.first + 1} seeds", flush=True
            )
    seconds = time.monotonic() - began
    if options.seeds:
        result.broken += replays(owner, options.first, options.operations)
    found = crashes.Crashes(points=0, names=0)
    if options.crashes != 0 or options.pairs != 0:
        found = crashes.explore(owner, single=options.crashes, double=options.pairs)
        problems += found.failures
    runs = options.seeds + found.single + found.double
    result.verdicts = [verdict(id_, problems, runs) for id_ in CHECKED]
    result.broken += [text for text in problems if not _NUMBER.search(text)]
    result.broken += [f"fault {name} never struck" for name in never(result.faults, options.seeds)]
    result.facts = {
        "seeds": f"{options.first} to {options.first + options.seeds - 1},"
        f" {options.operations} operations each, {seconds:.0f} s",
        "crash points of the story": f"{found.points} ({found.names} names)",
        "tellings with one crash": found.single,
        "tellings with two crashes": f"{found.double}, the second never reached in {found.missed}",
    }
    result.seconds = time.monotonic() - began
    return result


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


def verdict(id_: str, problems: Iterable[str], runs: int) -> Verdict:
    """One invariant over all runs."""
    return judge(id_, runs, [text for text in problems if id_ in _NUMBER.findall(text)])


def never(hits: Counter[str], seeds: int) -> list[str]:
    """Kinds of trouble that never happened, though there was time enough for all of them."""
    kinds = [*AT_CALL, *AT_POINT, *schedule.BETWEEN] if seeds >= 25 else []
    return [kind for kind in kinds if not hits[kind]]
