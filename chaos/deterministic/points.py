"""Every boundary that the product crosses is a named point where something can go wrong.

The product holds no switches: commits are seen at the database connection, vendor calls at the HTTP
door. A point is named by the operation or function that crosses, and by the side of the boundary:
`stripe.invoices.finalize:asked`, `connector.intents.save_first:committed`.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.db import DatabaseError, OperationalError, connection, connections
from django.utils import timezone

from connector.vendors.http import HttpAnswer, HttpDoor, HttpRequest

ASKED, ANSWERED = "asked", "answered"  # before a vendor call; after the vendor answered it
COMMITTING, COMMITTED = "committing", "committed"
PLUMBING = ("tenants.scope",)
# The budget's and counter's own commits lie between two points that are named already.
UNNAMED = ("connector.limits.",)
OURS = ("connector.", "tenants.", "audit.")
_DATABASE_CLOCK = re.compile(r"\b(?:statement|clock)_timestamp\(\)", re.IGNORECASE)
_DATABASE_DICE = re.compile(r"\brandom\(\)", re.IGNORECASE)
_WRITES = re.compile(r"\b(INSERT INTO|(?<!FOR )UPDATE(?! OF)|DELETE FROM)\b")


class Killed(BaseException):
    """The process ends here: nothing below catches it, nothing is cleaned up."""


class ConnectionTorn(OperationalError):
    """The connection broke while the answer to a COMMIT was on its way: it was done all the same."""


class Crossings:
    """Tells `meet` of every point that a process of ours crosses, and ends processes for good."""

    def __init__(self, meet: Callable[[str], None], end_connection: Callable[[int], None]) -> None:
        self.meet = meet
        self._end_connection = end_connection
        self._alive: list[bool] = []

    @property
    def inside(self) -> bool:
        """Whether a process of ours is running; what the run itself does crosses nothing."""
        return bool(self._alive)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open, so that no other process can be let in here."""
        return connection.in_atomic_block or not connection.get_autocommit()

    @contextmanager
    def process(self) -> Iterator[list[bool]]:
        """One process, or what one does at a time. Yields whether it lives, as a list of one."""
        self._alive.append(True)
        alive = [True]
        try:
            yield alive
        except Killed:
            alive[0] = False
        except DatabaseError:
            # A task that loses its database ends; the next ring starts another. So it is for a
            # process that was killed and sees its connection gone while it unwinds.
            alive[0] = False
            connection.close()
        finally:
            if not self._alive.pop():
                alive[0] = False
                _forget_connection()

    def kill(self) -> None:
        """End the running process: its connection drops, whatever it tries from now on fails."""
        self._alive[-1] = False
        self.tear()
        raise Killed

    def tear(self) -> None:
        """The server ends the running process's connection; gone when this returns."""
        raw = connections["default"].connection
        if raw is not None and not raw.closed:
            self._end_connection(raw.info.backend_pid)

    def check(self) -> None:
        """A dead process does nothing any more."""
        if self._alive and not self._alive[-1]:
            raise Killed

    def cross(self, name: str) -> None:
        """The running process crosses a point."""
        if self._alive:
            self.check()
            self.meet(name)


def _forget_connection() -> None:
    """The next process begins with a connection of its own, and knows of no transaction."""
    database = connections["default"]
    database.in_atomic_block = database.closed_in_transaction = database.needs_rollback = False
    database.savepoint_ids, database.atomic_blocks = [], []
    database.close()


def place() -> str:
    """The function of ours that is about to cross, by module and name."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(OURS) and module not in PLUMBING:
            return f"{module}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "elsewhere"


def as_of_this_run(sql: str) -> str:
    """A statement that asks the database for the time, or for dice, gets those of this run."""
    sql = _DATABASE_CLOCK.sub(f"'{timezone.now().isoformat()}'::timestamptz", sql)
    return _DATABASE_DICE.sub(lambda _: str(random.random()), sql)


@contextmanager
def watching(crossings: Crossings) -> Iterator[None]:
    """Inside the block every commit and every vendor call crosses its points."""
    database, send = connections["default"], HttpDoor.send
    commit = database.commit
    wrote = False

    def watched_commit() -> None:
        nonlocal wrote
        crossings.check()
        where, wrote_here, wrote = place(), wrote, False
        if not wrote_here or where.startswith(UNNAMED):
            commit()
            return
        crossings.cross(f"{where}:{COMMITTING}")
        commit()
        crossings.cross(f"{where}:{COMMITTED}")

    def watched_statement(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        nonlocal wrote
        crossings.check()
        sql = as_of_this_run(sql)
        writes = _WRITES.search(str(sql)) is not None
        if database.in_atomic_block or not writes:
            wrote = wrote or writes
            return execute(sql, params, many, context)
        where = place()
        crossings.cross(f"{where}:{COMMITTING}")
        result = execute(sql, params, many, context)
        crossings.cross(f"{where}:{COMMITTED}")
        return result

    def watched_send(door: HttpDoor, request: HttpRequest) -> HttpAnswer:
        crossings.cross(f"{request.operation}:{ASKED}")
        answer = send(door, request)
        crossings.cross(f"{request.operation}:{ANSWERED}")
        return answer

    database.commit = watched_commit  # type: ignore[method-assign]
    HttpDoor.send = watched_send  # type: ignore[method-assign, assignment]
    try:
        with database.execute_wrapper(watched_statement):
            yield
    finally:
        HttpDoor.send = send  # type: ignore[method-assign]
        del database.commit  # the class's own again
