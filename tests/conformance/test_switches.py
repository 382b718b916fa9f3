"""Where a vendor's documentation is silent, the product works under both answers."""

from __future__ import annotations

import pytest

from sandbox.freshbooks.switches import SWITCHES as FRESHBOOKS
from sandbox.stripe.switches import SWITCHES as STRIPE
from tests.conformance.checking import check_record
from tests.conformance.scenario import complaints, play, writes_of_another_round
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators

DEFAULT = ("neither", "", "")
OTHERS = [
    (vendor, switch, answer)
    for vendor, switches in (("freshbooks", FRESHBOOKS), ("stripe", STRIPE))
    for switch, answers in switches.items()
    for answer in answers[1:]
]


def opened(simulators: Simulators, vendor: str, switch: str, answer: str) -> Shop:
    if vendor in {"freshbooks", "stripe"}:
        getattr(simulators, vendor).switch(**{switch: answer})
    return open_shop(simulators.freshbooks, simulators.stripe)


def test_every_switch_is_played(simulators: Simulators) -> None:
    assert set(simulators.freshbooks.state()["switches"]) == set(FRESHBOOKS)
    assert set(simulators.stripe.state()["switches"]) == set(STRIPE)


@pytest.mark.parametrize(("vendor", "switch", "answer"), [DEFAULT, *OTHERS])
def test_books_are_in_order_under_either_answer(
    simulators: Simulators, no_jobs: None, vendor: str, switch: str, answer: str
) -> None:
    business = play(opened(simulators, vendor, switch, answer))
    assert complaints(business) == []
    assert writes_of_another_round(business) == 0


def test_all_requests_so_far_keep_to_the_contracts(simulators: Simulators) -> None:
    check_record(simulators.record)
