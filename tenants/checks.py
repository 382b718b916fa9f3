"""Refuses to start with a database role that row-level security does not bind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection


@register(Tags.database)
def application_role_is_bound(
    databases: Sequence[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Runs with `check --database default`, which every start-up command of ours calls."""
    if not databases or "default" not in databases:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        (free,) = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tableowner = current_user"
        )
        (owned,) = cursor.fetchone()
    if free or owned:
        return [
            Error(
                "The role in DATABASE_URL is a superuser, may bypass row-level security, or owns tables.",
                hint="Use a plain role there and put the owner into DATABASE_OWNER_URL.",
                id="tenants.E001",
            )
        ]
    return []
