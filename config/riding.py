"""Small statements that ride along with the next one of their transaction: one trip to Postgres for all.

The setting of the tenant's scope and the check of a job's fence come before almost everything that a
job asks; sent by themselves they would be half of all trips. So may a row be saved whose result nobody
waits for. What rides has no parameters: psycopg puts their values into its text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models
from django.db.backends.signals import connection_created
from django.db.models.sql import UpdateQuery
from psycopg import ClientCursor, ServerCursor

Row = tuple[Any, ...] | None
Check = Callable[[Row], None]
_RIDERS = "riders"  # of a connection, in the order in which they came


def ride_along(statement: str, check: Check | None = None) -> None:
    """Have a statement of ours run before the next one of this transaction; `check` is given its row."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    riders = database.__dict__.setdefault(_RIDERS, [])
    riders.append((statement, check))


def ride_with(statement: str, values: Any, check: Check | None = None) -> None:
    """The same for a statement with parameters."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    ride_along(database.ops.compose_sql(statement, values), check)


def save_along(row: models.Model, *names: str) -> None:
    """As `row.save(update_fields=names)`, with the next statement of this transaction or at its scope's end.

    Triggers no signals; a row that is gone is an error, as it is for `save`.
    """
    rows = type(row)._base_manager.filter(pk=row.pk)  # noqa: SLF001 - as `save` does
    query: Any = rows.query.chain(UpdateQuery)
    query.add_update_values({name: getattr(row, name) for name in names})
    statement, values = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()

    def saved(found: Row) -> None:
        if found is None:
            raise DatabaseError(f"{row._meta.label} {row.pk} is not there to be saved")  # noqa: SLF001

    ride_with(f"{statement} RETURNING 1", values, saved)


def is_riding() -> bool:
    """Whether anything waits for the next statement."""
    return bool(connections[DEFAULT_DB_ALIAS].__dict__.get(_RIDERS))


def arrive() -> None:
    """At the end of a block: what must be checked and has found no statement to ride with goes alone."""
    database: Any = connections[DEFAULT_DB_ALIAS]
    if any(check for _, check in database.__dict__.get(_RIDERS, ())):
        _send_alone(database)


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
    texts = [statement for statement, _ in riders]
    if params is not None:  # a "%" of theirs is none of a placeholder
        texts = [text.replace("%", "%%") for text in texts]
    done = execute(";\n".join([*texts, sql]), params, many, context)
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
