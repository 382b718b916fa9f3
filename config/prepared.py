"""A cursor for statements that run very often: Postgres parses and plans them once per connection.

Parameters go to the server apart from the text, so each needs a type that its place tells, or a cast.
After `prepare_threshold` uses (config.settings) a statement is prepared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connection,
    connections,
)
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

from config.riding import is_riding

_binding: Any = ServerBindingCursor  # the stubs know it as something else


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """As `connection.cursor()`, for one of the few statements that are worth it.

    Where others ride along it goes with them, unprepared: that costs less than a trip of their own.
    """
    database = connections[DEFAULT_DB_ALIAS]  # looked up once: the proxy does so for each attribute
    if is_riding():
        with database.cursor() as plain:
            yield plain
        return
    database.close_if_health_check_failed()
    database.ensure_connection()
    make = database.make_debug_cursor if database.queries_logged else database.make_cursor
    with make(_binding(database.connection)) as cursor:
        yield cursor


def prepared_row(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The row, if any, of a statement that commits by itself and may run twice: a single trip to Postgres.

    Nobody asks first whether the connection still lives. If it does not, it is run again on a new one.
    """
    if connection.in_atomic_block:
        return _row(statement, values)
    database: Any = connection  # the stubs do not know this attribute
    database.health_check_done = True  # until the request ends
    try:
        return _row(statement, values)
    except (InterfaceError, OperationalError):
        if connection.is_usable():
            raise
        connection.close()
        return _row(statement, values)


def _row(statement: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
