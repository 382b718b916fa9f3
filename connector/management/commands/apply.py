"""Apply a plan: manage.py apply PLAN [--hash H] [--yes] [--json]."""

from __future__ import annotations

import json
import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from connector.errors import ConnectorError
from connector.management.asking import cause_of, ring
from connector.management.planned import WAIT_S, described, jobs_of, table_of, wait_for
from connector.models import Plan, PlanStep
from connector.planning.proposals import approve
from tenants.scope import every_tenant, tenant_scope


class Command(BaseCommand):
    """Approves exactly what it shows, or the given hash, and follows it to the end."""

    help = "Approve a plan and apply it; exit code 0 only if every step was done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """PLAN is what `plan` printed."""
        parser.add_argument("plan", help="the plan's id")
        parser.add_argument(
            "--hash", default="", help="the hash that was looked at and is approved"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS")
        parser.add_argument("--json", action="store_true", help="print as JSON, with every step")

    def handle(self, *_: Any, **options: Any) -> None:
        """Show, ask, approve, follow, print."""
        plan = _find(options["plan"])
        tell = self.stderr.write if options["json"] else self.stdout.write
        if not options["hash"] and not options["yes"]:
            tell(table_of(plan))
            if plan.state != Plan.State.PROPOSED:
                raise CommandError(f"{plan.get_state_display()}: there is nothing to approve.")
            if input("Apply exactly this? [y/N] ").strip().lower() not in {"y", "yes"}:
                raise CommandError("Nothing was done.")
        try:
            with tenant_scope(plan.tenant_id):
                plan = approve(plan.pk, options["hash"] or plan.hash, cause=cause_of("apply"))
                jobs = jobs_of(plan)
        except ConnectorError as error:
            raise CommandError(f"{error.message} {error.next_step}".strip()) from error
        ring(jobs, plan.tenant)
        plan = wait_for(plan, seconds=options["wait"], tell=tell)
        if options["json"]:
            self.stdout.write(json.dumps(described(plan)))
        with tenant_scope(plan.tenant_id):
            failed = PlanStep.objects.filter(plan=plan).exclude(state=PlanStep.State.DONE).exists()
        if failed or plan.state != Plan.State.APPLIED:
            raise CommandError(f"{plan.get_state_display()}: {plan.reason}")
        if not options["json"]:
            self.stdout.write(plan.reason)


def _find(name: str) -> Plan:
    """By its public id or its number. Raises CommandError."""
    by_number = Q(pk=int(name)) if name.isdecimal() else Q(pk__in=[])
    try:
        wanted = Q(public_id=uuid.UUID(name))
    except ValueError:
        wanted = by_number
    with every_tenant():
        plan: Plan | None = Plan.objects.select_related("tenant").filter(wanted).first()
    if plan is None:
        raise CommandError(f"There is no plan {name!r}.")
    return plan
