"""Runs families of measures, each in a process of its own on services that hold nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measures import FAMILIES, MEASURES, Found, Result
from bench.place import ROOT

Report = dict[str, Any]


@dataclass(frozen=True)
class Command:
    """A family that is a command of its own, with figures that have limits in seconds or calls."""

    arguments: tuple[str, ...]
    quick: tuple[str, ...]
    read: Callable[[Mapping[str, Any]], list[Found]]


def _statement(found: Mapping[str, Any]) -> list[Found]:
    formats = found["formats"].values()
    return [
        Found.count("S1", max(one["seconds"] for one in formats)),
        Found.count("S2", max(one["peak_mb"] for one in formats)),
    ]


def _reconciliation(found: Mapping[str, Any]) -> list[Found]:
    size = 10_000 / found["invoices"]
    return [
        Found.count("S3", found["with_changes"]["seconds"] * size),
        Found.count("S4", found["unchanged"]["calls"] * size),
    ]


def _limits(found: Mapping[str, Any]) -> list[Found]:
    return [
        Found.count("P22", found["use"], allowed_per_s=found["allowed_per_s"]),
        Found.count("P22a", found["refused_share"] * 100, gate_ms=found["gate_ms"]),
    ]


COMMANDS = {
    "limits": Command(("--seconds", "300"), ("--seconds", "30"), _limits),
    "statement": Command(("--invoices", "10000"), ("--invoices", "2000"), _statement),
    "reconciliation": Command(
        ("--invoices", "10000", "--changed", "100"),
        ("--invoices", "1000", "--changed", "10"),
        _reconciliation,
    ),
}


def measure(names: list[str], *, quick: bool, file: Path) -> Report:
    """Measure these families; of the others the file keeps what was found before.

    It is written after each family: one that breaks loses only itself.
    """
    report = read_report(file)
    report["machine"] = _machine()
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        report["families"].pop(name, None)
        try:
            report["families"][name] = _measured(name, quick=quick)
        except subprocess.CalledProcessError as error:
            print(f"{name} ended with {error.returncode}", file=sys.stderr, flush=True)
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(report, indent=2) + "\n")
    return report


def read_report(file: Path) -> Report:
    """What was found so far; empty if nothing was, or by a version that wrote another form."""
    report: Report = json.loads(file.read_text()) if file.exists() else {}
    return report if "families" in report else {"machine": _machine(), "families": {}}


def _measured(name: str, *, quick: bool) -> dict[str, Any]:
    """One family: when, at which version, under which load, what."""
    began, load = time.monotonic(), _load()
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "quick": quick,
        "load_before": load,
    }
    result = run_family(name, quick=quick)
    return about | {
        "load_after": _load(),
        "seconds": round(time.monotonic() - began),
        "found": [_row(name, found) for found in result.found],
        "series": result.series,
    }


def rows_of(report: Report, names: Iterable[str] = FAMILIES) -> list[dict[str, Any]]:
    """Everything that was found in these families, in their order."""
    return [row for name in names for row in report["families"].get(name, {}).get("found", ())]


def series_of(report: Report) -> dict[str, Any]:
    """The series of all families."""
    return {
        key: value for run in report["families"].values() for key, value in run["series"].items()
    }


def run_family(name: str, *, quick: bool) -> Result:
    """One family."""
    if name in COMMANDS:
        command = COMMANDS[name]
        said = _output_of(
            [
                *("config.embedded", "--ephemeral", "--migrate", "--", sys.executable, "-m"),
                *(f"bench.{name}", *(command.quick if quick else command.arguments)),
            ]
        )
        return Result(command.read(said))
    said = _output_of(["bench.family", name, *(["--quick"] if quick else [])])
    return Result([Found.from_json(row) for row in said["found"]], said["series"])


def _output_of(arguments: list[str]) -> dict[str, Any]:
    """The JSON object that a module prints at its end."""
    settings = {"SECRET_KEY": "bench " * 10, "FIELD_ENCRYPTION_KEYS": "bench"}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index(b"{") :])
    return found


def _row(family: str, found: Found) -> dict[str, Any]:
    """One line of the report, judged."""
    measure = MEASURES[found.id]
    return {"family": family, **asdict(found), "verdict": measure.verdict(found.value)}


def missing(report: Report, names: list[str]) -> list[str]:
    """Measures of these families for which nothing was found: as bad as a broken limit."""
    found = {row["id"] for row in rows_of(report, names)}
    return [one.id for name in names for one in FAMILIES[name] if one.id not in found]


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _machine() -> dict[str, Any]:
    system = os.uname()
    return {
        "processors": os.cpu_count(),
        "system": f"{system.sysname} {system.release} {system.machine}",
        "python": sys.version.split()[0],
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
    }


def _load() -> float:
    return round(os.getloadavg()[0], 1)
