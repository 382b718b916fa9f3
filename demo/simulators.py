"""The simulators' controls: what people and networks do, from outside, over HTTP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

TIMEOUT_S = 30


class ActRefusedError(RuntimeError):
    """The simulated vendor refused what a person wanted to do: a mistake of the demo."""


class Simulator:
    """One simulated vendor."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.url = name, url
        self._http = requests.Session()
        self._struck: Counter[str] = Counter()

    def act(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Do what a person does in the vendor's own pages."""
        return self._send("act", {"do": verb, **arguments})

    def book(self) -> dict[str, Any]:
        """Everything the vendor has."""
        answer = self._http.get(f"{self.url}/_sandbox/state", timeout=TIMEOUT_S)
        answer.raise_for_status()
        book: dict[str, Any] = answer.json()
        return book

    def set_clock(self, *, ahead_s: float) -> None:
        """Let both vendors' clocks be so much ahead of ours; behind, if negative."""
        self._send("clock", {"reset": True})
        self._send("clock", {"advance_s": ahead_s})

    def violations(self) -> list[str]:
        """What it has answered that the real vendor would not."""
        answer = self._http.get(f"{self.url}/_sandbox/violations", timeout=TIMEOUT_S)
        answer.raise_for_status()
        told = answer.json()
        return (
            [f"{self.name} {text}" for text in told["violations"]]
            if told["checked"]
            else [f"{self.name} does not check its answers"]
        )

    def add_fault(
        self,
        kind: str,
        *,
        times: int | None = 1,
        method: str = "",
        path: str = "",
        event: str = "",
        **settings: float,
    ) -> None:
        """Have something go wrong with the next requests or webhooks that match.

        `settings`: probability, delay_s.
        """
        match = {"method": method, "path_regex": path, "event": event}
        given = {name: value for name, value in match.items() if value}
        self._send("faults", [{"match": given, "fault": kind, "times": times, **settings}])

    def redeliver(self) -> int:
        """Try every webhook again that no try delivered; answer how many."""
        return int(self._send("redeliver", None)["redelivered"])

    @contextmanager
    def meanwhile(self, kind: str, *, event: str) -> Iterator[None]:
        """Have something go wrong with all matching webhooks that are sent meanwhile."""
        self.add_fault(kind, times=None, event=event)
        try:
            yield
        finally:
            self.clear_faults()

    def struck(self) -> Counter[str]:
        """How often each kind of fault struck so far."""
        return self._struck + self._current_hits()

    def waiting_faults(self) -> int:
        """How many faults are set up and have not struck yet."""
        rows = self.faults()
        return sum(row["remaining"] or 0 for row in rows)

    def clear_faults(self) -> None:
        """Nothing goes wrong any more; what struck stays counted."""
        self._struck += self._current_hits()
        self._send("faults", [])

    def _current_hits(self) -> Counter[str]:
        hits: Counter[str] = Counter()
        for row in self.faults():
            hits[row["fault"]] += row["hits"]
        return hits

    def faults(self) -> list[dict[str, Any]]:
        """Every fault that is set up, with how often it struck."""
        answer = self._http.get(f"{self.url}/_sandbox/faults", timeout=TIMEOUT_S)
        answer.raise_for_status()
        rows: list[dict[str, Any]] = answer.json()["faults"]
        return rows

    def _send(self, what: str, body: Any) -> dict[str, Any]:
        answer = self._http.post(f"{self.url}/_sandbox/{what}", json=body, timeout=TIMEOUT_S)
        if answer.status_code != 200:
            raise ActRefusedError(f"{self.name} {what} {body}: {answer.text}")
        done: dict[str, Any] = answer.json()
        return done
