"""Work on deliveries again: manage.py replay EVENT… (delivery numbers or Stripe event ids)."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector import decisions
from connector.jobs.kinds import INTAKE
from connector.management.asking import cause_of
from connector.models import Delivery
from connector.ringing import publish
from tenants.scope import every_tenant


class Command(BaseCommand):
    """Exit code 0 only if every delivery that was named is being worked on again."""

    help = "Work on deliveries again, as if they had just come in. Doing it twice does no harm."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Deliveries by number, or Stripe events by id."""
        parser.add_argument("events", nargs="+", metavar="EVENT", help="delivery number or evt_…")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Find all of them first, then replay."""
        with every_tenant():
            rows = [row for name in options["events"] for row in _named(name)]
            count = decisions.replay_deliveries(rows, cause=cause_of("replay"))
        publish(INTAKE)
        if options["json"]:
            told = [{"delivery": row.pk, "tenant": row.tenant.slug} for row in rows]
            self.stdout.write(json.dumps({"replayed": told}))
        else:
            self.stdout.write(f"Queued to be worked on again: {count}.")


def _named(name: str) -> list[Delivery]:
    """One event may have come in for several tenants: then all of them are meant."""
    rows = Delivery.objects.select_related("tenant")
    found = list(rows.filter(pk=int(name)) if name.isdecimal() else rows.filter(event_id=name))
    if not found:
        raise CommandError(
            f"There is no delivery {name!r}, so nothing was replayed. A Stripe event that never "
            "came in is found by polling: manage.py sync TENANT."
        )
    return found
