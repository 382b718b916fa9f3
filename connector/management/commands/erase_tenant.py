"""Erase a tenant for good: manage.py erase_tenant TENANT [--yes]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector.connecting.erasing import erase_tenant
from connector.management.asking import cause_of
from tenants.finding import get_tenant


class Command(BaseCommand):
    """Exit code 0 only if both vendors took everything back; the tenant is erased in any case."""

    help = "Destroy a tenant's credentials, data keys and people's data. Cannot be undone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Ask, erase, and say what a vendor did not take back."""
        tenant = get_tenant(options["tenant"])
        slug, name = tenant.slug, tenant.name
        if not options["yes"]:
            typed = input(f"This erases {name} for good. Type its short name ({slug}) to go on: ")
            if typed.strip() != slug:
                raise CommandError("That is not its short name: nothing was erased.")
        left = erase_tenant(tenant.pk, cause=cause_of("erase_tenant"))
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.pk, "erased": slug, "left": left}))
        else:
            self.stdout.write(f"{name} is erased; its audit chain stays, and verifies.")
        if left:
            raise CommandError("Take this back at the vendor yourself: " + "; ".join(left))
