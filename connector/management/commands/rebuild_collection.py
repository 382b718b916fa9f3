"""Derive where each invoice's money stands anew: manage.py rebuild_collection TENANT [--save]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector.collection import rebuild
from tenants.finding import get_tenant


class Command(BaseCommand):
    """Without --save it only compares, and ends with 1 if something differs."""

    help = "Derive the collection status of a tenant's invoices from the journal of money alone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--save", action="store_true", help="keep what was derived")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Print each figure that is not what the facts say."""
        tenant = get_tenant(options["tenant"])
        changes = list(rebuild(tenant.pk, save=options["save"]))
        if options["json"]:
            rows = [asdict(change) for change in changes]
            self.stdout.write(json.dumps({"tenant": tenant.slug, "changes": rows}))
        for change in [] if options["json"] else changes:
            self.stdout.write(
                f"invoice {change.number or change.invoice_id}: {change.name} is saved as "
                f"{change.saved}, the journal says {change.derived}"
            )
        if not changes and not options["json"]:
            self.stdout.write(f"{tenant.name}: every figure is what the journal says.")
        if changes and not options["save"]:
            raise CommandError(
                f"Not what the journal says: {len(changes)}. --save keeps what it says."
            )
