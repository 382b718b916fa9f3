"""`make chaos`: both tiers, then one table of all invariants. Exit code 0 only if nothing is broken.

make chaos                                      everything
make chaos ARGS="processes --entities 500"      one tier, its own options after its name
make chaos ARGS=--publish                       everything, and docs/chaos-report.md is written
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from chaos.report import JSON_FILE, PAGE, ROOT, Report, TierResult

TIERS: dict[str, tuple[str, ...]] = {
    "deterministic": ("chaos.deterministic", "--crashes", "0", "--pairs", "0"),
    "crash-points": ("chaos.deterministic", "--seeds", "0"),
    "mistakes": ("chaos.mistakes",),
    "processes": ("chaos.processes",),
    "clocks-ahead": ("chaos.processes", "--small", "--vendor-clock-s", "600"),
    "clocks-behind": ("chaos.processes", "--small", "--vendor-clock-s", "-600"),
}
"""Name -> module, and what it is told before the options of the command line."""
IN_PROCESS = ("deterministic", "crash-points", "mistakes")  # on services that hold nothing else
ABREAST = 2  # so many of those at once: each is busy with one processor, and looks at no clock
SETTINGS = {"SECRET_KEY": "chaos " * 10, "FIELD_ENCRYPTION_KEYS": "chaos"}


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for, in order, and tell how it went."""
    options, of_the_tier = parse(arguments)
    report = Report(tiers=[], is_whole=not options.tier)
    wanted = [options.tier] if options.tier else list(TIERS)
    with ThreadPoolExecutor(ABREAST) as pool:
        run = partial(run_tier, arguments=of_the_tier)
        report.tiers += pool.map(run, [tier for tier in wanted if tier in IN_PROCESS])
    for tier in wanted:
        if tier not in IN_PROCESS:
            report.tiers.append(run(tier))
    JSON_FILE.parent.mkdir(exist_ok=True)
    JSON_FILE.write_text(json.dumps(report.as_json(), indent=1) + "\n")
    print("\n".join(report.lines()))
    print(f"written to {JSON_FILE}")
    if options.publish:
        PAGE.write_text(report.page())
        print(f"written to {PAGE}")
    return 0 if report.held else 1


def parse(arguments: list[str] | None) -> tuple[argparse.Namespace, list[str]]:
    """The command line, and what of it goes to the tier."""
    parser = argparse.ArgumentParser(
        prog="make chaos", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("tier", nargs="?", choices=list(TIERS), help="only this tier")
    parser.add_argument("--publish", action="store_true", help="write docs/chaos-report.md")
    options, rest = parser.parse_known_args(arguments)
    if rest and not options.tier:
        parser.error(f"{' '.join(rest)}: options of a tier go after its name")
    return options, rest


def run_tier(tier: str, arguments: list[str]) -> TierResult:
    """Run one tier as a program of its own; a tier that crashes is a broken one."""
    print(f"tier {tier}", flush=True)
    with tempfile.TemporaryDirectory(prefix="ml-connector-chaos-") as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", *TIERS[tier], "--result", str(result), *arguments]
        if tier in IN_PROCESS:
            services = [sys.executable, "-m", "config.embedded", "--ephemeral", "--"]
            command = [*services, *command]
        began = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **SETTINGS}, check=False)
        if not result.exists():
            return TierResult(
                tier=tier,
                seconds=time.monotonic() - began,
                broken=[f"it ended with {done.returncode} and left no result"],
            )
        return replace(TierResult.read(result), tier=tier)


if __name__ == "__main__":
    sys.exit(main())
