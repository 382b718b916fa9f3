"""A job that takes its worker down each time fails for good; put back, it ends well (I28)."""

from __future__ import annotations

import signal
import time
from functools import partial

from chaos.drills.new_business import invoice
from chaos.invariants.evidence import Connected, Row
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.settling import settle
from chaos.processes.system import WORKERS, System
from demo.simulators import Simulator
from demo.stack import send_signal, wait_until

DEATHS = 3
PATIENCE_S = 120.0
HOW = "an edited invoice whose reading hangs, and whose worker is killed each time"


def failed_and_ended_well(system: System) -> Verdict:
    """Let an invoice's reading hang, kill who reads it until its job fails, repair, put it back."""
    one = next(t for t in system.tenants if t.mode == "record" and t.hears != "polls")
    freshbooks, _ = system.simulators()
    client = freshbooks.book()["accounts"][one.account_id]["clients"][0]["id"]
    made = invoice(freshbooks, one, client, 1)
    wait_until(lambda: _states(system, made) == ["open"], "the invoice to be open", PATIENCE_S)
    freshbooks.add_fault(
        "slow", times=None, path=rf"/account/{one.account_id}/invoices/invoices/\d+$", delay_s=9.0
    )
    try:
        _edit(freshbooks, one, made)
        for deaths in range(DEATHS):
            wait_until(partial(_job, system, made, "running", deaths), "the job to run", PATIENCE_S)
            time.sleep(1)  # it has been begun, and its reading hangs
            _kill_all(system)
        wait_until(partial(_job, system, made, "dead", DEATHS), "the job to fail", PATIENCE_S)
    finally:
        freshbooks.clear_faults()
    failed = _job(system, made, "dead", DEATHS)
    problems = []
    if not (failed["failure_message"] and failed["next_step"]):
        problems.append(f"job {failed['id']} does not say why or what to do")
    system.stack.manage("requeue", str(failed["id"]))
    problems += settle(system, patience_s=system.size.settle_s).unfinished
    if _states(system, made) != ["open"]:
        problems.append(f"invoice {made} is {_states(system, made)} after its job was put back")
    return judge("I28", 1, problems, how=HOW)


def _edit(freshbooks: Simulator, one: Connected, invoice_id: int) -> None:
    """A change of an invoice that is known is always read from the invoice itself."""
    line = {"name": "Later work", "qty": "1", "unit_cost": {"amount": "91.20", "code": "CAD"}}
    freshbooks.act(
        "edit_invoice", account_id=one.account_id, id=invoice_id, invoice={"lines": [line]}
    )


def _states(system: System, invoice_id: int) -> list[str]:
    rows = system.query(
        "SELECT state FROM connector_invoicelink WHERE freshbooks_invoice_id = %s", invoice_id
    )
    return [row["state"] for row in rows]


def _job(system: System, invoice_id: int, state: str, deaths: int) -> Row:
    """The invoice's job, if it is in this state after so many deaths; else nothing."""
    rows = system.query(
        "SELECT id, failure_message, next_step FROM connector_syncjob WHERE kind = 'sync_invoice'"
        " AND subject = %s AND state = %s AND deaths = %s",
        str(invoice_id),
        state,
        deaths,
    )
    return rows[0] if rows else {}


def _kill_all(system: System) -> None:
    """Every process that works: one of them holds the job."""
    for name in WORKERS:
        for pid in system.stack.worker_pids(name)[1:]:
            send_signal(pid, signal.SIGKILL)
