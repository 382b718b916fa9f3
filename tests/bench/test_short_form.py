"""The short form of `make bench`: two families, small, in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("trail", "replay")
pytestmark = [pytest.mark.slow_flow, pytest.mark.timeout(600)]


def test_families_are_measured_judged_and_reported(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    command = [sys.executable, "-m", "bench", *NAMES, "--quick", "--report", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert file.exists(), done.stderr[-2000:]
    report = json.loads(file.read_text())
    assert list(report["families"]) == list(NAMES)
    found = {one["id"]: one for family in report["families"].values() for one in family["found"]}
    assert set(found) == {"P25", "P29", "P29a"}
    assert all(one["value"] > 0 for name, one in found.items() if name != "P29a")
    assert found["P29a"]["value"] == 0, "a replay writes nothing"
    for name in found:
        assert f" {name} " in done.stdout
    assert ("broken: none" in done.stdout) is (done.returncode == 0)
