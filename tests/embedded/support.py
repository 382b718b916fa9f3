"""What the tests of the private services share: starting real processes and looking at them."""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 90.0  # longer than a supervisor lets its program take to end


def eventually(condition: Callable[[], object]) -> bool:
    """Whether the condition comes true before a generous deadline."""
    until = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def runs(pid: int) -> bool:
    """Whether a process runs; one that is dead but not yet collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def without_services() -> dict[str, str]:
    """The environment without addresses of running services, so that private ones are started."""
    ours = ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SUPERVISE_WITH_PID")
    return {name: value for name, value in os.environ.items() if name not in ours}


@contextmanager
def python(
    *arguments: str, program: str = sys.executable, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A Python program in the background; killed at the end if it still runs."""
    process = subprocess.Popen(
        [program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **{"cwd": PROJECT, "env": without_services(), **options},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


# Starts services, says where they are, and stays until its input ends.
CALLER = textwrap.dedent(
    """
    import json, os, sys
    from pathlib import Path
    from config.embedded import embedded_services

    mode, folder, what = sys.argv[1:4]
    with embedded_services(mode, Path(folder) if folder else None) as services:
        fork = os.fork() if what == "fork" else -1
        if fork == 0:
            sys.stdin.read()
            os._exit(0)
        print(json.dumps({
            "pids": [services.guardian_pid, services.postgres_pid, services.valkey_pid],
            "folder": str(services.data_dir),
            "database_url": services.database_url,
            "owner_url": services.database_owner_url,
            "redis_url": services.redis_url,
        }), flush=True)
        sys.stdin.read()
        if what == "fail":
            raise ZeroDivisionError
    """
)


@contextmanager
def caller(
    mode: str = "ephemeral", folder: Path | str = "", what: str = "", **options: Any
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A separate program that has services running, and where they are."""
    with python("-c", CALLER, mode, str(folder), what, **options) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read())
        started = json.loads(line)
        try:
            yield process, started
        finally:
            process.kill()
            assert eventually(lambda: all_gone(started))


def all_gone(started: dict[str, Any]) -> bool:
    """Whether guardian, PostgreSQL and Valkey have ended."""
    return not any(runs(pid) for pid in started["pids"])
