"""Row-level security, table by table, under a foreign tenant and under none (I25)."""

from __future__ import annotations

import psycopg
from psycopg import sql

from chaos.invariants.verdict import Verdict, judge
from chaos.processes.system import System

HOW = "every table with a tenant_id, as the application's role, under each tenant and under none"


def nothing_foreign(system: System) -> Verdict:
    """Rows of others under a tenant's scope: none. Without a scope: an error, not an answer."""
    tables = [
        row["table_name"]
        for row in system.query(
            "SELECT table_name FROM information_schema.columns"
            " WHERE column_name = 'tenant_id' AND table_schema = 'public' ORDER BY table_name"
        )
    ]
    looked, problems = 0, []
    url = system.stack.environment["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True, application_name="chaos") as connection:
        for table in tables:
            for one in system.tenants:
                looked += 1
                foreign = _foreign_rows(connection, table, one.tenant_id)
                if foreign:
                    problems.append(f"{one.slug} sees {foreign} rows of others in {table}")
            if _answers_without_scope(connection, table):
                problems.append(f"{table} has rows to show outside any scope")
    return judge("I25", looked, problems, how=HOW)


def _foreign_rows(connection: psycopg.Connection, table: str, tenant_id: int) -> int:
    with connection.transaction():
        connection.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant_id)])
        counted = connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE tenant_id <> %s").format(sql.Identifier(table)),
            [tenant_id],
        ).fetchone()
    return int(counted[0]) if counted else 0


def _answers_without_scope(connection: psycopg.Connection, table: str) -> bool:
    """Whether it shows a row. PostgreSQL does not even ask for the scope of an empty table."""
    try:
        with connection.transaction():
            row = connection.execute(
                sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table))
            ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return False
    return row is not None
