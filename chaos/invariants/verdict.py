"""How an invariant did: held, broken, or not checked and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

SHOWN = 20  # problems that a verdict keeps; more are counted


class State(StrEnum):
    """The three answers."""

    HELD = "held"
    BROKEN = "broken"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One invariant's answer. `looked_at` counts the things that could have been wrong."""

    id: str
    state: State
    looked_at: int = 0
    problems: tuple[str, ...] = ()
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the report."""
        return {
            "id": self.id,
            "state": str(self.state),
            "looked_at": self.looked_at,
            "problems": list(self.problems),
            "why": self.why,
        }

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Self:
        """Back from the report."""
        return cls(
            id=told["id"],
            state=State(told["state"]),
            looked_at=told["looked_at"],
            problems=tuple(told["problems"]),
            why=told["why"],
        )


def judge(id_: str, looked_at: int, problems: Iterable[str], *, how: str = "") -> Verdict:
    """Held if things were looked at and none was wrong. Nothing to look at is no proof of anything."""
    found = list(problems)
    shown = found[:SHOWN]
    if len(found) > SHOWN:
        shown.append(f"and {len(found) - SHOWN} more")
    if found:
        return Verdict(
            id=id_, state=State.BROKEN, looked_at=looked_at, problems=tuple(shown), why=how
        )
    if looked_at == 0:
        return not_checked(id_, "there was nothing to look at")
    return Verdict(id=id_, state=State.HELD, looked_at=looked_at, why=how)


def not_checked(id_: str, why: str) -> Verdict:
    """An honest gap."""
    return Verdict(id=id_, state=State.NOT_CHECKED, why=why)
