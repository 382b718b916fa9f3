"""Check both connections of a tenant: manage.py ping TENANT [--json]."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from connector.connecting.lines import PingLine
from connector.connecting.ping import ping
from connector.errors import VendorRateLimited
from tenants.finding import get_tenant

PATIENCE_S = 60.0


class Command(BaseCommand):
    """Exit code 0 only if everything that the work needs is there."""

    help = "Try, without changing anything, all that the work needs at FreshBooks and Stripe."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """TENANT is a slug or id."""
        parser.add_argument("tenant", help="slug or id")
        parser.add_argument("--json", action="store_true", help="print the lines as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Check, print, and fail if a line failed."""
        lines = _patient_ping(get_tenant(options["tenant"]).pk)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(line) for line in lines], indent=2))
        else:
            for line in lines:
                self.stdout.write(_text(line))
        failed = sum(not line.ok for line in lines)
        if failed:
            raise CommandError(f"{failed} of {len(lines)} checks failed.")


def _patient_ping(tenant_id: int) -> list[PingLine]:
    """A busy tenant may have used up its call budget for a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return ping(tenant_id)
        except VendorRateLimited as error:
            wait_s = max(error.retry_after_s or 1.0, 0.1)
            if time.monotonic() + wait_s > deadline:
                raise CommandError(f"{error.message} Try again in {wait_s:.0f} s.") from error
            time.sleep(wait_s)


def _text(line: PingLine) -> str:
    mark = "ok  " if line.ok else "FAIL"
    text = f"{mark} {line.side}: {line.what}"
    text += f" ({line.message})" if line.message else ""
    return f"{text}\n     -> {line.next_step}" if line.next_step and not line.ok else text
