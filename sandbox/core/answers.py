"""Holds every answer and webhook of a simulated vendor against what the real one documents.

Whoever tests against a simulator trusts what it says, so it has to be told when it says what the
vendor would not. Validating is slow: of what has the same shape (same call, same fields, same
enum-like words; of lists, the first rows) only the first is held against the contract.
"""

import hashlib
import json
import re
from typing import Any, Protocol
from urllib.parse import parse_qsl

from sandbox.core.vendor import Request, Response
from sandbox.core.webhooks import Delivery

ROWS = 3
MAX_KEPT = 100
_WORD = re.compile(r"[a-z_.]{1,40}")


class Contract(Protocol):
    """What one vendor is documented to answer."""

    def of_answer(self, request: Request, status: int, body: Any) -> list[str]:
        """What is wrong with a decoded JSON answer; empty if nothing."""

    def of_webhook(self, body: Any) -> list[str]:
        """What is wrong with a webhook's decoded body; empty if nothing."""


class AnswerBook:
    """Shapes seen so far of one vendor, and what was wrong with any of them.

    A reset of the vendor leaves it as it is: it speaks of the whole life of the process.
    """

    def __init__(self, contract: Contract | None) -> None:
        self._contract = contract
        self._looked_at = 0
        self._seen: set[bytes] = set()
        self._violations: list[str] = []

    def look(self, request: Request, response: Response) -> None:
        """Note what is wrong with an answer. Pages and empty answers have no contract."""
        if self._contract is None or not response.content_type.endswith("json"):
            return
        body: Any = response.body
        if not isinstance(body, dict | list):
            body = json.loads(body) if body else None
        if body:
            name = f"{request.method} {request.route} {response.status}"
            if self._is_new(name, body):
                self._note(name, self._contract.of_answer(request, response.status, body))

    def look_at_webhook(self, delivery: Delivery) -> None:
        """Note what is wrong with a webhook."""
        if self._contract is None:
            return
        text = delivery.body.decode()
        is_json = "json" in delivery.content_type
        body = json.loads(text) if is_json else dict(parse_qsl(text, keep_blank_values=True))
        name = f"webhook {delivery.event}"
        if self._is_new(name, body):
            self._note(name, self._contract.of_webhook(body))

    def describe(self) -> dict[str, Any]:
        """Whether answers are checked, how many were looked at, and what was wrong."""
        return {
            "checked": self._contract is not None,
            "looked_at": self._looked_at,
            "shapes": len(self._seen),
            "violations": list(self._violations),
        }

    def _is_new(self, name: str, body: Any) -> bool:
        self._looked_at += 1
        shape = hashlib.sha256(f"{name} {shape_of(body)}".encode()).digest()
        is_new = shape not in self._seen
        self._seen.add(shape)
        return is_new

    def _note(self, name: str, problems: list[str]) -> None:
        for problem in problems:
            text = f"{name}: {problem}"
            if text not in self._violations and len(self._violations) < MAX_KEPT:
                self._violations.append(text)


def shape_of(value: Any) -> Any:
    """Equal for two values that no schema of types and enums can tell apart, save a few words."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value[:ROWS]]
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else "(text)"
    return type(value).__name__
