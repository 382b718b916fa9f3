"""Small statements that ride along with the next one of their transaction: one trip to Postgres for all.

The setting of the tenant's scope and the check of a job's fence come before almost everything that a
job asks; sent by themselves they would be half of all trips. Parameters are put into their text: only
numbers and words of ours belong there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created
from psycopg import ClientCursor, ServerCursor

Row = tuple[Any, ...] | None
Check = Callable[[Row], None]
_RIDERS = "riders"  # of a connection, in the order in which they came


def ride_along(statement: str, check: Check | None = None) -> None:
    """Have a statement run before the next one of this transaction; `check` is given its row."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    riders = database.__dict__.setdefault(_RIDERS, [])
    riders.append((statement, check))


def arrive() -> None:
    """At the end of a block: what must be checked and has found no statement to ride with goes alone."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    if any(check for _, check in database.__dict__.get(_RIDERS, ())):
        _send_alone(database)
    get_off()


def get_off() -> None:
    """Forget what still waits: the block that wanted it is over."""
    connections[DEFAULT_DB_ALIAS].__dict__.pop(_RIDERS, None)


def _with_riders(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Runs every statement of a connection."""
    riders = context["connection"].__dict__.pop(_RIDERS, None)
    if not riders:
        return execute(sql, params, many, context)
    cursor = context["cursor"].cursor
    if many or not isinstance(sql, str) or not _takes_several(cursor):
        context["connection"].__dict__[_RIDERS] = riders
        _send_alone(context["connection"])
        return execute(sql, params, many, context)
    done = execute(
        ";\n".join([*(statement for statement, _ in riders), sql]), params, many, context
    )
    for _, check in riders:
        if check:
            check(cursor.fetchone())
        cursor.nextset()
    return done


def _takes_several(cursor: Any) -> bool:
    """Only text with its parameters put in may hold several statements."""
    return isinstance(cursor, ClientCursor) and not isinstance(cursor, ServerCursor)


def _send_alone(database: Any) -> None:
    """All riders but the last ride with the last."""
    *riders, (statement, check) = database.__dict__.pop(_RIDERS)
    database.__dict__[_RIDERS] = riders
    with database.cursor() as cursor:
        cursor.execute(statement)
        if check:
            check(cursor.fetchone())


def _take_on(connection: Any, **_: Any) -> None:
    """A new connection: its statements take riders along."""
    if connection.alias == DEFAULT_DB_ALIAS and _with_riders not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, _with_riders)


connection_created.connect(_take_on)
