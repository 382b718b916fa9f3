"""All checks of this tier at the end: those that only look, and then the drills."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator

import psycopg

from chaos.drills import (
    credentials,
    crowding,
    disconnecting,
    erasing,
    failing,
    rebuilding,
    replaying,
    restoring,
    tampering,
    tenancy,
    upgrading,
)
from chaos.invariants import calls, ends
from chaos.invariants.evidence import Evidence
from chaos.invariants.looking import look
from chaos.invariants.verdict import Verdict, judge, not_checked
from chaos.processes.gathering import gather
from chaos.processes.settling import settle
from chaos.processes.system import RATES, System
from demo.simulators import ActRefusedError
from demo.stack import StackError

BURST = 2
"""A bucket may be full when a second begins, and be filled once more within it."""


def check_all(system: System, faults: Counter[str]) -> list[Verdict]:
    """Every verdict that needs no drill. The system is at rest, and stays so."""
    requeued = requeue_failed(system)
    evidence = gather(system)
    system.say("looking at the books")
    return [
        *look(evidence, chains=_chains(system), requeued=requeued, lost_grants=system.lost_grants),
        calls.few_writes(evidence, faults=_strikes(faults)),
        calls.within_limits(
            evidence,
            {name: BURST * rate for name, rate in RATES.items()},
            injected=sum(count for name, count in faults.items() if "status_429" in name),
        ),
        rebuilding.derived_again(system),
        *_ends(system, evidence, faults),
        credentials.no_secret_anywhere(system, evidence),
        tenancy.nothing_foreign(system),
    ]


def requeue_failed(system: System) -> int:
    """The cause is gone: whatever failed for good is put back, and must end well now."""
    dead = system.query("SELECT id FROM connector_syncjob WHERE state = 'dead' ORDER BY id")
    if dead:
        system.say(f"putting {len(dead)} failed jobs back")
        system.stack.manage("requeue", *(str(row["id"]) for row in dead))
        settle(system, patience_s=system.size.settle_s)
    return len(dead)


def _ends(system: System, evidence: Evidence, faults: Counter[str]) -> list[Verdict]:
    """The same end, whichever way the news came and whatever was lost on the way."""
    found = [
        ends.same_end(
            evidence, "I22", how="tenants without polls, and without webhooks", of=_one_way
        )
        if any(map(_one_way, evidence.tenants))
        else not_checked("I22", "no tenant learns in one way alone"),
    ]
    disordered = sum(count for name, count in faults.items() if "webhook" in name)
    for id_, count, what in (
        ("I21", disordered, "webhooks dropped, doubled, late, in the wrong order or forged"),
        ("I23", faults["FLUSHALL"], "times FLUSHALL"),
    ):
        if count:
            found.append(ends.same_end(evidence, id_, how=f"{count} {what}"))
        else:
            found.append(not_checked(id_, "no such fault struck"))
    skew = system.size.vendor_clock_s
    if skew:
        found.append(ends.same_end(evidence, "I31", how=f"vendors' clocks {skew:+} s from ours"))
    return found


def _strikes(faults: Counter[str]) -> int:
    """Faults that may cost a call; webhooks and connections that lie idle do not."""
    free = ("webhook", "idle connection")
    return sum(count for name, count in faults.items() if not any(part in name for part in free))


def _one_way(one: object) -> bool:
    return getattr(one, "hears", "both") != "both"


def _chains(system: System) -> list[dict[str, object]]:
    """What the product says of its trail; it ends with an error if a chain is broken."""
    try:
        told = system.stack.manage("verify_audit", "--json")
    except StackError as error:
        return [{"tenant": "verify_audit", "intact": False, "problem": str(error)[:500]}]
    chains: list[dict[str, object]] = json.loads(told)
    return chains


DRILLS: tuple[tuple[str, str, Callable[[System], Verdict]], ...] = (
    ("I19", "replaying the whole event log", replaying.nothing_new),
    ("I18", "tampering with the audit trail", tampering.every_change_is_found),
    ("I28", "a job that takes its worker down each time", failing.failed_and_ended_well),
    ("I15", "one tenant with a great deal of work", crowding.light_ones_wait_no_longer),
    ("I36", "working with an older version beside this one", upgrading.both_versions_agree),
    ("I32", "disconnecting a tenant", disconnecting.no_call_after),
    ("I33", "erasing a tenant", erasing.nothing_personal_left),
    ("I37", "restoring an older database", restoring.nothing_twice),
)
"""These change something, in this order."""


def drill_all(system: System) -> Iterator[Verdict]:
    """One after the other; what a drill could not do at all is a broken promise too."""
    for id_, what, drill in DRILLS:
        system.say(what)
        try:
            yield drill(system)
        except (StackError, ActRefusedError, psycopg.Error, OSError) as error:
            problem = f"{what} did not work: {type(error).__name__}: {error}"[:500]
            yield judge(id_, 0, [problem])
