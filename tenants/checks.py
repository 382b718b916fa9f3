"""What is looked at before anything starts: the database role, and whether FreshBooks knows us."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
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


@register
def freshbooks_app_is_set(**_: Any) -> list[CheckMessage]:
    """Without an app at FreshBooks everything runs, but no tenant can connect."""
    names = ("FRESHBOOKS_CLIENT_ID", "FRESHBOOKS_CLIENT_SECRET")
    empty = [name for name in names if not getattr(settings, name)]
    if not empty:
        return []
    return [
        checks.Warning(
            f"No tenant can connect FreshBooks: {' and '.join(empty)} not set.",
            hint="Register an app at FreshBooks and put its id and secret there: docs/operating.md.",
            id="tenants.W001",
        )
    ]
