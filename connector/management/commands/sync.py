"""Synchronize a tenant now: manage.py sync TENANT [--invoice ID] [--client ID] [--wait SECONDS]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector import decisions
from connector.jobs import kinds
from connector.management.asking import add_wait_argument, cause_of, follow, ring
from connector.models import InvoiceLink
from tenants.finding import get_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Queues what the admin's buttons queue: a poll of both vendors, or one invoice or client."""

    help = "Look at a tenant's changes now, or at one invoice or client."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        one = parser.add_mutually_exclusive_group()
        one.add_argument("--invoice", help="FreshBooks id, invoice number or Stripe invoice id")
        one.add_argument("--client", type=int, help="FreshBooks client id")
        add_wait_argument(parser)
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Queue, ring, and follow if asked to."""
        tenant = get_tenant(options["tenant"])
        with tenant_scope(tenant.pk):
            wanted = _wanted(tenant, options)
            jobs = decisions.ask(tenant, wanted, cause=cause_of("sync"))
        ring(jobs, tenant)
        states = {}
        if not options["json"]:
            names = ", ".join(f"{kind.name} {subject}".strip() for kind, subject in wanted)
            self.stdout.write(f"{tenant.name}: queued {names}.")
        if options["wait"] is not None:
            tell = self.stderr.write if options["json"] else self.stdout.write
            states = follow(tenant, jobs, seconds=options["wait"], tell=tell)
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.slug, "jobs": jobs, "states": states}))


def _wanted(tenant: Tenant, options: dict[str, Any]) -> list[tuple[kinds.Kind, str]]:
    if options["invoice"]:
        return [(kinds.SYNC_INVOICE, _invoice_id(tenant, options["invoice"]))]
    if options["client"]:
        return [(kinds.SYNC_CLIENT, str(options["client"]))]
    return [(kinds.POLL_FRESHBOOKS, ""), (kinds.POLL_STRIPE, ""), (kinds.POLL_MONEY, "")]


def _invoice_id(tenant: Tenant, name: str) -> str:
    """The FreshBooks id: as given (it may be unknown here), or of the invoice with that number."""
    links = InvoiceLink.objects.filter(tenant=tenant)
    link = links.filter(number=name).first() or links.filter(stripe_invoice_id=name).first()
    if link is not None:
        return str(link.freshbooks_invoice_id)
    if not name.isdecimal():
        known = ", ".join(links.order_by("-pk").values_list("number", flat=True)[:5])
        raise CommandError(
            f"{tenant.name} has no invoice {name!r} here. Some that it has: {known or 'none yet'}. "
            "An invoice that is not here yet is named by its FreshBooks id."
        )
    return name
