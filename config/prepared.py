"""A cursor for statements that run very often: Postgres parses and plans them once per connection.

Parameters go to the server apart from the text, so each needs a type that its place tells, or a cast.
After `prepare_threshold` uses (config.settings) a statement is prepared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper

_binding: Any = ServerBindingCursor  # the stubs know it as something else


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """As `connection.cursor()`, for one of the few statements that are worth it."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with make(_binding(connection.connection)) as cursor:
        yield cursor
