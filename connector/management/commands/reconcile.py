"""Compare everything of a tenant now: manage.py reconcile TENANT [--wait SECONDS]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from connector import decisions
from connector.jobs import kinds
from connector.management.asking import add_wait_argument, cause_of, follow, ring
from connector.standing import DiscrepancyStanding, standing
from tenants.finding import get_tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """With --wait, prints the differences that are left."""

    help = "Compare every invoice of a tenant on both sides, and look at what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        add_wait_argument(parser)
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Queue, ring, and follow if asked to."""
        tenant = get_tenant(options["tenant"])
        with tenant_scope(tenant.pk):
            wanted = [(kinds.RECONCILE_ALL, "")]
            jobs = decisions.ask(tenant, wanted, cause=cause_of("reconcile"))
        ring(jobs, tenant)
        tell = self.stderr.write if options["json"] else self.stdout.write
        tell(f"{tenant.name}: the full comparison is queued.")
        states: dict[str, int] = {}
        left: list[DiscrepancyStanding] = []
        if options["wait"] is not None:
            states = follow(tenant, jobs, seconds=options["wait"], tell=tell)
            with tenant_scope(tenant.pk):
                left = standing(tenant).discrepancies
            if not options["json"]:
                self.stdout.write(_told(left))
        if options["json"]:
            found = {"states": states, "discrepancies": [asdict(row) for row in left]}
            self.stdout.write(json.dumps({"tenant": tenant.slug, "jobs": jobs} | found))


def _told(left: list[DiscrepancyStanding]) -> str:
    if not left:
        return "Both sides agree."
    rows = [f"  {row.severity}: {row.kind}, {row.subject}: {row.explanation}" for row in left]
    return "\n".join([f"{len(left)} open discrepancies:", *rows])
