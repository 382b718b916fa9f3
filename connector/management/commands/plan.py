"""Show what would be done: manage.py plan TENANT [--purpose import|mode|replay|undo] [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector.errors import ConnectorError
from connector.management.asking import cause_of, ring
from connector.management.planned import WAIT_S, described, jobs_of, table_of, wait_for
from connector.models import InvoiceLink, Plan
from connector.planning.proposals import propose
from tenants.finding import get_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    """Has a plan made, waits for it, and prints its steps. Writes nothing to a vendor."""

    help = "Show what an import, a new mode, a replay or an undo would do, before it is done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--purpose", choices=Plan.Purpose.values, default="import")
        parser.add_argument(
            "--invoice",
            action="append",
            default=[],
            metavar="ID",
            help="for a replay: FreshBooks id or invoice number; may be repeated",
        )
        parser.add_argument(
            "--of", metavar="PLAN", default="", help="undo only what this plan made"
        )
        parser.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS")
        parser.add_argument("--json", action="store_true", help="print as JSON, with every step")

    def handle(self, *_: Any, **options: Any) -> None:
        """Ask, follow, print."""
        tenant = get_tenant(options["tenant"])
        purpose = Plan.Purpose(options["purpose"])
        try:
            with tenant_scope(tenant.pk):
                chosen = _options(tenant, purpose, options)
                plan = propose(tenant, purpose, cause=cause_of("plan"), options=chosen)
                jobs = jobs_of(plan)
        except ConnectorError as error:
            raise CommandError(f"{error.message} {error.next_step}".strip()) from error
        ring(jobs, tenant)
        tell = self.stderr.write if options["json"] else self.stdout.write
        plan = wait_for(plan, seconds=options["wait"], tell=tell)
        if options["json"]:
            self.stdout.write(json.dumps(described(plan)))
        else:
            self.stdout.write(table_of(plan))
        if plan.state != Plan.State.PROPOSED:
            raise CommandError(f"{plan.get_state_display()}: {plan.reason}")


def _options(tenant: Tenant, purpose: Plan.Purpose, options: dict[str, Any]) -> dict[str, Any]:
    if purpose == Plan.Purpose.MODE:
        return {"mode": Tenant.PaymentMode.RECORD.value}
    if purpose == Plan.Purpose.REPLAY:
        if not options["invoice"]:
            raise CommandError("Name what to replay: --invoice ID, once for each invoice.")
        return {"invoices": [_invoice_id(tenant, name) for name in options["invoice"]]}
    if purpose == Plan.Purpose.UNDO and options["of"]:
        return {"import": options["of"]}
    return {}


def _invoice_id(tenant: Tenant, name: str) -> int:
    """The FreshBooks id of an invoice with this number, or the id itself."""
    link = InvoiceLink.objects.filter(tenant=tenant, number=name).first()
    if link is not None:
        return int(link.freshbooks_invoice_id)
    if not name.isdecimal():
        raise CommandError(f"{tenant.name} has no invoice {name!r} here.")
    return int(name)
