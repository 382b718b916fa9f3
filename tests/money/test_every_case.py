"""Every case of money, in every payment mode, however the news arrive: the two ledgers agree.

`MONEY_WAYS=few` plays four of the twelve ways, in which each mode and each delivery occurs.

All cases of a mode and a delivery are played once, side by side for one tenant; each test then
looks at one case. What happened is read from the simulators' own books.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace
from typing import Any

import pytest

from connector.journal import Totals
from tests.money.cases import CASES, cases_of
from tests.money.news import DELIVERIES
from tests.money.playing import MODES, Ending, Played, no_surprises, play

pytestmark = pytest.mark.timeout(900)  # the first test of a way plays all of its cases
ALL_OF_IT = {"currency_differs", "deleted_in_freshbooks"}  # then no single figure can be compared
FROM_BOOKS = ("collected", "returned", "recorded", "elsewhere")
Way = tuple[str, str]  # mode, delivery
FEW = [
    ("record", "disorder"),
    ("record", "polling"),
    ("approve", "webhooks"),
    ("observe", "both"),
]
EVERY_WAY = list(itertools.product(MODES, DELIVERIES))
WAYS = FEW if os.environ.get("MONEY_WAYS") == "few" else EVERY_WAY
EVERY = [
    pytest.param(way, name, id="-".join([*way, name])) for way in WAYS for name in cases_of(*way)
]
EACH_WAY = [pytest.param(way, id="-".join(way)) for way in WAYS]


@pytest.fixture(scope="module")
def played_ways() -> dict[Way, Played | Exception]:
    return {}


@pytest.fixture
def played(
    way: Way, played_ways: dict[Way, Played | Exception], request: pytest.FixtureRequest
) -> Played:
    """How it ended in this mode with this delivery; played when first asked for."""
    if way not in played_ways:
        needed = (request.getfixturevalue(name) for name in ("no_jobs", "simulators", "mailbox"))
        _, simulators, mailbox = needed
        try:
            with no_surprises():
                played_ways[way] = play(
                    simulators, mailbox, cases_of(*way), mode=way[0], delivery=way[1]
                )
        except Exception as error:  # noqa: BLE001 - told by every test of this way, played once
            played_ways[way] = error
    ended = played_ways[way]
    if isinstance(ended, Exception):
        raise ended
    return ended


@pytest.mark.parametrize(("way", "name"), EVERY)
def test_both_ledgers_agree(played: Played, way: Way, name: str) -> None:
    end, (mode, _) = played.endings[name], way
    if mode == "observe":
        assert end.books.ours == []
    assert unexplained(end) == 0
    if mode != "observe":
        assert end.kinds == CASES[name].open


def unexplained(end: Ending) -> int:
    """What Stripe kept and FreshBooks does not show as ours, less what open differences say of it."""
    gap = end.books.net - end.books.recorded
    for row in end.differences:
        figures = (row["freshbooks_minor"] or 0, row["stripe_minor"] or 0)
        speaks_of_it = row["kind"] in {"payment_not_recorded", "paid_differs"}
        if speaks_of_it and figures == (end.books.recorded, end.books.net):
            return 0
        if row["kind"] in ALL_OF_IT and gap <= figures[1]:
            return 0
    return gap


@pytest.mark.parametrize(("way", "name"), EVERY)
def test_our_own_figures_are_the_vendors(played: Played, way: Way, name: str) -> None:
    end, case = played.endings[name], CASES[name]
    books, link = end.books, end.link
    fb = books.normal()["freshbooks"]
    assert [
        link["freshbooks_vis_state"],
        link["freshbooks_status"],
        link["freshbooks_total_minor"],
        link["freshbooks_paid_minor"],
        link["freshbooks_outstanding_minor"],
    ] == fb
    assert [
        link["stripe_status"],
        link["stripe_total_minor"],
        link["stripe_paid_minor"],
        link["stripe_remaining_minor"],
    ] == (books.normal()["stripe"] or ["", None, None, None])
    if case.status:
        assert link["collection_status"] == case.status


@pytest.mark.parametrize(("way", "name"), EVERY)
def test_the_journal_adds_up_to_the_books(played: Played, way: Way, name: str) -> None:
    end = played.endings[name]
    found = end.totals
    if "currency_differs" in CASES[name].open:
        assert found == Totals()  # facts in another currency than the invoice's are no sum of it
        return
    assert (found.collected, found.returned, found.recorded, found.elsewhere) == (
        end.books.paid,
        end.books.refunded + end.books.lost,
        end.books.recorded,
        end.books.elsewhere,
    )


@pytest.mark.parametrize(("way", "name"), EVERY)
def test_the_statement_explains_each_unit(played: Played, way: Way, name: str) -> None:
    books = played.endings[name].books
    lines = played.statement.get(books.freshbooks["id"], [])
    assert [line.explained for line in lines if line.unexplained] == []
    found = [sum(line.closing[column] for line in lines) for column in FROM_BOOKS]
    returned = -books.refunded - books.lost
    assert found == [books.paid, returned, books.recorded, books.elsewhere]


@pytest.mark.parametrize(("way", "name"), EVERY)
def test_each_payment_is_there_once(played: Played, way: Way, name: str) -> None:
    end = played.endings[name]
    markers = [row["note"] for row in end.books.ours]
    assert len(markers) == len(set(markers))
    assert sum(row["amount_minor"] for row in end.collected) == end.books.paid
    assert sum(kept(row) for row in end.collected) == end.books.net


def kept(row: dict[str, Any]) -> int:
    lost = row["disputed_minor"] if row["dispute_status"] == "lost" else 0
    return int(row["amount_minor"] - row["refunded_minor"] - lost)


@pytest.mark.parametrize(("way", "name"), EVERY)
def test_a_second_round_finds_nothing_new(played: Played, way: Way, name: str) -> None:
    before, after = played.endings[name], played.again[name]
    assert replace(after, books=before.books) == before
    assert after.books.normal() == before.books.normal()


@pytest.mark.parametrize("way", EACH_WAY)
def test_a_second_round_writes_nothing(played: Played, way: Way) -> None:
    assert [(row["method"], row["path"]) for row in played.written_again] == []
    assert played.dead == []


@pytest.mark.parametrize("way", EACH_WAY)
def test_nothing_but_payments_is_written_to_freshbooks_and_no_status(
    played: Played, way: Way
) -> None:
    assert not [row for row in played.writes if "/payments/payments" not in row["path"]]
    assert not [row for row in played.writes if "status" in str(row.get("json")).lower()]
    if way[0] == "observe":
        assert played.writes == []
    else:
        assert played.writes
