"""Fixtures of every test that drives the pipeline: both vendors as a process, and a shop on them.

Loaded as a plugin by tests/conftest.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from connector.models import SyncJob
from tenants.scope import every_tenant
from tests.conformance.checking import check_record
from tests.pipeline.shop import Shop, open_shop
from tests.sandbox.driving import FreshBooks, Vendor

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Simulators:
    """Where both vendors are, and the record of all requests to them."""

    freshbooks: FreshBooks
    stripe: Vendor
    record: Path
    tests: list[str] = field(default_factory=list)
    """Which tests have used them so far."""

    def violations(self) -> list[str]:
        """What either has answered so far that its vendor would not."""
        return [*self.freshbooks.violations(), *self.stripe.violations()]

    def reset(self) -> None:
        """Empty books, no faults, default switches, real time."""
        for vendor in (self.freshbooks, self.stripe):
            vendor.reset()
            vendor.control("DELETE", "faults")


@pytest.fixture(scope="session")
def simulator_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulators]:
    record = tmp_path_factory.mktemp("vendors") / "record.jsonl"
    command = [sys.executable, "-m", "sandbox", "--seed", "11", "--record", str(record)]
    command += ["--freshbooks", "127.0.0.1:0", "--stripe", "127.0.0.1:0"]
    command += ["--check-answers", "tests"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        running = Simulators(
            FreshBooks(addresses["freshbooks"]), Vendor(addresses["stripe"]), record
        )
        yield running
        process.terminate()
    # Whatever the product sent in all these tests keeps to the contracts. A single test may talk to
    # one vendor alone; many tests without a request of the product to each are a broken record.
    check_record(record, at_least=len(running.tests) // 20)


@pytest.fixture
def simulators(
    simulator_process: Simulators, settings: Any, request: pytest.FixtureRequest
) -> Iterator[Simulators]:
    """Both vendors with empty books; the product's settings point at them, and nothing settles slowly."""
    settings.FRESHBOOKS_API_BASE = simulator_process.freshbooks.url
    settings.FRESHBOOKS_AUTH_BASE = simulator_process.freshbooks.url
    settings.FRESHBOOKS_CLIENT_ID = "sandbox-client"
    settings.FRESHBOOKS_CLIENT_SECRET = "sandbox-secret"
    settings.STRIPE_API_BASE = simulator_process.stripe.url
    settings.PAYMENT_SETTLE_S = 0
    simulator_process.tests.append(request.node.nodeid)
    before = simulator_process.violations()
    try:
        yield simulator_process
        found = [text for text in simulator_process.violations() if text not in before]
        assert not found, found[:5]
    finally:
        simulator_process.reset()


@pytest.fixture
def no_jobs(committed_db: None) -> Iterator[None]:
    """An empty ledger: draining a queue runs this test's work and nobody else's."""
    with every_tenant():
        SyncJob.objects.all().delete()
    yield
    with every_tenant():
        SyncJob.objects.all().delete()


@pytest.fixture
def shop(simulators: Simulators, no_jobs: None) -> Shop:
    """A live tenant that records payments, connected to a business and a Stripe account."""
    return open_shop(simulators.freshbooks, simulators.stripe)
