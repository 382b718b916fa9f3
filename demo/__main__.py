"""`python -m demo`: the product against both simulated vendors, with a month of business."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

from requests import RequestException

from config.guardian.errors import EmbeddedError
from demo.browser import PageError
from demo.month import plan_month
from demo.performance import Demo, DemoResult
from demo.report import Report
from demo.simulators import ActRefusedError
from demo.stack import StackError, running_stack

DEFAULT_KILL_AFTER = (150,)  # vendor calls: in the middle of the first import
INTERRUPTED = 130
SETTINGS = {
    # The simulators have no limits of their own; after the burst of 429s a quarter of this is left.
    "FRESHBOOKS_RATE_PER_S": "40",
    "STRIPE_TEST_RATE_PER_S": "60",
    "STRIPE_ENDPOINT_RATE_PER_S": "60",
    "JOB_LEASE_S": "6",  # how long work of a killed worker waits
}


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end by itself; 0 if all checks held")
    parser.add_argument("--seed", type=int, default=0, help="of the month's business (default 0)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
    parser.add_argument(
        "--logs", type=Path, metavar="FOLDER", help="keep logs here (default: only after a failure)"
    )
    parser.add_argument(
        "--kill-at",
        type=float,
        action="append",
        default=[],
        metavar="SECONDS",
        help="kill the worker this long after going live; may be repeated",
    )
    parser.add_argument(
        "--kill-after",
        type=int,
        action="append",
        default=[],
        metavar="CALLS",
        help="kill the worker after so many vendor calls; may be repeated (default: once, "
        f"after {DEFAULT_KILL_AFTER[0]})",
    )
    parser.add_argument("--no-kill", action="store_true", help="let the worker live")
    options = parser.parse_args(arguments)
    if options.no_kill:
        if options.kill_at or options.kill_after:
            parser.error("--no-kill goes with neither --kill-at nor --kill-after")
    elif not options.kill_at and not options.kill_after:
        options.kill_after = list(DEFAULT_KILL_AFTER)
    return options


def main(arguments: list[str] | None = None) -> int:
    """Play, show, stay up or end; an exit code."""
    options = parse(arguments)
    report = Report(to_stderr=options.json)
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _leave)
    logs = options.logs or Path(tempfile.mkdtemp(prefix="ml-connector-demo-"))
    code = 1
    try:
        code = _run(options, report, logs)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (StackError, PageError, ActRefusedError, EmbeddedError, RequestException) as error:
        report.failed("The demo could not go on", [error])
    if code in (0, INTERRUPTED) and not options.logs:
        shutil.rmtree(logs, ignore_errors=True)
    else:
        report.say(f"logs are in {logs}")
    return code


def _run(options: argparse.Namespace, report: Report, logs: Path) -> int:
    report.say("starting PostgreSQL, Valkey, both vendors, web, worker and beat")
    with running_stack(log_dir=logs, seed=options.seed, settings=SETTINGS) as stack:
        try:
            report.say(f"all processes are up at {stack.base_url}")
            demo = Demo(stack, plan_month(options.seed), report)
            result = demo.perform(at_seconds=options.kill_at, after_calls=options.kill_after)
            if options.json:
                print(json.dumps(result.as_json(), indent=1), flush=True)
            if not options.once:
                _stay(report, result)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # one Ctrl-C is enough: end in peace
    return 0 if result.held else 1


def _stay(report: Report, result: DemoResult) -> None:
    ending = "All checks held." if result.held else "Not all checks held."
    report.say(f"{ending} Everything stays up until you press Ctrl-C.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        report.say("stopping")


def _leave(_signum: int, _frame: FrameType | None) -> None:
    """SIGTERM and SIGHUP end the demo as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
