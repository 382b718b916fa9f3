"""`python -m chaos.processes`: business, faults, rest, and what became of it all."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from chaos.invariants.verdict import State, Verdict
from chaos.processes.business import Business
from chaos.processes.checking import check_all, drill_all
from chaos.processes.schedule import Schedule
from chaos.processes.settling import in_time, settle
from chaos.processes.size import Size, parse
from chaos.processes.system import System, running_system
from chaos.processes.tenants import connect_tenants
from chaos.processes.vendor_faults import VendorFaults
from chaos.processes.watching import Watch
from chaos.report import TierResult

PROGRESS_EVERY_S = 15.0
WHOLE = Size().entities  # a smaller run may end before its last payment


class Progress:
    """One line now and then, with the seconds since the start."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def __call__(self, text: str) -> None:
        """Say it."""
        print(f"{self.seconds:7.1f} s  {text}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the tier and leave its result; logs stay only if something is broken."""
    size, options = parse(arguments)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _leave)
    logs = options.logs or Path(tempfile.mkdtemp(prefix="ml-connector-chaos-logs-"))
    result = run(size, logs, Progress())
    result.write(options.result)
    broken = result.broken or any(one.state == State.BROKEN for one in result.verdicts)
    if options.logs or broken:
        print(f"logs are in {logs}", flush=True)
    else:
        shutil.rmtree(logs, ignore_errors=True)
    return 1 if broken else 0


def _leave(_signum: int, _frame: FrameType | None) -> None:
    """Whatever asks for the end gets an orderly one: everything that was started is stopped."""
    raise KeyboardInterrupt


def run(size: Size, logs: Path, say: Progress) -> TierResult:
    """The whole tier."""
    say("starting PostgreSQL, Valkey, both vendors, web, two workers and beat")
    with running_system(size, logs, say) as system:
        say(f"connecting {size.tenants} tenants")
        connect_tenants(system)
        watch = Watch(system)
        watch.start()
        result = TierResult(tier="processes")
        _disturb(system, say, result)
        say("faults are over; waiting for all work to end")
        settled = settle(system, patience_s=size.settle_s)
        result.verdicts.append(in_time(settled, system))
        result.verdicts += watch.stop()
        result.broken += watch.errors
        result.verdicts += check_all(system, result.faults)
        _say_all(say, result.verdicts)
        for verdict in drill_all(system) if size.drills else ():
            result.verdicts.append(verdict)
            _say_all(say, [verdict])
        result.broken += _unlike_the_vendors(system)
        result.facts["tenants that had to connect FreshBooks again"] = system.lost_grants
    result.seconds = say.seconds
    return result


def _say_all(say: Progress, verdicts: Iterable[Verdict]) -> None:
    """What is known already, for whoever waits for the drills."""
    for one in verdicts:
        if one.state != State.NOT_CHECKED:
            say(f"{one.id} {one.state}, {one.looked_at} looked at {' | '.join(one.problems[:3])}")


def _disturb(system: System, say: Progress, result: TierResult) -> None:
    """Business and faults together, until both are over."""
    business, schedule, vendors = Business(system), Schedule(system), VendorFaults(system)
    business.start()
    schedule.start()
    vendors.start()
    until = time.monotonic() + system.size.seconds
    while business.goes_on or time.monotonic() < until:
        time.sleep(min(PROGRESS_EVERY_S, system.size.seconds / 4))
        hits = sum(schedule.hits.values())
        say(f"{business.entities} entities, {hits} disturbances")
    business.finish()
    schedule.finish()
    result.faults += schedule.hits + vendors.stop()
    result.broken += [*business.errors, *schedule.missed(), *vendors.errors]
    size = system.size
    if size.entities >= WHOLE and business.entities < size.entities:
        result.broken.append(f"{business.entities} entities of {size.entities}")
    if vendors.met:
        result.facts |= {
            "faults that each vendor call met": ", ".join(
                f"{name} {count}" for name, count in sorted(vendors.met.items())
            )
        }
    result.facts |= {
        "tenants": size.tenants,
        "clients, invoices and payments": business.entities,
        "what people did": ", ".join(f"{n} {c}" for n, c in sorted(business.done.items())),
        "what the vendors refused people": sum(business.refused.values()),
        "stories that could not be told to their end": business.left,
        "time with faults": f"{size.seconds:.0f} s",
        "lease (JOB_LEASE_S)": f"{size.lease_s} s, shortened for the run",
        "vendors' clocks ahead of ours": f"{size.vendor_clock_s} s",
        "seed": size.seed,
    }


def _unlike_the_vendors(system: System) -> list[str]:
    return [text for simulator in system.simulators() for text in simulator.violations()]


if __name__ == "__main__":
    sys.exit(main())
