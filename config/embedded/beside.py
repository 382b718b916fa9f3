"""Lets a command work beside a live run: where the run's private services are.

The passwords change with every start, so a live run leaves its addresses in its data folder, in a
file that only its owner reads, and takes them away when it ends.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.guardian.folders import PROJECT
from config.guardian.processes import is_alive

FILE = "addresses.json"


@contextmanager
def told(data_dir: Path | None, environment: dict[str, str]) -> Iterator[None]:
    """Leave the addresses for others for as long as the block runs."""
    path = _path(data_dir)
    path.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps({"pid": os.getpid(), "environment": environment}))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def live_run(data_dir: Path | None) -> dict[str, str] | None:
    """The settings with which a command finds a live run's services; None if nothing runs."""
    try:
        words = json.loads(_path(data_dir).read_text())
    except (FileNotFoundError, ValueError):
        return None
    environment: dict[str, str] = words["environment"]
    return environment if is_alive(words["pid"]) else None


def _path(data_dir: Path | None) -> Path:
    return (data_dir or PROJECT / ".run") / FILE
