"""Starts the simulators as a real process, once; every test gets an empty book."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sandbox.driving import Account, FreshBooks, Receiver, Vendor, receiving

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class SandboxProcess:
    """Where the two vendors of the running process are, and its record."""

    freshbooks: FreshBooks
    stripe: Vendor
    record: Path
    webhooks: Path


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """`python -m sandbox` on free ports."""
    folder = tmp_path_factory.mktemp("sandbox")
    record, webhooks = folder / "record.jsonl", folder / "webhooks.jsonl"
    command = [sys.executable, "-m", "sandbox", "--seed", "7", "--record", str(record)]
    command += ["--freshbooks", "127.0.0.1:0", "--stripe", "127.0.0.1:0"]
    command += ["--record-webhooks", str(webhooks), "--check-answers", "tests"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        running = SandboxProcess(
            FreshBooks(addresses["freshbooks"]), Vendor(addresses["stripe"]), record, webhooks
        )
        yield running
        try:
            for vendor in (running.freshbooks, running.stripe):
                assert not vendor.violations(), "\n".join(vendor.violations())
        finally:
            process.terminate()


@pytest.fixture
def freshbooks(sandbox_process: SandboxProcess) -> Iterator[FreshBooks]:
    """FreshBooks with an empty book, default switches, no faults and real time."""
    yield sandbox_process.freshbooks
    sandbox_process.freshbooks.reset()


@pytest.fixture
def account(freshbooks: FreshBooks) -> Account:
    """A business, its owner logged in with all scopes."""
    return freshbooks.account()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A web server that webhooks can be sent to."""
    with receiving() as running:
        yield running
