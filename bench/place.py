"""Where one family is measured: services, simulators and settings that nothing else uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import django

from config.embedded import Services, embedded_services
from tests.sandbox.driving import FreshBooks, Vendor

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Place:
    """Private services with the product's tables, empty, and both vendors."""

    services: Services
    freshbooks: FreshBooks
    stripe: Vendor

    def calls(self) -> int:
        """All calls that both vendors have answered."""
        return sum(int(vendor.calls()["total"]) for vendor in (self.freshbooks, self.stripe))


@contextmanager
def private_place(settings: Mapping[str, str] | None = None) -> Iterator[Place]:
    """Start everything, point this process and its children at it, set Django up, migrate."""
    with ExitStack() as stack:
        services = stack.enter_context(embedded_services("ephemeral", use_environment=False))
        addresses = stack.enter_context(_simulators())
        os.environ.update(
            services.environment(),
            FRESHBOOKS_API_BASE=addresses["freshbooks"],
            FRESHBOOKS_AUTH_BASE=addresses["freshbooks"],
            FRESHBOOKS_CLIENT_ID="sandbox-client",
            FRESHBOOKS_CLIENT_SECRET="sandbox-secret",  # noqa: S106 - the simulator's
            STRIPE_API_BASE=addresses["stripe"],
            SECRET_KEY="bench " * 10,
            FIELD_ENCRYPTION_KEYS="bench",
            LOG_LEVEL="ERROR",
            PAYMENT_SETTLE_S="0",
            DJANGO_SETTINGS_MODULE="bench.settings",
        )
        os.environ.update(settings or {})
        migrate = [sys.executable, "manage.py", "migrate", "--database", "owner"]
        subprocess.run([*migrate, "--verbosity", "0"], cwd=ROOT, check=True)
        django.setup()
        yield Place(services, FreshBooks(addresses["freshbooks"]), Vendor(addresses["stripe"]))


@contextmanager
def _simulators() -> Iterator[dict[str, str]]:
    """Both vendors in a process of their own, without delay; where they are."""
    command = [sys.executable, "-m", "sandbox", "--freshbooks", "127.0.0.1:0"]
    command += ["--stripe", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
