"""How every speed is measured: two things in alternating slices of one run, compared round by round.

A machine is now quick, now slow; what it does in one second tells little about the next. So the thing
that is measured and its floor take turns, each round gives one ratio, and the median of the ratios counts.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
Slice = Callable[[], float]
"""Runs for a while and answers a rate (or a time; then smaller is better)."""
Round = dict[str, float]

ROUNDS, SLICE_S = 9, 2.0
QUICK_ROUNDS, QUICK_SLICE_S = 3, 0.7


@dataclass(frozen=True)
class Effort:
    """How many rounds, how long a slice, and how much of a size that is too large for a quick look."""

    rounds: int = ROUNDS
    slice_s: float = SLICE_S
    quick: bool = False

    def size(self, full: int, quick: int) -> int:
        """How much of something."""
        return self.choose(full, quick)

    def choose(self, full: T, quick: T) -> T:
        """The one or the other."""
        return quick if self.quick else full


FULL = Effort()
QUICK = Effort(QUICK_ROUNDS, QUICK_SLICE_S, quick=True)


@dataclass(frozen=True)
class Spread:
    """What several rounds say together."""

    median: float
    low: float
    high: float
    rounds: int


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles; a single value is all three."""
    if not values:
        raise ValueError("nothing was measured")
    if len(values) == 1:
        return Spread(values[0], values[0], values[0], 1)
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high, len(values))


def take_turns(slices: Mapping[str, Slice], *, rounds: int) -> list[Round]:
    """Run every slice once a round, every other round backwards; what each answered, by round."""
    names, done = list(slices), []
    for number in range(rounds):
        order = names if number % 2 == 0 else names[::-1]
        done.append({name: slices[name]() for name in order})
    return done


def ratio(rounds: Sequence[Round], name: str, floor: str) -> Spread:
    """One of the slices by another, in each round."""
    return spread([one[name] / one[floor] for one in rounds])


def median_of(rounds: Sequence[Round], name: str) -> float:
    """The plain figure of one slice: shown, never judged."""
    return statistics.median(one[name] for one in rounds)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie: the smallest one with at least that many at or under it."""
    if not values:
        raise ValueError("nothing was measured")
    ranked = sorted(values)
    position = max(0, -(-len(ranked) * share // 1) - 1)
    return ranked[int(position)]


def jain(shares: Sequence[float]) -> float:
    """Jain's index of fairness: 1 if all got the same, 1/n if one got everything."""
    total = sum(shares)
    if not total:
        raise ValueError("nobody got anything")
    return float(total * total / (len(shares) * sum(one * one for one in shares)))
