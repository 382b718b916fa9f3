"""Disconnect a tenant from both vendors: manage.py disconnect TENANT."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector.connecting.disconnecting import disconnect
from connector.management.asking import cause_of
from tenants.finding import get_tenant


class Command(BaseCommand):
    """Exit code 0 only if both vendors took everything back; credentials are gone in any case."""

    help = "Stop a tenant's work, take webhooks and the grant back, and destroy its credentials."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Disconnect, and say what a vendor did not take back."""
        tenant = get_tenant(options["tenant"])
        left = disconnect(tenant.pk, cause=cause_of("disconnect"))
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.slug, "left": left}))
        else:
            self.stdout.write(f"{tenant.name} is disconnected; its credentials are destroyed.")
        if left:
            raise CommandError(
                "Take this back at the vendor yourself: " + "; ".join(left),
            )
