"""The end of a chaos run: the worst verdict counts, gaps are told, and a crash is no success."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from chaos.__main__ import parse
from chaos.invariants.catalogue import INVARIANTS
from chaos.invariants.verdict import SHOWN, State, judge, not_checked
from chaos.processes import watching
from chaos.processes.size import SMALL, Size
from chaos.processes.size import parse as parse_size
from chaos.report import Report, TierResult, joined


def test_the_list_is_complete() -> None:
    assert list(INVARIANTS) == [f"I{number:02}" for number in range(1, 38)]


def test_nothing_to_look_at_is_no_proof() -> None:
    assert judge("I01", 0, []).state == State.NOT_CHECKED
    assert judge("I01", 1, []).state == State.HELD
    assert judge("I01", 0, ["x"]).state == State.BROKEN


def test_many_problems_are_counted_and_few_are_shown() -> None:
    found = judge("I01", 100, [str(number) for number in range(100)])
    assert len(found.problems) == SHOWN + 1
    assert found.problems[-1] == f"and {100 - SHOWN} more"


def test_the_worst_verdict_counts_and_figures_add_up() -> None:
    held, broken = judge("I06", 3, []), judge("I06", 4, ["lost"])
    gap = not_checked("I06", "no money")
    assert joined("I06", [gap, held]).state == State.HELD
    both = joined("I06", [held, gap, broken, held])
    assert (both.state, both.looked_at, both.problems) == (State.BROKEN, 10, ("lost",))
    assert joined("I06", [gap]).why == "no money"
    assert joined("I06", []).state == State.NOT_CHECKED


def test_a_result_comes_back_from_its_file(tmp_path: Path) -> None:
    result = TierResult(
        tier="processes",
        verdicts=[judge("I06", 3, ["lost"], how="counted")],
        faults=Counter({"FLUSHALL": 2}),
        seconds=12.0,
        facts={"seed": 1},
        broken=["x"],
    )
    result.write(tmp_path / "deep" / "result.json")
    assert TierResult.read(tmp_path / "deep" / "result.json") == result


def test_every_invariant_has_a_row_in_the_table_and_on_the_page() -> None:
    tier = TierResult(tier="processes", verdicts=[judge("I06", 3, ["5 | lost"])])
    report = Report(tiers=[tier])
    table, page = "\n".join(report.lines()), report.page()
    assert not report.held
    for id_, text in INVARIANTS.items():
        assert f" {id_} " in table
        assert f"| {id_} | {text} |" in page
    assert "5 | lost" in table
    assert "5 \\| lost" in page


def test_what_was_left_unchecked_is_no_success_of_a_whole_run() -> None:
    held = [judge(id_, 1, []) for id_ in INVARIANTS]
    assert Report(tiers=[TierResult(tier="processes", verdicts=held)], is_whole=True).held
    part = [TierResult(tier="processes", verdicts=held[1:])]
    assert not Report(tiers=part, is_whole=True).held
    assert Report(tiers=part).held


def test_the_whole_run_is_as_large_as_it_is_said_to_be() -> None:
    size = Size()
    assert (size.tenants, size.entities) == (20, 5000)
    assert size.worker_kills + size.child_kills >= 40
    assert (size.valkey_kills, size.postgres_restarts) == (8, 4)
    assert min(size.flushes, size.freezes, size.rolling, size.clock_pauses, size.expiries) > 0


def test_as_many_connections_are_expected_as_a_worker_may_open(settings: Any) -> None:
    assert settings.JOB_THREADS == watching.THREADS


def test_a_tier_that_crashed_is_not_held() -> None:
    assert Report(tiers=[TierResult(tier="processes")]).held
    assert not Report(tiers=[TierResult(tier="processes", broken=["it crashed"])]).held


def test_options_of_a_tier_go_after_its_name() -> None:
    options, rest = parse(["processes", "--entities", "500"])
    assert (options.tier, rest) == ("processes", ["--entities", "500"])
    with pytest.raises(SystemExit):
        parse(["--entities", "500"])


def test_sizes_come_from_the_command_line(tmp_path: Path) -> None:
    where = ["--result", str(tmp_path / "r.json")]
    assert parse_size(where)[0] == Size()
    assert parse_size([*where, "--small"])[0] == SMALL
    size, _ = parse_size([*where, "--entities", "500", "--tenants", "5", "--no-drills"])
    assert (size.entities, size.clients, size.invoices, size.drills) == (500, 10, 50, False)
