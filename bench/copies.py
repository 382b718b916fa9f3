"""Databases of different sizes beside each other, so that slices of them can alternate."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connection, connections

from bench.place import Place

# A live tenant and its feeds, none due, as many times as wanted.
_FILL = """
WITH made AS (
    INSERT INTO tenants_tenant ({tenant_columns})
    SELECT {tenant_values} FROM tenants_tenant, generate_series(1, %(count)s) n WHERE id = %(pattern)s
    RETURNING id
)
INSERT INTO connector_pollfeed ({feed_columns})
SELECT {feed_values} FROM connector_pollfeed, made WHERE tenant_id = %(pattern)s
"""


def copy_database(place: Place, names: Iterable[str]) -> None:
    """Make databases that hold what this one holds now."""
    connections.close_all()
    source = urlsplit(place.services.database_owner_url)
    elsewhere = urlunsplit(source._replace(path="/template1"))
    with psycopg.connect(elsewhere, autocommit=True) as owner:
        for name in names:
            owner.execute(f"CREATE DATABASE {name} TEMPLATE {source.path[1:]}")


def use_database(name: str) -> None:
    """From here on the product works in this one."""
    connections.close_all()
    connection.settings_dict["NAME"] = name


def multiply_tenant(pattern: int, count: int) -> None:
    """So many tenants like this one, with its feeds. Inside a scope over every tenant."""
    with connection.cursor() as cursor:
        tenant_columns = _columns("tenants_tenant")
        feed_columns = _columns("connector_pollfeed")
        statement = _FILL.format(
            tenant_columns=", ".join(tenant_columns),
            tenant_values=", ".join(
                f"{one} || '-' || n" if one in {"slug", "name"} else one for one in tenant_columns
            ),
            feed_columns=", ".join(feed_columns),
            feed_values=", ".join(
                {
                    "tenant_id": "made.id",
                    "next_due_at": "next_due_at + random() * interval '1 hour'",
                }.get(one, one)
                for one in feed_columns
            ),
        )
        cursor.execute(statement, {"count": count, "pattern": pattern})


def analyse(place: Place, name: str) -> None:
    """What autovacuum would have done by now."""
    url = urlunsplit(urlsplit(place.services.database_owner_url)._replace(path=f"/{name}"))
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")


def _columns(table: str) -> list[str]:
    with connection.cursor() as cursor:
        rows = connection.introspection.get_table_description(cursor, table)
        return [row.name for row in rows if row.name != "id"]
