"""Where a vendor's documentation is silent, the product works under both answers.

Usually six runs, each with a sixth of all answers; with EVERY_SWITCH_ALONE=1 in the environment one
run for each answer, which takes many minutes and says which of them is to blame.
"""

from __future__ import annotations

import os

import pytest

from sandbox.freshbooks.switches import SWITCHES as FRESHBOOKS
from sandbox.stripe.switches import SWITCHES as STRIPE
from tests.conformance.checking import check_record
from tests.conformance.scenario import complaints, play, writes_of_another_round
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators

ALONE = "EVERY_SWITCH_ALONE"
ANSWERS = [
    (vendor, switch, answer)
    for vendor, switches in (("freshbooks", FRESHBOOKS), ("stripe", STRIPE))
    for switch, answers in switches.items()
    for answer in answers[1:]
]
RUNS = len(ANSWERS) if os.environ.get(ALONE) else 6
# Every RUNS-th answer together, so that two answers of one switch are never in the same run.
DEALS = [ANSWERS[number::RUNS] for number in range(RUNS)]


def name_of(deal: list[tuple[str, str, str]]) -> str:
    if not deal:
        return "defaults"
    return f"{deal[0][1]}={deal[0][2]}" + (f"+{len(deal) - 1}" if len(deal) > 1 else "")


def opened(simulators: Simulators, deal: list[tuple[str, str, str]]) -> Shop:
    for vendor in ("freshbooks", "stripe"):
        chosen = {switch: answer for whose, switch, answer in deal if whose == vendor}
        getattr(simulators, vendor).switch(**chosen)
    return open_shop(simulators.freshbooks, simulators.stripe)


def test_every_switch_is_played(simulators: Simulators) -> None:
    assert set(simulators.freshbooks.state()["switches"]) == set(FRESHBOOKS)
    assert set(simulators.stripe.state()["switches"]) == set(STRIPE)
    assert sorted(answer for deal in DEALS for answer in deal) == sorted(ANSWERS)


@pytest.mark.parametrize("deal", [[], *DEALS], ids=name_of)
def test_books_are_in_order_under_either_answer(
    simulators: Simulators, no_jobs: None, deal: list[tuple[str, str, str]]
) -> None:
    business = play(opened(simulators, deal))
    assert complaints(business) == []
    assert writes_of_another_round(business) == 0


def test_all_requests_so_far_keep_to_the_contracts(simulators: Simulators) -> None:
    check_record(simulators.record)
