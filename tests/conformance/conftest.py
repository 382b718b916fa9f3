"""Every answer of the simulated Stripe to these tests is held against its published types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.vendors.http import HttpDoor
from tests.conformance.answers import AnswerBook
from tests.connecting.conftest import own_site

__all__ = ["own_site"]  # the fixture that lets webhooks arrive


@pytest.fixture(scope="session")
def answer_book() -> AnswerBook:
    """Which shapes of answers were already looked at."""
    return AnswerBook()


@pytest.fixture(autouse=True)
def answers_are_valid(monkeypatch: pytest.MonkeyPatch, answer_book: AnswerBook) -> Iterator[None]:
    """Listen at the product's own door; complain at the end of the test."""
    monkeypatch.setattr(HttpDoor, "send", answer_book.listening(HttpDoor.send))
    yield
    found = answer_book.take_problems()
    assert not found, found[:5]
