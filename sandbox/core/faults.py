"""The list of faults to inject, and which one hits a given request or webhook."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

REQUEST_FAULTS = frozenset(
    {
        "timeout_before",  # nothing executed, the connection hangs
        "timeout_after",  # executed, the connection hangs
        "reset_after",  # executed, the connection is cut without an answer
        "status_500",  # not executed
        "status_429",  # not executed
        "error_200",  # not executed, an error under HTTP 200
        "slow",  # executed after a pause
    }
)
WEBHOOK_FAULTS = frozenset(
    {
        "duplicate_webhook",
        "drop_webhook",
        "delay_webhook",
        "reorder_webhooks",
        "forge_webhook",
    }
)
DEFAULT_DELAY_S = 2.0


class BadFaultError(ValueError):
    """The fault description cannot be understood."""


@dataclass
class Fault:
    """One fault, how often it still strikes and how often it did."""

    kind: str
    method: str | None = None
    path_regex: str | None = None
    event: str | None = None
    times: int | None = 1
    """None = for ever."""
    probability: float = 1.0
    delay_s: float = DEFAULT_DELAY_S
    hits: int = 0

    def describe(self) -> dict[str, Any]:
        """The fault as the control API shows it."""
        match = {"method": self.method, "path_regex": self.path_regex, "event": self.event}
        return {
            "match": {key: value for key, value in match.items() if value is not None},
            "fault": self.kind,
            "remaining": self.times,
            "probability": self.probability,
            "delay_s": self.delay_s,
            "hits": self.hits,
        }


class FaultList:
    """The faults of one vendor, in the order they were added."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        self._faults: list[Fault] = []

    def add(self, descriptions: list[Any]) -> None:
        """Append faults; all or nothing. Raises BadFaultError."""
        self._faults.extend([parse_fault(description) for description in descriptions])

    def clear(self) -> None:
        """Inject nothing any more."""
        self._faults.clear()

    def describe(self) -> list[dict[str, Any]]:
        """All faults, spent ones included."""
        return [fault.describe() for fault in self._faults]

    def for_request(self, method: str, path: str) -> Fault | None:
        """The first fault that strikes this request; its count goes down."""

        def matches(fault: Fault) -> bool:
            return (
                fault.kind in REQUEST_FAULTS
                and (fault.method is None or fault.method == method)
                and _found(fault.path_regex, path)
            )

        return next(iter(self._strike(matches, limit=1)), None)

    def for_webhook(self, url: str, event: str) -> list[Fault]:
        """All faults that strike this delivery; their counts go down."""

        def matches(fault: Fault) -> bool:
            return (
                fault.kind in WEBHOOK_FAULTS
                and _found(fault.path_regex, url)
                and _found(fault.event, event)
            )

        return self._strike(matches, limit=len(WEBHOOK_FAULTS))

    def _strike(self, matches: Callable[[Fault], bool], limit: int) -> list[Fault]:
        struck: list[Fault] = []
        for fault in self._faults:
            if len(struck) == limit:
                break
            if fault.times == 0 or not matches(fault):
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            fault.hits += 1
            fault.times = None if fault.times is None else fault.times - 1
            struck.append(fault)
        return struck


def _found(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text) is not None


def parse_fault(description: Any) -> Fault:
    """Read `{"match": {...}, "fault": kind, "times", "probability", "delay_s"}`."""
    if not isinstance(description, dict):
        raise BadFaultError("a fault is an object")
    unknown = set(description) - {"match", "fault", "times", "probability", "delay_s"}
    match = description.get("match") or {}
    if not isinstance(match, dict):
        raise BadFaultError("match is an object")
    unknown |= set(match) - {"method", "path_regex", "event"}
    if unknown:
        raise BadFaultError(f"unknown keys {sorted(unknown)}")
    kind = description.get("fault")
    if kind not in REQUEST_FAULTS | WEBHOOK_FAULTS:
        raise BadFaultError(f"fault is one of {sorted(REQUEST_FAULTS | WEBHOOK_FAULTS)}")
    method = match.get("method")
    try:
        for pattern in (match.get("path_regex"), match.get("event")):
            re.compile(pattern or "")
        times = description.get("times", 1)
        return Fault(
            kind=kind,
            method=method.upper() if method else None,
            path_regex=match.get("path_regex"),
            event=match.get("event"),
            times=None if times is None else int(times),
            probability=float(description.get("probability", 1.0)),
            delay_s=float(description.get("delay_s", DEFAULT_DELAY_S)),
        )
    except (TypeError, ValueError, AttributeError, re.error) as error:
        raise BadFaultError(str(error)) from error
