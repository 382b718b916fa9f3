"""After the faults: wait until all work is at its end, and say how long that took (I26)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from chaos.invariants.evidence import Row
from chaos.invariants.verdict import Verdict, judge
from chaos.invariants.work import COMES_AGAIN
from chaos.processes.system import System
from chaos.processes.tenants import POLL_S, reconnect_lost, set_polls

LOOK_EVERY_S = 1.0
QUIET_LOOKS = 3  # one after the other: what a finished job queues is not missed
SETTLE_POLL_S = 5
LONGEST_BACK_OFF_S = 900 * 1.3  # connector.jobs.retry
SWEEPS_S = 2


@dataclass(kw_only=True)
class Settled:
    """How the wait ended."""

    seconds: float
    unfinished: list[str]


def settle(system: System, *, patience_s: float) -> Settled:
    """Wait until nothing is under way, every feed has been looked at since, and all webhooks arrived."""
    began = time.monotonic()
    since = system.query("SELECT now() AS at")[0]["at"]
    for one in system.tenants:
        if one.hears != "webhooks":
            set_polls(system, one, SETTLE_POLL_S)
    if lost := reconnect_lost(system):
        system.say(f"{lost} tenants connect FreshBooks again")
        system.lost_grants += lost
    quiet, last_told = 0, began
    while quiet < QUIET_LOOKS:
        unfinished = _unfinished(system, since)
        quiet = 0 if unfinished else quiet + 1
        waited = time.monotonic() - began
        if waited > patience_s:
            return Settled(seconds=waited, unfinished=unfinished)
        if time.monotonic() - last_told > 15:
            last_told = time.monotonic()
            system.say(f"settling: {len(unfinished)} unfinished, e.g. {unfinished[:1]}")
        time.sleep(LOOK_EVERY_S)
    for one in system.tenants:
        set_polls(system, one, POLL_S[one.hears])
    return Settled(seconds=time.monotonic() - began, unfinished=[])


def in_time(settled: Settled, system: System) -> Verdict:
    """I26: the bound is the longest back-off, a lease and two sweeps."""
    bound = LONGEST_BACK_OFF_S + system.size.lease_s + SWEEPS_S
    late = [f"settled only after {settled.seconds:.0f} s"] if settled.seconds > bound else []
    how = f"settled after {settled.seconds:.0f} s; {bound:.0f} s allowed"
    return judge("I26", 1, settled.unfinished + late, how=how)


def _unfinished(system: System, since: object) -> list[str]:
    rows = system.query(
        "SELECT tenant_id, kind || ' ' || subject AS what, state, attempts, failure_code"
        " FROM connector_syncjob WHERE state IN ('queued', 'running') AND NOT kind = ANY(%s)",
        list(COMES_AGAIN),
    )
    feeds = system.query(
        "SELECT f.tenant_id, 'feed ' || feed AS what, 'not looked at' AS state, 0 AS attempts,"
        " '' AS failure_code FROM connector_pollfeed f"
        " WHERE feed IN ('freshbooks', 'stripe') AND f.tenant_id = ANY(%s)"
        " AND (last_finished_at IS NULL OR last_started_at < %s OR last_finished_at < %s)",
        [one.tenant_id for one in system.tenants if one.hears != "webhooks"],
        since,
        since,
    )
    return [_told(row) for row in rows + feeds] + _webhooks(system)


def _told(row: Row) -> str:
    return (
        f"tenant {row['tenant_id']}: {row['what']} is {row['state']}"
        f" ({row['attempts']} attempts {row['failure_code']})"
    )


def _webhooks(system: System) -> list[str]:
    """What the vendors still have to deliver; both try again whatever failed.

    With clocks apart Stripe's are refused for good, because of their age.
    """
    left: list[str] = []
    if system.size.vendor_clock_s:
        return left
    for simulator in system.simulators():
        again = simulator.redeliver()
        if again:
            left.append(f"{simulator.name} delivers {again} webhooks again")
    return left
