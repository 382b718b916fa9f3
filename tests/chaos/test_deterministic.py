"""The short form of `make chaos ARGS=deterministic`, and of the known mistakes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from chaos.deterministic.points import ANSWERED, COMMITTED
from chaos.deterministic.schedule import BETWEEN
from chaos.deterministic.seeded import VirtualClock
from chaos.deterministic.trouble import AT_CALL, AT_POINT, Trouble, failures_of
from chaos.deterministic.world import World
from sandbox.core.vendor import Request, Response

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


KINDS = {*AT_CALL, *AT_POINT, *BETWEEN}
HELD = (
    *("I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I09", "I12", "I16", "I17", "I19"),
    *("I21", "I26", "I27", "I30", "I34"),
)


def test_whatever_breaks_every_invariant_holds(tmp_path: Path) -> None:
    sizes = ["--seeds", "25", "--operations", "40", "--crashes", "8", "--pairs", "2"]
    found = result_of("chaos.deterministic", tmp_path, *sizes)
    assert not found["broken"], found["told"]
    broken = [one for one in found["verdicts"] if one["state"] == "broken"]
    assert not broken, found["told"]
    assert set(HELD) <= {one["id"] for one in found["verdicts"] if one["state"] == "held"}
    assert sum(found["faults"].get(kind, 0) for kind in KINDS) > 60


def test_a_seed_gives_the_same_event_log_byte_for_byte(tmp_path: Path) -> None:
    logs = [tmp_path / "first", tmp_path / "second"]
    for log in logs:
        run("chaos.deterministic", "--seed", "5", "--operations", "80", "--log", log)
    first, second = (log.read_bytes() for log in logs)
    assert first == second
    assert len(first.splitlines()) > 80


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


@dataclass
class Still:
    """A world in which no time passes and nothing is noted."""

    clock: VirtualClock = field(default_factory=lambda: VirtualClock(None))  # type: ignore[arg-type]

    def note(self, _: str) -> None:
        return None


@pytest.mark.parametrize(("status", "is_late"), [(200, True), (404, True), (401, False)])
def test_only_what_was_read_is_read_late(status: int, is_late: bool) -> None:
    trouble = Trouble(cast("World", Still()), lambda: None)
    request = Request("GET", "/clients/1", "/clients/{id}", {}, [], {}, b"")
    trouble.around(request, lambda: Response(status))
    trouble.arm("stale_read", 0)
    assert trouble.around(request, lambda: Response(201)).status == (status if is_late else 201)
