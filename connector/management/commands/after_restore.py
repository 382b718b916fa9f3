"""After a backup was restored: manage.py after_restore [TENANT]… [--days N] [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from connector.management.asking import cause_of
from connector.restoring import look_first
from connector.ringing import publish
from tenants.finding import get_tenant
from tenants.models import Tenant
from tenants.scope import every_tenant

DAYS = 7


class Command(BaseCommand):
    """Safe to run again, and safe when nothing was forgotten: it costs look-ups only."""

    help = (
        "The database is older than what was written to the vendors: look for everything there "
        "before making it, and compare all invoices."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Without TENANT all tenants that were not erased."""
        parser.add_argument("tenants", nargs="*", metavar="TENANT", help="slug or id")
        parser.add_argument(
            "--days", type=int, default=DAYS, help=f"how long to look first; default: {DAYS}"
        )
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Mark the tenants and queue a full comparison of each that is live."""
        if not 1 <= options["days"] <= 60:
            raise CommandError("--days is from 1 to 60.")
        named = [get_tenant(name) for name in options["tenants"]]
        living = Tenant.objects.exclude(state=Tenant.State.ERASED).order_by("pk")
        tenants = named or list(living)
        until = timezone.now() + timedelta(days=options["days"])
        with every_tenant():
            look_first(tenants, until=until, cause=cause_of("after_restore"))
        publish("reconcile")
        if options["json"]:
            done = {"tenants": [row.slug for row in tenants], "until": until.isoformat()}
            self.stdout.write(json.dumps(done))
            return
        self.stdout.write(
            f"{len(tenants)} tenants: until {until:%Y-%m-%d} everything is looked for before it is "
            "made. Full comparisons are queued."
        )
