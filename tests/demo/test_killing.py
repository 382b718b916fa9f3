"""What the demo kills, it finds without `ps`; and a plan that came to nothing is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import cast

import pytest

from demo.checks import Trouble, request_checks
from demo.killing import Killer
from demo.processes import descendants, memory_kb
from demo.requests_made import RequestsMade
from demo.stack import Stack
from tests.embedded.support import eventually, python


class FakeStack:
    """A stack whose worker answers attempts to kill it as told."""

    def __init__(self, record_file: Path, answer: int | Exception) -> None:
        self.record_file = record_file
        self.record_file.write_text("a call from before\n")
        self._answer = answer

    def kill_worker(self) -> int:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def killer(tmp_path: Path, answer: int | Exception, *after_calls: int) -> Killer:
    stack = FakeStack(tmp_path / "record.jsonl", answer)
    made = Killer(cast("Stack", stack), after_calls=after_calls)
    made.start()
    return made


def test_it_kills_once_per_plan_and_knows_what_was_planned(tmp_path: Path) -> None:
    made = killer(tmp_path, 3, 0, 1)
    assert eventually(lambda: made.kills == 1)
    with (tmp_path / "record.jsonl").open("a") as record:
        record.write("a call\n")
    assert eventually(lambda: made.kills == 2)
    made.stop()
    assert (made.planned, made.kills, made.errors) == (2, 2, [])


def test_a_plan_that_came_to_nothing_is_seen(tmp_path: Path) -> None:
    made = killer(tmp_path, 3, 1000)
    made.stop()
    assert (made.planned, made.kills, made.errors) == (1, 0, [])


def test_an_error_in_its_thread_is_kept(tmp_path: Path) -> None:
    made = killer(tmp_path, FileNotFoundError("no ps here"), 0)
    assert eventually(lambda: made.errors)
    made.stop()
    assert made.errors == ["FileNotFoundError: no ps here"]
    assert made.kills == 0


def test_each_of_them_fails_the_demo(tmp_path: Path) -> None:
    (tmp_path / "record.jsonl").touch()
    trouble = Trouble(
        expiries=0,
        planned_kills=1,
        kills=0,
        killer_errors=["OSError: no"],
        struck={},
        failed_jobs=[],
        late=[],
        unlike_the_vendors=["Stripe POST /v1/customers 200: name: 7 is not of type 'string'"],
    )
    checks = request_checks(RequestsMade(tmp_path / "record.jsonl"), trouble)
    assert [one.name for one in checks if not one.held] == [
        "the worker was killed as planned",
        "no simulator said what its vendor would not",
        "nothing went wrong with killing it",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_processes_are_found_without_ps(monkeypatch: pytest.MonkeyPatch) -> None:
    grandchild = "import time; time.sleep(60)"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    with python("-c", child) as process:
        monkeypatch.setenv("PATH", "")
        assert eventually(lambda: len(descendants(process.pid)) == 2)
        assert eventually(lambda: descendants(process.pid)[1][2].endswith(f"{grandchild} "))
        (first, parent, command), (second, second_parent, _) = descendants(process.pid)
        assert (first, parent, second_parent) == (process.pid, os.getpid(), process.pid)
        assert "subprocess.run" in command
        assert memory_kb(first) > 1000
        os.kill(second, 9)
