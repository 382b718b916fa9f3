"""One round of kills on a small system: worker, Valkey and PostgreSQL die while business goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chaos.invariants.verdict import State
from chaos.processes.size import SMALL
from chaos.report import TierResult
from tests.embedded.support import PROJECT, without_services

pytestmark = [pytest.mark.slow_flow, pytest.mark.timeout(900)]
CHECKED = (
    *("I01", "I02", "I03", "I04", "I05", "I06", "I07", "I08", "I09", "I11", "I12", "I14", "I17"),
    *("I20", "I22", "I23", "I24", "I25", "I26", "I27", "I29", "I30", "I34", "I35"),
)


def test_one_round_of_kills_breaks_nothing(tmp_path: Path) -> None:
    result_file = tmp_path / "result.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "chaos.processes", "--small"),
            *("--result", str(result_file), "--logs", str(tmp_path / "logs")),
        ],
        cwd=PROJECT,
        env=without_services(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result_file.exists(), done.stdout + done.stderr
    result = TierResult.read(result_file)
    states = {one.id: one.state for one in result.verdicts}
    broken = [one for one in result.verdicts if one.state == State.BROKEN]
    assert (broken, result.broken, done.returncode) == ([], [], 0)
    assert {id_: states[id_] for id_ in CHECKED} == dict.fromkeys(CHECKED, State.HELD)
    kills = SMALL.child_kills + SMALL.worker_kills
    assert kills == 6
    assert {name: result.faults[name] for name in result.faults if "frozen" not in name} == {
        "SIGKILL of a working process": SMALL.child_kills,
        "SIGKILL of a whole worker": SMALL.worker_kills,
        "Valkey killed": 1,
        "FLUSHALL": 1,
        "PostgreSQL restarted": 1,
    }
