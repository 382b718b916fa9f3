"""One tenant has a great deal of work: the others wait no longer than twice as long (I15)."""

from __future__ import annotations

import time

from chaos.drills.new_business import invoice
from chaos.invariants.evidence import Connected
from chaos.invariants.verdict import Verdict, judge, not_checked
from chaos.processes.settling import settle
from chaos.processes.system import System
from demo.stack import wait_until

LIGHT = 3
INVOICES_EACH = 6
HEAVY_INVOICES = 120
REPLAYED = 1500
SLOW_S = 0.5  # each call to the heavy tenant's books, so that it does not come to an end
AT_MOST = 2.0
FLOOR_S = 1.0  # below it the wait is that of the clock's ticks
PATIENCE_S = 300.0


def light_ones_wait_no_longer(system: System) -> Verdict:
    """The same little business twice: alone, and beside a tenant with work for a while."""
    able = [one for one in system.tenants if one.mode == "record" and one.hears != "polls"]
    heavy, light = able[0], able[1 : 1 + LIGHT]
    if not light:
        return not_checked("I15", "there are not tenants enough")
    alone = _longest_wait(system, light)
    freshbooks, _ = system.simulators()
    freshbooks.add_fault("slow", times=None, path=f"/account/{heavy.account_id}/", delay_s=SLOW_S)
    try:
        _burden(system, heavy)
        beside = _longest_wait(system, light)
        busy = _waiting(system, heavy)
    finally:
        freshbooks.clear_faults()
    settle(system, patience_s=system.size.settle_s)
    if not busy:
        return not_checked("I15", "the heavy tenant was done before the light ones")
    how = f"99 % began within {beside:.1f} s beside it, {alone:.1f} s alone; {busy} still waited"
    bound = AT_MOST * max(alone, FLOOR_S)
    problems = [f"{beside:.1f} s, {bound:.1f} s allowed"] if beside > bound else []
    return judge("I15", LIGHT * INVOICES_EACH, problems, how=how)


def _longest_wait(system: System, tenants: list[Connected]) -> float:
    """How long 99 % of the jobs of some new invoices waited at most, from when they were due."""
    since = system.query("SELECT now() AS at")[0]["at"]
    ids = [_write(system, one, number) for one in tenants for number in range(INVOICES_EACH)]

    of = [one.tenant_id for one in tenants for _ in range(INVOICES_EACH)]

    def in_stripe() -> bool:
        """Each business counts its invoices by itself: others have some of the same numbers."""
        rows = system.query(
            "SELECT 1 FROM connector_invoicelink JOIN unnest(%s::bigint[], %s::bigint[])"
            " AS asked(tenant, invoice) ON tenant = tenant_id AND invoice = freshbooks_invoice_id"
            " WHERE state = 'open'",
            of,
            ids,
        )
        return len(rows) == len(ids)

    wait_until(in_stripe, "the light tenants' invoices", PATIENCE_S)
    (row,) = system.query(
        "SELECT percentile_disc(0.99) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - due_at))"
        " AS wait_s FROM connector_syncjob"
        " WHERE created_at >= %s AND state = 'done' AND tenant_id = ANY(%s)",
        since,
        of,
    )
    return float(row["wait_s"])


def _burden(system: System, heavy: Connected) -> None:
    """Many new invoices, and its old deliveries once more."""
    for number in range(HEAVY_INVOICES):
        _write(system, heavy, number)
    rows = system.query(
        "SELECT id FROM connector_delivery WHERE tenant_id = %s ORDER BY id LIMIT %s",
        heavy.tenant_id,
        REPLAYED,
    )
    system.stack.manage("replay", *(str(row["id"]) for row in rows))
    time.sleep(1)  # its work is under way


def _waiting(system: System, heavy: Connected) -> int:
    (row,) = system.query(
        "SELECT count(*) AS waiting FROM connector_syncjob"
        " WHERE tenant_id = %s AND state = 'queued'",
        heavy.tenant_id,
    )
    return int(row["waiting"])


def _write(system: System, one: Connected, number: int) -> int:
    freshbooks = system.simulators()[0]
    clients = freshbooks.book()["accounts"][one.account_id]["clients"]
    return invoice(freshbooks, one, clients[0]["id"], number)
