"""What the application's database role may do: read and write rows, never own or truncate."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections

APPEND_ONLY_TABLES = ("audit_auditentry",)
UNDELETABLE_TABLES = ("audit_auditchain",)  # a chain without its head could be cut unnoticed


def grant_application_role(sender: AppConfig, using: str, **_: Any) -> None:
    """Run by `migrate` as the owner, once per application: grant on every table there is."""
    role = settings.DATABASES["default"]["USER"]
    connection = connections[using]
    if sender.name != "tenants" or connection.settings_dict["USER"] == role:
        return
    quoted = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {quoted}")
        cursor.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {quoted}"
        )
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}")
        for table in APPEND_ONLY_TABLES:
            cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {quoted}")
        for table in UNDELETABLE_TABLES:
            cursor.execute(f"REVOKE DELETE, TRUNCATE ON {table} FROM {quoted}")
