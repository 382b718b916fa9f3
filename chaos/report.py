"""What the run ends with: a table of all invariants, a JSON file, and on request a page of the docs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from chaos.invariants.catalogue import INVARIANTS
from chaos.invariants.verdict import State, Verdict, not_checked

ROOT = Path(__file__).resolve().parent.parent
JSON_FILE = ROOT / ".run" / "chaos.json"
PAGE = ROOT / "docs" / "chaos-report.md"
MARKS = {State.HELD: "✓", State.BROKEN: "✗", State.NOT_CHECKED: "-"}
NOBODY = "no tier of this run looks at it"


@dataclass(kw_only=True)
class TierResult:
    """What one tier found. A tier writes it as JSON to the file that `--result` names."""

    tier: str
    verdicts: list[Verdict] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    """How often each fault was really hit."""
    seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
    """Sizes, settings and seeds, to be shown as they are."""
    broken: list[str] = field(default_factory=list)
    """What went wrong that no invariant covers, e.g. a seed that did not replay."""

    def write(self, path: Path) -> None:
        """Leave it for whoever started the tier."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.as_json(), indent=1) + "\n")

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "tier": self.tier,
            "verdicts": [one.as_json() for one in self.verdicts],
            "faults": dict(sorted(self.faults.items())),
            "seconds": round(self.seconds, 1),
            "facts": self.facts,
            "broken": self.broken,
        }

    @classmethod
    def read(cls, path: Path) -> Self:
        """What a tier left."""
        told = json.loads(path.read_text())
        return cls(
            tier=told["tier"],
            verdicts=[Verdict.from_json(one) for one in told["verdicts"]],
            faults=Counter(told["faults"]),
            seconds=told["seconds"],
            facts=told["facts"],
            broken=told["broken"],
        )


@dataclass(kw_only=True)
class Report:
    """All tiers that were run. `is_whole`: every one, so nothing may be left unchecked."""

    tiers: list[TierResult]
    is_whole: bool = False
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    load_before: float = field(default_factory=lambda: round(os.getloadavg()[0], 1))

    def verdicts(self) -> list[Verdict]:
        """One per invariant, over all tiers."""
        return [self._of(id_) for id_ in INVARIANTS]

    @property
    def held(self) -> bool:
        """Whether nothing is broken, and in a whole run nothing was left out."""
        bad = {State.BROKEN, State.NOT_CHECKED} if self.is_whole else {State.BROKEN}
        broken = any(one.state in bad for one in self.verdicts())
        return not broken and not any(tier.broken for tier in self.tiers)

    def _of(self, id_: str) -> Verdict:
        found = [one for tier in self.tiers for one in tier.verdicts if one.id == id_]
        return joined(id_, found)

    def as_json(self) -> dict[str, Any]:
        """Everything."""
        return {
            "at": self.at,
            "commit": commit(),
            "machine": machine(),
            "load_before": self.load_before,
            "held": self.held,
            "invariants": [one.as_json() for one in self.verdicts()],
            "tiers": [tier.as_json() for tier in self.tiers],
        }

    def lines(self) -> list[str]:
        """The table for people, with all problems below their rows."""
        told = [f"{'':2}{'':4} {'':11} {'looked at':>9}"]
        for one in self.verdicts():
            told.append(
                f"{MARKS[one.state]} {one.id} {one.state:11} {one.looked_at:>9,}  {INVARIANTS[one.id]}"
            )
            if one.state == State.NOT_CHECKED:
                told.append(f"{'':29}({one.why})")
            told += [f"{'':29}{problem}" for problem in one.problems]
        for tier in self.tiers:
            told += [f"{tier.tier}: {problem}" for problem in tier.broken]
            hits = ", ".join(f"{name} {count}" for name, count in sorted(tier.faults.items()))
            told.append(f"{tier.tier}: {tier.seconds:.0f} s; faults: {hits or 'none'}")
        return told

    def page(self) -> str:
        """The report as a page of the documentation."""
        counts = Counter(str(one.state) for one in self.verdicts())
        told = [
            "# Chaos report",
            "",
            "Made by `make chaos ARGS=--publish`; do not edit.",
            "",
            f"Of {self.at}, commit `{commit()}`, on {machine()}, load {self.load_before} before. "
            + ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
            + ".",
            "",
            "| | Invariant | Result | Looked at | |",
            "|---|---|---|---:|---|",
        ]
        told += [_row(one) for one in self.verdicts()]
        for tier in self.tiers:
            told += _tier_section(tier)
        return "\n".join(told) + "\n"


def joined(id_: str, found: Iterable[Verdict]) -> Verdict:
    """The verdicts of several tiers, or several runs, on one invariant: the worst one counts."""
    rows = list(found)
    for state in (State.BROKEN, State.HELD):
        same = [one for one in rows if one.state == state]
        if same:
            return Verdict(
                id=id_,
                state=state,
                looked_at=sum(one.looked_at for one in rows),
                problems=tuple(text for one in same for text in one.problems),
                why="; ".join(dict.fromkeys(one.why for one in same if one.why)),
            )
    reasons = dict.fromkeys(one.why for one in rows if one.why)
    return not_checked(id_, "; ".join(reasons) or NOBODY)


def commit() -> str:
    """The version that was run; with a plus if files differ from it."""
    command = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine() -> str:
    """What it ran on."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"


def _row(one: Verdict) -> str:
    notes = " ".join(one.problems) if one.problems else one.why
    safe = notes.replace("|", "\\|").replace("\n", " ")
    return f"| {one.id} | {INVARIANTS[one.id]} | {one.state} | {one.looked_at:,} | {safe} |"


def _tier_section(tier: TierResult) -> list[str]:
    told = ["", f"## {tier.tier.capitalize()}", "", f"{tier.seconds:.0f} s.", ""]
    told += [f"- {name}: {value}" for name, value in tier.facts.items()]
    told += [f"- broken: {problem}" for problem in tier.broken]
    if tier.faults:
        told += ["", "| Fault | Hit |", "|---|---:|"]
        told += [f"| {name} | {count:,} |" for name, count in sorted(tier.faults.items())]
    return told
