"""The gate in front of every vendor call: budgets, counters, and "never inside a transaction"."""

from __future__ import annotations

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from connector.errors import VendorRateLimited
from connector.jobs.context import current_run
from connector.limits import answers, budgets, incidents, reads, taking, trail
from connector.vendors.gate import CallReport
from tenants.scope import tenant_scope

log = logging.getLogger(__name__)
HOST = socket.gethostname()

# A job waits in its place for a call that is allowed in a moment: given back, a job under way would
# have to read everything again, and a new one costs more to give back than the moment.
PATIENCE_NEW_S, PATIENCE_UNDER_WAY_S = 0.1, 2.0
WORTH_WAITING_FOR = frozenset({"budget", "in_flight"})

REFUSALS = {
    "budget": "The call budget for {vendor} is used up for the moment.",
    "in_flight": "As many workers as may are calling this {vendor} account.",
    "told_to_wait": "{vendor} asked to be called later.",
    "no_answer": "This account got no answer from {vendor} several times; it is left in peace.",
    "incident": "{vendor} answers no tenant at the moment; one call a minute is tried.",
    "reads": "This month's reads of {vendor} run ahead of the month; background work waits.",
}


class CallInsideTransaction(RuntimeError):
    """A vendor was about to be called while a transaction was open: a bug, never allowed."""


class VendorGate:
    """Implements `connector.vendors.gate.CallGate` for one tenant. `livemode`: of the Stripe key."""

    def __init__(
        self,
        tenant_id: int,
        *,
        livemode: bool = True,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._tenant_id = tenant_id
        self._livemode = livemode
        self._clock = clock
        self._sleep = sleep
        self._begun: set[str] = set()
        self._probing = False

    def before(self, vendor: str, operation: str) -> None:
        """Take one call from the vendor account's budget.

        Raises VendorRateLimited when the budget is used up, the vendor asked us to wait or does not
        answer: the job gives its slot back with a due time.
        """
        _refuse_inside_transaction(operation)
        begun = vendor in self._begun
        patience_s = PATIENCE_UNDER_WAY_S if begun or not current_run() else PATIENCE_NEW_S
        until = time.monotonic() + patience_s
        ask = self._ask(vendor, operation)
        while reason := (answer := self._take(ask)).reason:
            if reason == "incident" and not ask.probing and incidents.may_probe(vendor):
                ask, self._probing = replace(ask, probing=True), True
                continue
            wait_s = answer.wait_s * random.uniform(1, 1.3)  # noqa: S311 - no secret
            if reason not in WORTH_WAITING_FOR or time.monotonic() + wait_s > until:
                turn_s = 0.0 if begun else self._turn(ask, answer)
                _refuse(vendor, operation, reason, max(wait_s, turn_s))
            self._sleep(wait_s)
            ask = replace(ask, share=self._share(vendor))
        self._spare_reads(vendor, operation, answer)
        self._begun.add(vendor)

    def after(self, call: CallReport) -> None:
        """Count the call; learn from a 429; leave an account or a vendor in peace that is silent.

        Never raises: the call was made, and its answer matters more than its count.
        """
        try:
            self._learn(call)
        except DatabaseError:
            log.warning("a call of %s was not counted", call.operation, exc_info=True)

    def _ask(self, vendor: str, operation: str) -> taking.Ask:
        return taking.Ask(
            tenant_id=self._tenant_id,
            vendor=vendor,
            endpoint=budgets.endpoint_of(vendor, operation),
            account_budget=budgets.account_budget(vendor, livemode=self._livemode),
            endpoint_budget=budgets.endpoint_budget(vendor),
            most_in_flight=settings.VENDOR_CALLS_AT_ONCE,
            holder=_holder(),
            share=self._share(vendor),
        )

    def _share(self, vendor: str) -> float:
        return budgets.share_needed(current_run(), begun=vendor in self._begun, now_s=self._clock())

    def _take(self, ask: taking.Ask) -> taking.Answer:
        with tenant_scope(self._tenant_id):
            return taking.take(ask)

    def _turn(self, ask: taking.Ask, answer: taking.Answer) -> float:
        """When it is the turn of the job that is sent away, in seconds from now."""
        run = current_run()
        if run is None:
            return 0.0
        with tenant_scope(self._tenant_id):
            return taking.turn(ask, answer, later=budgets.is_found(run))

    def _spare_reads(self, vendor: str, operation: str, answer: taking.Answer) -> None:
        """Background work begins only while this month's reads are not used up too early."""
        if vendor != "stripe" or vendor in self._begun or not budgets.is_background(current_run()):
            return
        if not reads.may_be_short(answer.reads, answer.reads_allowed):
            return
        with tenant_scope(self._tenant_id):
            budget = reads.allowed(answer.reads_allowed, transactions=reads.transactions().count())
        wait_s = reads.wait_s(answer.reads, budget, now=timezone.now())
        if wait_s > 0:
            _refuse(vendor, operation, "reads", wait_s * random.uniform(0.9, 1.1))  # noqa: S311 - no secret

    def _learn(self, call: CallReport) -> None:
        silent = call.outcome in answers.NO_ANSWER
        with tenant_scope(self._tenant_id):
            noted = answers.note(self._tenant_id, call, holder=_holder())
            if call.outcome == "rate_limited":
                self._lower(call)
            paused_s = (
                answers.pause(self._tenant_id, call, failures=noted.failures)
                if silent and noted
                else 0.0
            )
        if noted is not None:
            trail.tell(self._tenant_id, call, noted, paused_s=paused_s)
        if silent and noted and noted.failures >= incidents.LEAST_FAILURES:
            if incidents.open_if_many_fail(call.vendor):
                trail.incident(self._tenant_id, call, opened=True)
        elif self._probing and not silent:
            self._probing = False
            if incidents.close(call.vendor):
                trail.incident(self._tenant_id, call, opened=False)

    def _lower(self, call: CallReport) -> None:
        rate = answers.lower(
            self._tenant_id,
            call,
            endpoint=budgets.endpoint_of(call.vendor, call.operation),
            account=budgets.account_budget(call.vendor, livemode=self._livemode),
            of_endpoint=budgets.endpoint_budget(call.vendor),
        )
        if rate is not None:
            log.warning("%s: too many calls; %.2f per second from now on", call.operation, rate)


def _holder() -> str:
    """Who calls: a job, or one thread of one process."""
    run = current_run()
    return f"{taking.JOB}{run.job_id}" if run else f"{HOST}:{os.getpid()}:{threading.get_ident()}"


def _refuse(vendor: str, operation: str, reason: str, wait_s: float) -> NoReturn:
    raise VendorRateLimited(
        REFUSALS[reason].format(vendor={"freshbooks": "FreshBooks", "stripe": "Stripe"}[vendor]),
        vendor=vendor,
        operation=operation,
        code=f"own_{reason}",
        retry_after_s=wait_s,
        next_step="Nothing to do: the job runs again by itself.",
    )


def _refuse_inside_transaction(operation: str) -> None:
    blocks = [
        block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)
    ]
    if blocks or (connection.in_atomic_block and not connection.atomic_blocks):
        raise CallInsideTransaction(f"{operation} inside a database transaction")
