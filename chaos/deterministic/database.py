"""A database of this run's own on the server that `DATABASE_OWNER_URL` names, emptied in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.core.management import call_command
from django.db import connections
from psycopg import sql
from psycopg.rows import dict_row

KEPT = ("django_migrations", "django_content_type", "auth_permission")

_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""
_GUARDED = (
    "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%append_only'"
)
_SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'"


class Owner:
    """The owner of the database: empties it, and ends connections of others."""

    def __init__(self, url: str, plain_url: str) -> None:
        """`plain_url` connects as the product does: only its own role may end its connections."""
        self._sql = psycopg.connect(url, autocommit=True)
        self._plain = psycopg.connect(plain_url, autocommit=True)
        self._sql.execute("SET app.tenant = '*'")
        self._sql.execute("SET synchronous_commit = off")
        self._tables = [name for name in self._names(_TABLES) if name not in KEPT]
        self._guarded = set(self._names(_GUARDED))
        self._sequences = self._names(_SEQUENCES)

    def _names(self, query: LiteralString) -> list[str]:
        return [str(row[0]) for row in self._sql.execute(query)]

    def empty(self) -> None:
        """No row anywhere, and ids counted from the start again."""
        used = [table for table in self._tables if self._has_rows(table)]
        guarded = [table for table in used if table in self._guarded]
        with self._sql.transaction():
            self._switch_guards(guarded, "DISABLE")
            for table in used:
                self._sql.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            self._sql.execute("SET CONSTRAINTS ALL IMMEDIATE")
            self._switch_guards(guarded, "ENABLE")
            for sequence in self._sequences:
                self._sql.execute("SELECT setval(%s, 1, false)", [sequence])

    def _switch_guards(self, tables: list[str], how: LiteralString) -> None:
        """The triggers that keep append-only tables from being emptied."""
        for table in tables:
            statement = sql.SQL("ALTER TABLE {} {} TRIGGER USER")
            self._sql.execute(statement.format(sql.Identifier(table), sql.SQL(how)))

    def _has_rows(self, table: str) -> bool:
        query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(table))
        row = self._sql.execute(query).fetchone()
        return bool(row and row[0])

    def end_connection(self, pid: int) -> None:
        """What an administrator or a failing server does to one connection; waits until it is gone."""
        self._plain.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    def ready(self, queue: str) -> int:
        """How many jobs of a queue wait, as anybody but their author sees it."""
        query = "SELECT count(*) FROM connector_syncjob WHERE state = 'queued' AND queue = %s"
        row = self._sql.execute(query, [queue]).fetchone()
        return int(row[0]) if row else 0

    def somebody_waits(self) -> bool:
        """Whether a connection waits for another one's lock."""
        query = (
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))"
        )
        row = self._sql.execute(query).fetchone()
        return bool(row and row[0])

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Rows over all tenants."""
        with self._sql.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement.encode(), values or None).fetchall()

    def execute(self, statement: LiteralString) -> None:
        """Anything else, as the owner."""
        self._sql.execute(statement)

    def close(self) -> None:
        """Leave."""
        self._sql.close()
        self._plain.close()


def _url(variable: str, database: str) -> str:
    return urlunsplit(urlsplit(os.environ[variable])._replace(path=f"/{database}"))


@contextmanager
def own_database() -> Iterator[Owner]:
    """A new, migrated database; Django uses it inside the block; it is dropped at the end."""
    name = f"chaos_{os.getpid()}"
    quoted = sql.Identifier(name)
    maintenance = os.environ["DATABASE_OWNER_URL"]
    with psycopg.connect(maintenance, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(quoted))
        # What a crash of the server would lose is none of this run's business.
        owner.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(quoted))
    for alias in ("default", "owner"):
        connections[alias].settings_dict["NAME"] = name
    try:
        call_command("migrate", database="owner", verbosity=0)
        connections["owner"].close()
        here = Owner(*(_url(role, name) for role in ("DATABASE_OWNER_URL", "DATABASE_URL")))
        try:
            here.empty()
            yield here
        finally:
            here.close()
    finally:
        connections.close_all()
        with psycopg.connect(maintenance, autocommit=True) as owner:
            owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(quoted))
