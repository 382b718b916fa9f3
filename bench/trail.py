"""How quickly an audit chain is verified, against how quickly it is written."""

from __future__ import annotations

import time

from audit.recording import record
from audit.verification import verify_chain
from bench import jobs
from bench.measures import Found, Result
from bench.method import Effort, median_of, ratio, take_turns
from bench.place import Place
from tenants.scope import tenant_scope


def verification(_: Place, effort: Effort, result: Result) -> None:
    """P25: entries written one per commit, as jobs do; all of them verified, as the command does."""
    (tenant,) = jobs.live_tenants(1)
    cause = jobs.cause()

    def write(seconds: float = effort.slice_s) -> float:
        started, written = time.monotonic(), 0
        while time.monotonic() - started < seconds:
            with tenant_scope(tenant.pk):
                record(
                    tenant_id=tenant.pk,
                    action="bench.done",
                    entity=f"bench:{written}",
                    cause=cause,
                    details={"number": written, "amount_minor": 10_000, "currency": "CAD"},
                )
            written += 1
        return written / (time.monotonic() - started)

    def verify() -> float:
        started = time.monotonic()
        with tenant_scope(tenant.pk):
            report = verify_chain(tenant.pk)
        if not report.intact:
            raise RuntimeError(report.problem)
        return report.entries / (time.monotonic() - started)

    write(effort.slice_s * 5)  # a chain long enough that its rows count, and not the question
    rounds = take_turns({"verify": verify, "write": write}, rounds=effort.rounds)
    result.found.append(
        Found.of(
            "P25",
            ratio(rounds, "verify", "write"),
            verified_per_s=median_of(rounds, "verify"),
            written_per_s=median_of(rounds, "write"),
        )
    )


PARTS = (verification,)
