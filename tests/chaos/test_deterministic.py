"""The known mistakes of `make chaos ARGS=mistakes`, and what the deterministic part counts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chaos.deterministic.points import ANSWERED, COMMITTED
from chaos.deterministic.trouble import failures_of

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(900)  # on a machine with much else to do


def run(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def result_of(module: str, folder: Path, *arguments: str) -> dict[str, Any]:
    done = run(module, "--result", folder / "result.json", *arguments)
    assert (folder / "result.json").exists(), done.stderr[-2000:]
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    found["told"] = done.stdout[-4000:]
    return found


def test_every_known_mistake_is_caught(tmp_path: Path) -> None:
    found = result_of("chaos.mistakes", tmp_path)
    assert not found["broken"], found["told"]
    assert len(found["facts"]) >= 15
    assert all(line.startswith("caught in ") for line in found["facts"].values()), found["told"]


def test_what_strikes_is_counted_as_the_failure_that_it_stands_for() -> None:
    assert failures_of("kill", f"freshbooks.payments.create:{ANSWERED}") == ("F21",)
    assert failures_of("kill", f"stripe.invoices.create:{ANSWERED}") == ("F20", "F50")
    assert failures_of("kill", f"connector.inbox._store:{COMMITTED}") == ("F01",)
    assert failures_of("timeout_done", "POST /accounting/account/{a}/payments/payments") == ("F52",)
    assert failures_of("freeze", "anything:asked") == ("F22",)
