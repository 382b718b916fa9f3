"""One story, told again and again: each time a process dies at another point of it, or at two.

However it dies, the end must be the one of the story without a crash.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from chaos.deterministic.database import Owner
from chaos.deterministic.gathering import gather
from chaos.deterministic.judging import look_at
from chaos.deterministic.points import ASKED
from chaos.deterministic.world import World, new_world
from chaos.invariants.calls import CALLS_PER_FAULT, MORE_CALLS
from chaos.invariants.evidence import Evidence
from chaos.invariants.verdict import Verdict, judge
from tests.money.vendor_books import read_books

SEED = 7


@dataclass
class Told:
    """How one telling of the story ended."""

    crashed_at: tuple[str, ...]
    end: dict[str, Any]
    verdicts: list[Verdict]
    points: list[str] = field(default_factory=list)
    """Every point that was crossed, in order."""

    @property
    def calls(self) -> int:
        """How many calls to vendors were begun."""
        return sum(name.endswith(f":{ASKED}") for name in self.points)


def tell(owner: Owner, crash_at: Iterable[int] = ()) -> Told:
    """The story, with a crash at the so-many-th points that are crossed."""
    wanted = set(crash_at)
    points: list[str] = []
    crashed: list[str] = []
    with new_world(SEED, owner) as world:

        def meet(name: str) -> None:
            points.append(name)
            if len(points) - 1 in wanted:
                crashed.append(name)
                world.crossings.kill()

        world.crossings.meet = meet
        invoices = story(world)
        world.compare_all()
        world.crossings.meet = lambda _: None
        evidence = gather(world)
        end = ending(evidence, invoices)
        return Told(tuple(crashed), end, look_at(world, evidence), points)


def story(world: World) -> dict[str, int]:
    """A client, invoices, both parts of a payment, a refund, a cheque, an edit and a deletion."""
    shop = world.shop
    invoices = {name: shop.invoice(amount) for name, amount in AMOUNTS.items()}
    world.settle()
    shop.edit(invoices["edited"], "95.00")
    shop.fb("delete_invoice", id=invoices["deleted"])
    paid = shop.pay(invoices["paid"], 4000)
    world.settle()
    shop.pay(invoices["paid"])
    shop.st("refund", charge=paid["charge"], amount=1500)
    shop.cheque(invoices["edited"], "40.00")
    world.settle()
    return invoices


AMOUNTS = {"paid": "120.00", "edited": "80.00", "deleted": "30.00"}


def ending(evidence: Evidence, invoices: dict[str, int]) -> dict[str, Any]:
    """How everything stands at both vendors and with us, without ids and times."""
    (pair,) = evidence.pairs
    rows = evidence.tenant_rows(
        "connector_invoicelink link",
        "freshbooks_invoice_id AS invoice, collection_status AS status, state, ARRAY(SELECT"
        " DISTINCT kind FROM connector_discrepancy d WHERE d.invoice_id = link.id"
        " AND d.state = 'open' ORDER BY kind) AS told",
    )
    links = {row.pop("invoice"): row for row in rows}
    return {
        name: read_books(pair.freshbooks, pair.stripe, invoice).normal() | links.get(invoice, {})
        for name, invoice in invoices.items()
    } | {"customers": len(pair.stripe["customers"])}


@dataclass
class Crashes:
    """All tellings with crashes, against the one without."""

    points: int
    names: int
    single: int = 0
    double: int = 0
    missed: int = 0
    """Tellings whose second point was never reached, because the first crash changed the way."""
    failures: list[str] = field(default_factory=list)
    """Ends that are not the one without a crash."""
    verdicts: list[Verdict] = field(default_factory=list)


def explore(owner: Owner, *, single: int | None, double: int | None, say: Any = print) -> Crashes:
    """So many tellings with one crash, and with two; None: every point, and every pair of points."""
    plain = tell(owner)
    found = Crashes(points=len(plain.points), names=len(set(plain.points)))
    found.verdicts += plain.verdicts
    for number in chosen(plain.points, single):
        compare(found, tell(owner, (number,)), plain, (number,))
        found.single += 1
        if found.single % 25 == 0:
            say(f"{found.single} tellings with one crash")
    for pair in chosen_pairs(len(plain.points), double):
        told = tell(owner, pair)
        found.missed += len(told.crashed_at) < 2
        compare(found, told, plain, pair)
        found.double += 1
        if found.double % 25 == 0:
            say(f"{found.double} tellings with two crashes")
    return found


def compare(found: Crashes, told: Told, plain: Told, at: tuple[int, ...]) -> None:
    """Note whatever is not as without a crash, and what must hold in any case."""
    where = f"crash at {' and '.join(told.crashed_at)} (--crash-at {','.join(map(str, at))})"
    verdicts = [*told.verdicts, few_calls(told, plain)]
    found.verdicts += [
        replace(one, problems=tuple(f"{where}: {text}" for text in one.problems))
        for one in verdicts
    ]
    found.failures += [
        f"{where}: {name} ends as {told.end[name]}, not {wanted}"
        for name, wanted in plain.end.items()
        if told.end[name] != wanted
    ]


def few_calls(told: Told, plain: Told) -> Verdict:
    """I16: the story without a crash makes the fewest calls possible."""
    most = MORE_CALLS * plain.calls + CALLS_PER_FAULT * len(told.crashed_at)
    problems = [f"{told.calls} calls, {most:.0f} allowed"] if told.calls > most else []
    return judge("I16", told.calls, problems, how=f"{plain.calls} calls without a crash")


def chosen(points: list[str], most: int | None) -> list[int]:
    """Which points: of each name the first, then others, as the dice of the story say."""
    if most is None or most >= len(points):
        return list(range(len(points)))
    dice = random.Random(SEED)
    first = [points.index(name) for name in dict.fromkeys(points)]
    others = [number for number in range(len(points)) if number not in set(first)]
    dice.shuffle(first)
    dice.shuffle(others)
    return sorted([*first, *others][:most])


def chosen_pairs(points: int, most: int | None) -> list[tuple[int, int]]:
    """Which pairs of points, the first before the second."""
    if most is None:
        return [(one, two) for one in range(points) for two in range(one + 1, points)]
    dice = random.Random(SEED + 1)
    pairs = set[tuple[int, int]]()
    while len(pairs) < min(most, points * (points - 1) // 2):
        one, two = sorted(dice.sample(range(points), 2))
        pairs.add((one, two))
    return sorted(pairs)
