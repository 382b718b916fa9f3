"""The supervisor keeps its program alive, and lets it end with everything above it."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.embedded.support import eventually, python, runs, without_services

# Says its process id and that of a child it has, and stays.
PROGRAM = 'sleep 60 & echo "$$ $!"; wait'
STUBBORN = "trap '' TERM INT; echo \"$$ $$\"; while :; do sleep 0.05; done"


@contextmanager
def supervised(script: str = PROGRAM, **options: Any) -> Iterator[Popen[str]]:
    """A supervisor of a shell script."""
    command = ("-m", "config.supervise", "--grace", "0.5", "--", "sh", "-c", script)
    with python(*command, **options) as process:
        yield process


def pids(process: Popen[str]) -> list[int]:
    """The process ids that the program says next."""
    assert process.stdout is not None
    return [int(word) for word in process.stdout.readline().split()]


def test_a_killed_program_is_started_again_and_its_children_are_cleared_away() -> None:
    with supervised() as process:
        first, child = pids(process)
        os.kill(first, signal.SIGKILL)
        second, _ = pids(process)
        assert second != first
        assert runs(second)
        assert eventually(lambda: not runs(child))
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.splitlines() == ["supervise: sh ended with -9; starting it again in 0.2 s"]
    assert not runs(second)


def test_restarts_slow_down_but_never_beyond_a_few_seconds() -> None:
    with supervised("echo tried; exit 5") as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(4)] == ["tried\n"] * 4
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert [line.rpartition(" in ")[2] for line in errors.splitlines()[:3]] == [
        "0.2 s",
        "0.4 s",
        "0.8 s",
    ]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_request_to_end_is_passed_on(signum: signal.Signals) -> None:
    script = "trap 'echo told; exit 0' TERM INT; echo \"$$ $$\"; while :; do sleep 0.05; done"
    with supervised(script) as process:
        pids(process)
        process.send_signal(signum)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output, errors) == (0, "told\n", "")


def test_a_program_that_does_not_end_is_killed_after_its_grace() -> None:
    with supervised(STUBBORN) as process:
        program, _ = pids(process)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGKILL
    assert "did not end in 0 s; killing it" in errors
    assert not runs(program)


@pytest.mark.parametrize("script", [PROGRAM, STUBBORN])
def test_a_killed_supervisor_takes_its_program_along(script: str) -> None:
    with supervised(script) as process:
        program, child = pids(process)
        process.kill()
        assert eventually(lambda: not runs(program) and not runs(child))


def test_it_ends_with_its_parent() -> None:
    script = "python -m config.supervise -- sh -c 'echo $$ $PPID; exec sleep 60' & wait"
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = "import subprocess, sys; subprocess.run(['sh', '-c', sys.argv[1]])"
    with python("-c", command, script, env=environment) as process:
        program, supervisor = pids(process)
        shell = parent_of(supervisor)
        os.kill(shell, signal.SIGKILL)
        assert eventually(lambda: not runs(program) and not runs(supervisor))


def test_it_ends_with_the_process_that_it_is_told_to_watch() -> None:
    with python("-c", "input()") as companion:
        environment = {**without_services(), "SUPERVISE_WITH_PID": str(companion.pid)}
        with supervised(env=environment) as process:
            program, _ = pids(process)
            companion.kill()
            companion.wait()
            assert eventually(lambda: not runs(program))
            process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_program_that_cannot_start_is_tried_again() -> None:
    with python("-m", "config.supervise", "--", "no-such-thing") as process:
        assert process.stderr is not None
        assert process.stderr.readline() == (
            "supervise: cannot start no-such-thing: No such file or directory\n"
        )
        assert "starting it again" in process.stderr.readline()
        process.terminate()
        process.communicate(timeout=60)


def parent_of(pid: int) -> int:
    """The parent of a process."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


ALIVE = """
import os, sys, time
path = os.environ["SUPERVISE_ALIVE_FILE"]
def alive():
    os.utime(path, (time.monotonic(),) * 2)
if sys.argv[1] == "speaks":
    alive()
print(os.getpid(), flush=True)
while True:
    time.sleep(0.1)
    if sys.argv[1] == "goes on":
        alive()
"""


@pytest.mark.parametrize(
    ("habit", "restarts"), [("speaks", True), ("goes on", False), ("is silent", False)]
)
def test_a_program_that_stops_saying_that_it_is_alive_is_started_again(
    habit: str, restarts: bool
) -> None:
    command = ("-m", "config.supervise", "--grace", "0.5", "--frozen-after", "1", "--")
    with python(*command, sys.executable, "-c", ALIVE, habit) as process:
        (first,) = pids(process)
        if restarts:
            (second,) = pids(process)
            assert second != first
        else:
            watched_until = time.monotonic() + 3
            assert eventually(lambda: time.monotonic() > watched_until)
            assert runs(first)
        process.terminate()
        _, errors = process.communicate(timeout=60)
    assert ("gives no sign of life" in errors) == restarts
