"""The whole demo, played to its end; and again with a worker that keeps being killed."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.conformance.checking import check_record
from tests.demo.running import play

SEED = 20
KILLS = 4

pytestmark = [pytest.mark.slow_flow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Without a kill."""
    return play("--seed", str(SEED), "--no-kill", logs=tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same month, with the worker killed at moments that nobody chose."""
    source = random.Random(SEED)
    moments = [source.randrange(start, start + 150) for start in range(10, KILLS * 180, 180)]
    options = [part for moment in moments for part in ("--kill-after", str(moment))]
    return play("--seed", str(SEED), *options, logs=tmp_path_factory.mktemp("killed"))


def test_every_promise_holds(undisturbed: dict[str, Any]) -> None:
    assert [one for one in undisturbed["checks"] if not one["held"]] == [], undisturbed["told"]
    assert undisturbed["held"]
    assert undisturbed["code"] == 0
    assert undisturbed["trouble"]["kills"] == 0


def test_it_is_a_month_of_two_businesses(undisturbed: dict[str, Any]) -> None:
    rows = [row for end in undisturbed["end_state"].values() for row in end["invoices"].values()]
    assert len(rows) >= 60
    assert {row["currency"] for row in rows} >= {"USD", "CAD", "EUR", "JPY"}


def test_what_is_recorded_is_what_was_collected_where_the_tenant_records(
    undisturbed: dict[str, Any],
) -> None:
    records, observes = undisturbed["end_state"].values()
    sums = [
        (
            sum(row["collected"] - row["returned"] for row in rows),
            sum(row["recorded"][0] for row in rows),
        )
        for rows in (records["invoices"].values(), observes["invoices"].values())
    ]
    assert sums[0][0] == sums[0][1] > 0
    assert sums[1][0] > sums[1][1] == 0


def test_every_request_keeps_the_vendors_contracts(
    undisturbed: dict[str, Any], killed: dict[str, Any]
) -> None:
    check_record(undisturbed["record"], at_least=50)
    check_record(killed["record"], at_least=50)


def test_killing_the_worker_changes_nothing_in_the_end(
    undisturbed: dict[str, Any], killed: dict[str, Any]
) -> None:
    assert killed["trouble"]["kills"] == KILLS
    assert killed["end_state"] == undisturbed["end_state"]
    assert [one for one in killed["checks"] if not one["held"]] == [], killed["told"]
    assert killed["code"] == 0
