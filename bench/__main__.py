"""All measurements with their limits: `make bench`. Writes a JSON report and prints a table.

Each runs in a process of its own on private services that hold nothing else. Ends with 1 if a limit is not
kept; a limit of time is meant for two processors that have nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / ".run" / "bench.json"


@dataclass(frozen=True)
class Limit:
    """One figure of a measurement and what it may be at most."""

    name: str
    found: Callable[[dict[str, Any]], float]
    most: float
    unit: str


def _slowest(report: dict[str, Any], key: str) -> float:
    return max(float(one[key]) for one in report["formats"].values())


MEASUREMENTS: dict[str, tuple[list[str], list[Limit]]] = {
    "statement": (
        ["--invoices", "10000"],
        [
            Limit("slowest format of a month", lambda found: _slowest(found, "seconds"), 30, "s"),
            Limit("most memory for it", lambda found: _slowest(found, "peak_mb"), 300, "MB"),
        ],
    ),
    "reconciliation": (
        ["--invoices", "10000", "--changed", "100"],
        [
            Limit(
                "comparison, 100 changed", lambda found: found["with_changes"]["seconds"], 20, "s"
            ),
            Limit(
                "calls, nothing changed", lambda found: found["unchanged"]["calls"], 220, "calls"
            ),
        ],
    ),
}


def main() -> int:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--report", type=Path, default=REPORT, help="where the JSON goes")
    options = parser.parse_args()
    unknown = set(options.names) - set(MEASUREMENTS)
    if unknown:
        parser.error(
            f"there is no {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}"
        )
    report: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "processors": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "measured": {name: measured(name) for name in options.names or MEASUREMENTS},
    }
    options.report.parent.mkdir(exist_ok=True)
    options.report.write_text(json.dumps(report, indent=2) + "\n")
    kept = [
        _told(name, limit, report) for name in report["measured"] for limit in MEASUREMENTS[name][1]
    ]
    print(f"written to {options.report}")
    return 0 if all(kept) else 1


def measured(name: str) -> dict[str, Any]:
    """Run one measurement on services of its own."""
    arguments, _ = MEASUREMENTS[name]
    print(f"{name} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "config.embedded", "--ephemeral", "--migrate", "--"]
    command += [sys.executable, "-m", f"bench.{name}", *arguments]
    settings = {"SECRET_KEY": "bench " * 10, "FIELD_ENCRYPTION_KEYS": "bench"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **settings}, stdout=subprocess.PIPE, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index(b"{") :])
    return found


def _told(name: str, limit: Limit, report: dict[str, Any]) -> bool:
    found = limit.found(report["measured"][name])
    kept = found <= limit.most
    sign = "✓" if kept else "✗"
    print(f" {sign} {name:15} {limit.name:28} {found:8.1f} {limit.unit:6} at most {limit.most:g}")
    return kept


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
