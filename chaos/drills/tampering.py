"""Changing the audit trail behind the product's back, as the owner of the database could (I18)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

from chaos.invariants.evidence import Row
from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System

TABLE = "audit_auditentry"
TEXTS = ("action", "entity", "actor", "cause", "previous_hash", "entry_hash")
HEADS = "audit_auditchain"
HOW = "each column of one entry changed, a row dropped, the tail cut, and the head set back with it"


@dataclass(frozen=True)
class Change:
    """One thing done to the trail, and the entry that the check must name."""

    name: str
    statement: sql.Composed
    sequence: int


def every_change_is_found(system: System) -> Verdict:
    """For one tenant, one change after the other; each is undone again.

    Its newest entry is known outside the database, as that of any tenant is after a while.
    """
    tenant = system.tenants[0].tenant_id
    system.query(f"UPDATE {HEADS} SET anchored_at = NULL WHERE tenant_id = %s", tenant)
    system.stack.manage("shell", "--command", "from connector.tasks import tidy; tidy()")
    rows = system.query(
        f"SELECT * FROM {TABLE} WHERE tenant_id = %s ORDER BY sequence DESC LIMIT 40", tenant
    )
    looked, problems = 0, []
    for change in _changes(tenant, rows):
        looked += 1
        with _changed(system, tenant, change, rows):
            found = _first_bad(system, tenant)
        if found != change.sequence:
            problems.append(f"{change.name} of entry {change.sequence}: told {found}")
    if (left := _first_bad(system, tenant)) is not None:
        problems.append(f"the chain did not verify after everything was put back: {left}")
    return judge("I18", looked, problems, how=HOW)


def _changes(tenant: int, rows: list[Row]) -> Iterator[Change]:
    last, middle = rows[0]["sequence"], rows[len(rows) // 2]["sequence"]
    table = sql.Identifier(TABLE)
    where = sql.SQL(" WHERE tenant_id = {} AND sequence = {}")
    for name in TEXTS:
        yield Change(
            f"a flipped character in {name}",
            sql.SQL("UPDATE {} SET {name} = overlay({name} placing '~' from 1 for 1)").format(
                table, name=sql.Identifier(name)
            )
            + where.format(tenant, middle),
            middle,
        )
    yield Change(
        "a flipped byte in the details",
        sql.SQL(
            "UPDATE {} SET details_encrypted ="
            " set_byte(details_encrypted, 20, 255 - get_byte(details_encrypted, 20))"
        ).format(table)
        + where.format(tenant, middle),
        middle,
    )
    yield Change(
        "another time",
        sql.SQL("UPDATE {} SET at = at + interval '1 microsecond'").format(table)
        + where.format(tenant, middle),
        middle,
    )
    delete = sql.SQL("DELETE FROM {}").format(table)
    yield Change("a dropped row", delete + where.format(tenant, middle), middle)
    cut = delete + where.format(tenant, last)
    yield Change("a cut tail", cut, last)
    yield Change("a tail cut with its head", cut + sql.SQL("; ") + _head(tenant, rows[1]), last)


def _head(tenant: int, entry: Row) -> sql.Composed:
    """The head of the chain says that this entry is the last."""
    return sql.SQL("UPDATE {} SET last_sequence = {}, last_hash = {} WHERE tenant_id = {}").format(
        sql.Identifier(HEADS), entry["sequence"], entry["entry_hash"], tenant
    )


@contextmanager
def _changed(system: System, tenant: int, change: Change, rows: list[Row]) -> Iterator[None]:
    """The trigger that refuses changes is off only for the change itself and for undoing it."""
    with system.connection() as connection:
        with _unguarded(connection):
            connection.execute(change.statement)
        try:
            yield
        finally:
            row = next(one for one in rows if one["sequence"] == change.sequence)
            with _unguarded(connection):
                _put_back(connection, tenant, row)
                connection.execute(_head(tenant, rows[0]))


@contextmanager
def _unguarded(connection: psycopg.Connection[Row]) -> Iterator[None]:
    table = sql.Identifier(TABLE)
    with connection.transaction():
        connection.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
        yield
        connection.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))


def _put_back(connection: psycopg.Connection[Row], tenant: int, row: Row) -> None:
    connection.execute(
        sql.SQL("DELETE FROM {} WHERE tenant_id = {} AND sequence = {}").format(
            sql.Identifier(TABLE), tenant, row["sequence"]
        )
    )
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(TABLE),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(sql.Placeholder() * len(row)),
        ),
        list(row.values()),
    )


def _first_bad(system: System, tenant: int) -> int | None:
    """The entry that the product's own check names, None if it finds the chain intact."""
    code = system.stack.run("verify_audit", str(tenant), "--json")
    (report,) = json.loads(code.stdout)
    return None if report["intact"] else int(report["first_bad_sequence"])
