"""Make a link with which a tenant's own people connect: manage.py onboarding_link TENANT."""

from __future__ import annotations

import getpass
import json
import uuid
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from audit.recording import Cause
from connector.connecting.links import LINK_LIFE, make_link
from tenants.finding import get_tenant


class Command(BaseCommand):
    """Prints the link, which is shown this once only."""

    help = "Make an expiring link with which a tenant's own people connect both vendors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--days", type=int, default=LINK_LIFE.days, help="how long it is good")
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Make and print."""
        tenant = get_tenant(options["tenant"])
        cause = Cause(f"cli:{getpass.getuser()}", "manage.py onboarding_link", uuid.uuid4())
        url = make_link(tenant.pk, cause=cause, life=timedelta(days=options["days"]))
        if options["json"]:
            self.stdout.write(json.dumps({"tenant": tenant.slug, "url": url}))
        else:
            self.stdout.write(f"For {tenant.name}, good for {options['days']} days:\n{url}")
