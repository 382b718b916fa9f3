"""However the demo ends, it leaves no process behind."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.demo.running import begin, marked
from tests.embedded.support import eventually

pytestmark = [pytest.mark.slow_flow, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_running(ending: signal.Signals, tmp_path: Path) -> None:
    process, mark = begin(tmp_path)
    with process:
        assert process.stdout is not None
        told = next((line for line in process.stdout if "processes are up" in line), "")
        assert told, "the demo ended before its processes were up"
        assert len(marked(mark)) > 10
        process.send_signal(ending)
        process.stdout.read()
        assert process.wait() != 0
    assert eventually(lambda: not marked(mark)), marked(mark)
