"""All measures with their limits: `make bench`. Prints a table, writes a JSON report.

Speeds are ratios to a floor measured in alternating slices of the same run, so that a busy machine says
something too; counts are exact. Ends with 1 if a limit is broken or a measure is missing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.measures import FAMILIES
from bench.place import ROOT
from bench.report import publish, table
from bench.running import measure, missing, read_report, rows_of

REPORT = ROOT / ".run" / "bench.json"


def main() -> int:
    """Measure what was asked for, or everything."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="FAMILY", help=", ".join(FAMILIES))
    parser.add_argument(
        "--quick", action="store_true", help="fewer and shorter rounds, smaller sizes"
    )
    parser.add_argument(
        "--report",
        type=Path,
        default=REPORT,
        help="the JSON: measured families are replaced in it, others stay",
    )
    parser.add_argument(
        "--publish", action="store_true", help="write docs/bench-report.md and the plots as well"
    )
    parser.add_argument(
        "--from-report",
        action="store_true",
        help="measure nothing: show, or publish, the last report",
    )
    options = parser.parse_args()
    unknown = set(options.names) - set(FAMILIES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(FAMILIES)}")
    if options.from_report:
        report = read_report(options.report)
        names = options.names or list(report["families"])
    else:
        names = options.names or list(FAMILIES)
        report = measure(names, quick=options.quick, file=options.report)
    rows = rows_of(report, names)
    print(table(rows))
    if options.publish:
        publish(report)
    left_out = missing(report, names)
    if left_out:
        print(f"not measured: {', '.join(left_out)}")
    broken = [row["id"] for row in rows if row["verdict"] == "broken"]
    print(f"broken: {', '.join(broken) or 'none'}; report in {options.report}")
    return 1 if broken or left_out else 0


if __name__ == "__main__":
    sys.exit(main())
