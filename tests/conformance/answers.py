"""Holds what the simulated Stripe answers against the schemas of the pinned API version.

Validating is slow, so of answers with the same shape (same call, same fields, same enum-like words;
of lists, the first rows) only the first is validated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from connector.vendors.http import HttpAnswer, HttpDoor, HttpRequest
from tests.conformance.stripe_requests import template_of
from tests.sandbox.stripe_desk import check_answer

Send = Callable[[HttpDoor, HttpRequest], HttpAnswer]
ROWS = 3
_WORD = re.compile(r"[a-z_.]{1,40}")


class AnswerBook:
    """Shapes seen so far, and what was wrong with any of them."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._problems: list[str] = []

    def listening(self, send: Send) -> Send:
        """The same door, with somebody listening."""

        def heard(door: HttpDoor, request: HttpRequest) -> HttpAnswer:
            answer = send(door, request)
            if door.vendor == "stripe":
                self._look(request, answer)
            return answer

        return heard

    def take_problems(self) -> list[str]:
        """What was wrong since the last time."""
        found, self._problems = self._problems, []
        return found

    def _look(self, request: HttpRequest, answer: HttpAnswer) -> None:
        path = urlsplit(request.url).path
        if answer.status >= 500 or template_of(path) is None:
            return  # a fault on purpose
        body = json.loads(answer.body)
        shape = f"{request.method} {template_of(path)} {answer.status} {shape_of(body)}"
        if shape in self.seen:
            return
        self.seen.add(shape)
        try:
            check_answer(request.method, path, answer.status, body)
        except AssertionError as error:
            self._problems.append(f"{request.method} {path} {answer.status}: {error}")


def shape_of(value: Any) -> Any:
    """Equal for two values that no schema of types and enums can tell apart, save a few words."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value[:ROWS]]
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else "(text)"
    return type(value).__name__
