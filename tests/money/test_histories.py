"""Whatever happens, and however the news of it travel: everybody ends with the same figures.

`MONEY_SEEDS=20` plays more; `MONEY_FIRST_SEED=17 MONEY_SEEDS=1` plays one again.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.money.histories import Author
from tests.money.news import Mailbox
from tests.money.playing import no_surprises
from tests.money.replaying import WAYS, replay
from tests.pipeline.simulators import Simulators

FIRST = int(os.environ.get("MONEY_FIRST_SEED", "1"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("MONEY_SEEDS", "1")))
STEPS = int(os.environ.get("MONEY_STEPS", "200"))

pytestmark = pytest.mark.timeout(1800)  # each history is played four times


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_ends_the_same_however_its_news_travel(
    simulators: Simulators, mailbox: Mailbox, no_jobs: None, seed: int
) -> None:
    (first, way), *others = WAYS.items()
    with no_surprises():
        expected = replay(simulators, mailbox, seed, STEPS, way)
    for name, other in others:
        with no_surprises():
            found = replay(simulators, mailbox, seed, STEPS, other)
        apart = differences(expected, found)
        assert not apart, (
            f"seed {seed}, {first!r} against {name!r}:\n{apart}\n{written(seed, apart)}"
        )


def test_a_seed_writes_the_same_history_again() -> None:
    assert Author(5).write(200) == Author(5).write(200)
    assert Author(5).write(200) != Author(6).write(200)


def differences(expected: dict[str, Any], found: dict[str, Any]) -> str:
    return "\n".join(
        f"{invoice} {name}: {value} / {found[invoice][name]}"
        for invoice, figures in expected.items()
        for name, value in figures.items()
        if found[invoice][name] != value
    )


def written(seed: int, apart: str) -> str:
    """The steps of the invoices that ended differently."""
    history = enumerate(Author(seed).write(STEPS))
    return "\n".join(f"{n}. {step}" for n, step in history if f"invoice {step.invoice} " in apart)
