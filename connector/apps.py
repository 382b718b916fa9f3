"""App configuration: the roles of staff are made after each migration."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ConnectorConfig(AppConfig):
    """Registers the models and the admin."""

    name = "connector"

    def ready(self) -> None:
        """Register what runs after a migration."""
        from connector import roles  # noqa: PLC0415 - models must be loaded first

        post_migrate.connect(roles.ensure_roles, dispatch_uid="connector.roles")
