"""Seal every credential again under the newest key: manage.py rotate_keys [--json]."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from tenants.rotation import rotate_field_keys


class Command(BaseCommand):
    """Afterwards the older keys can be taken out of FIELD_ENCRYPTION_KEYS."""

    help = "Seal every credential again under the first key of FIELD_ENCRYPTION_KEYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Only how to print."""
        parser.add_argument("--json", action="store_true", help="print as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        """Rotate and say how much was done."""
        done = rotate_field_keys()
        if options["json"]:
            self.stdout.write(json.dumps(done))
            return
        for table, rows in done.items():
            self.stdout.write(f"{table}: {rows}")
        self.stdout.write("Everything is sealed under the newest key; older keys may go now.")
