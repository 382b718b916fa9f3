"""App configuration: grants for the application's role after each migration."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TenantsConfig(AppConfig):
    """Tenants and their connections."""

    name = "tenants"

    def ready(self) -> None:
        """Register the role check and the grants."""
        from tenants import checks, grants  # noqa: F401, PLC0415 - models must be loaded first

        post_migrate.connect(grants.grant_application_role, dispatch_uid="tenants.grants")
