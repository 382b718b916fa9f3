"""Running the demo as people do, as a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from tests.embedded.support import PROJECT, without_services

MARK = "ML_DEMO_TEST"


def play(*arguments: str, logs: Path) -> dict[str, Any]:
    """One demo that ends by itself: its result, its exit code as "code", and as "record" the
    file with all requests to the vendors.
    """
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--once", "--json", "--logs", str(logs), *arguments],
        cwd=PROJECT,
        env=without_services(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    record = logs / "vendor-requests.jsonl"
    return result | {"code": done.returncode, "told": done.stderr, "record": record}


def begin(logs: Path) -> tuple[subprocess.Popen[str], str]:
    """A demo that was just started, and the mark that all its processes inherit."""
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "demo", "--logs", str(logs)],
        cwd=PROJECT,
        env={**without_services(), MARK: mark},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    return process, mark


def marked(mark: str) -> list[str]:
    """The command lines of all living processes that inherited this mark."""
    found = []
    wanted = f"{MARK}={mark}".encode()
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{folder.name} {command}")
        except OSError:
            continue  # it just ended
    return found
