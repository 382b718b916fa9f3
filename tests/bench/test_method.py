from __future__ import annotations

import pytest

from bench.method import jain, percentile, ratio, spread, take_turns


def test_the_median_of_rounds_counts_and_not_the_rate_of_all() -> None:
    rounds = [{"a": 10.0, "b": 5.0}, {"a": 1.0, "b": 1.0}, {"a": 300.0, "b": 100.0}]
    found = ratio(rounds, "a", "b")
    assert (found.median, found.low, found.high, found.rounds) == (2.0, 1.5, 2.5, 3)


def test_one_slow_round_changes_nothing() -> None:
    steady = [{"a": 9.0, "b": 10.0}] * 8
    assert ratio([*steady, {"a": 1.0, "b": 10.0}], "a", "b").median == pytest.approx(0.9)


def test_slices_alternate_and_every_other_round_runs_backwards() -> None:
    ran: list[str] = []

    def slice_of(name: str, rate: float) -> float:
        ran.append(name)
        return rate

    slices = {"a": lambda: slice_of("a", 1.0), "b": lambda: slice_of("b", 2.0)}
    rounds = take_turns(slices, rounds=3)
    assert ran == ["a", "b", "b", "a", "a", "b"]
    assert rounds == [{"a": 1.0, "b": 2.0}] * 3


def test_a_single_value_has_no_spread() -> None:
    assert spread([3.0]).low == spread([3.0]).high == 3.0


@pytest.mark.parametrize(
    ("share", "found"), [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)]
)
def test_percentile_is_a_value_that_was_measured(share: float, found: float) -> None:
    assert percentile([float(one) for one in range(100, 0, -1)], share) == found


def test_jain_is_one_for_equals_and_a_share_for_one_that_gets_all() -> None:
    assert jain([7.0] * 20) == pytest.approx(1.0)
    assert jain([1.0, 0.0, 0.0, 0.0]) == pytest.approx(0.25)
    assert jain([1.0, 1.0, 1.0, 1.0, 0.0]) == pytest.approx(0.8)


def test_nothing_measured_is_an_error() -> None:
    for empty in (lambda: spread([]), lambda: percentile([], 0.5), lambda: jain([0.0, 0.0])):
        with pytest.raises(ValueError, match=r"nothing|nobody"):
            empty()
