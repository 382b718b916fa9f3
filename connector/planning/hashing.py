"""The hash of a plan: only exactly what was shown can be approved and applied."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from connector.models import Plan, PlanStep


def plan_hash(plan: Plan, steps: Iterable[PlanStep]) -> str:
    """SHA-256 over canonical JSON, one line for the plan's head and one for each step in order."""
    digest = hashlib.sha256(_line([plan.purpose, plan.options]))
    for step in steps:
        digest.update(
            _line(
                [
                    step.position,
                    step.action,
                    step.entity,
                    step.label,
                    step.fields,
                    step.reason,
                    step.fingerprint,
                ]
            )
        )
    return digest.hexdigest()


def _line(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"{text}\n".encode()
