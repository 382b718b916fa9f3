"""Holds what the simulated Stripe answers against the schemas of the pinned API version.

Validating is slow, so of answers with the same shape (same call, same fields, same enum-like words;
of lists, the first rows) only the first is validated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from connector.vendors.http import HttpAnswer, HttpDoor, HttpRequest
from tests.conformance.stripe_requests import template_of
from tests.sandbox.stripe_desk import check_answer

ROWS = 3
_WORD = re.compile(r"[a-z_.]{1,40}")


class AnswerBook:
    """Shapes seen so far, and what was wrong with any of them."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.problems: list[str] = []

    @contextmanager
    def checked(self) -> Iterator[None]:
        """While the block lasts, every Stripe answer to the product is looked at; fails at its end."""
        send = HttpDoor.send

        def heard(door: HttpDoor, request: HttpRequest) -> HttpAnswer:
            answer = send(door, request)
            if door.vendor == "stripe":
                self.look(request, answer)
            return answer

        HttpDoor.send = heard  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            HttpDoor.send = send  # type: ignore[method-assign]
        found, self.problems = self.problems, []
        assert not found, found[:5]

    def look(self, request: HttpRequest, answer: HttpAnswer) -> None:
        """Note what is wrong with an answer, unless it is a fault that a test asked for."""
        path = urlsplit(request.url).path
        body = _json_object(answer.body)
        is_fault = answer.status >= 500 or (answer.status == 200 and "error" in body)
        if is_fault or not body or template_of(path) is None:
            return
        shape = f"{request.method} {template_of(path)} {answer.status} {shape_of(body)}"
        if shape in self.seen:
            return
        self.seen.add(shape)
        try:
            check_answer(request.method, path, answer.status, body)
        except AssertionError as error:
            self.problems.append(f"{request.method} {path} {answer.status}: {error}")


ANSWERS = AnswerBook()
"""One for all tests of a process."""


def shape_of(value: Any) -> Any:
    """Equal for two values that no schema of types and enums can tell apart, save a few words."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value[:ROWS]]
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) else "(text)"
    return type(value).__name__


def _json_object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
