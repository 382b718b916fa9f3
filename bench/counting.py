"""Counting statements and calls: figures that no busy machine changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection


@dataclass
class Statements:
    """What was sent to Postgres, begin and commit left out."""

    texts: list[str] = field(default_factory=list)

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        """Note one statement and run it."""
        self.texts.append(sql)
        return execute(sql, params, many, context)

    @property
    def count(self) -> int:
        """How many."""
        return len(self.texts)


@contextmanager
def counted_statements() -> Iterator[Statements]:
    """All statements of this thread's connection while the block runs."""
    statements = Statements()
    with connection.execute_wrapper(statements):
        yield statements
