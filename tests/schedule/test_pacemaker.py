"""A worker keeps the clock ticking when there is no beat: a real worker, a real broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from connector import ticking
from connector.models import Clock
from demo.stack import wait_until

ROOT = Path(__file__).resolve().parents[2]


def test_a_worker_alone_ticks_and_sweeps(no_jobs: None, tmp_path: Path) -> None:
    Clock.objects.all().delete()
    command = [sys.executable, "-m", "celery", "-A", "config.worker", "worker", "--pool", "solo"]
    command += ["--queues", "intake", "--without-gossip", "--without-mingle"]
    environment = os.environ | {"SECRET_KEY": "x" * 40, "FIELD_ENCRYPTION_KEYS": "tests"}
    with (
        (tmp_path / "worker.log").open("wb") as log,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log) as worker,
    ):
        try:
            wait_until(lambda: Clock.objects.count() == 2, "a tick and a sweep without beat", 90)
        finally:
            worker.terminate()
            worker.wait(60)
    assert set(Clock.objects.values_list("name", "by")) == {("tick", "worker"), ("sweep", "worker")}
    assert ticking.clock_problem() == "beat is silent, workers tick in its place"
