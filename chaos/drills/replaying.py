"""Every delivery that ever came, worked on again: nothing is written, nothing changes (I19)."""

from __future__ import annotations

from chaos.invariants.calls import BY_THE_CLOCK
from chaos.invariants.evidence import read_requests
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.gathering import fingerprint, gather
from chaos.processes.settling import settle
from chaos.processes.system import System

PORTION = 2000  # names in one command


def nothing_new(system: System) -> Verdict:
    """Replay the whole log in its order, wait, and compare both vendors' books with before."""
    before = fingerprint(gather(system))
    position = len(read_requests(system.stack.record_file))
    ids = [str(row["id"]) for row in system.query("SELECT id FROM connector_delivery ORDER BY id")]
    for start in range(0, len(ids), PORTION):
        system.stack.manage("replay", *ids[start : start + PORTION])
    settled = settle(system, patience_s=system.size.settle_s)
    problems = list(settled.unfinished)
    requests = read_requests(system.stack.record_file)[position:]
    problems += [
        f"{one.vendor} {one.method} {one.path} was sent"
        for one in requests
        if one.is_write and not any(part in one.path for part in BY_THE_CLOCK)
    ]
    if fingerprint(gather(system)) != before:
        problems.append("the books of the vendors are not what they were")
    return judge("I19", len(ids), problems, how="deliveries replayed")
