"""Starting, recognising and stopping server processes, also for root.

PostgreSQL refuses to run as root, so root starts both servers as `nobody`.
"""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from config.guardian.errors import EmbeddedError
from config.parentdeath import ask_for_signal

POLL_S = 0.02


@dataclass(frozen=True)
class ServerUser:
    """Whom the servers run as; None means: as ourselves."""

    uid: int | None
    gid: int | None

    @property
    def is_other(self) -> bool:
        """Whether the servers run as somebody else."""
        return self.uid is not None

    def spawn_options(self) -> dict[str, Any]:
        """What `subprocess` needs to run a program as this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make this user the owner of a file or folder."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def server_user() -> ServerUser:
    """`nobody` for root, ourselves for everyone else."""
    if os.geteuid() != 0:
        return ServerUser(None, None)
    entry = pwd.getpwnam("nobody")
    return ServerUser(entry.pw_uid, entry.pw_gid)


def spawn(
    command: Sequence[str], *, user: ServerUser, log: Path, cwd: Path, parent_death_signal: int
) -> subprocess.Popen[bytes]:
    """Start a server in the background, its output appended to a log file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=clean_environment(),
            preexec_fn=partial(ask_for_signal, parent_death_signal),  # noqa: PLW1509 - one thread
            **user.spawn_options(),
        )


def clean_environment() -> dict[str, str]:
    """An environment without settings (PG…, LC_…) that would change how a server behaves."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def wait_until(condition: Callable[[], bool], *, timeout_s: float) -> bool:
    """Poll until the condition holds; whether it did in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(pid: int) -> str:
    """The command line of a process, or an empty text if there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        pass
    try:
        shown = subprocess.run(
            ["ps", "-ww", "-o", "command=", "-p", str(pid)],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return shown.stdout


def start_with_patience(start: Callable[[], None], *, attempts: int = 3) -> None:
    """Try to start a server again when it could not: a port may be taken at the last moment,
    and the workers of a killed server take a moment to notice.
    """
    for attempt in range(1, attempts + 1):
        try:
            return start()
        except EmbeddedError:
            if attempt == attempts:
                raise
            time.sleep(0.5)
    return None


def stop_process(process: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]]) -> None:
    """Send each (signal, seconds to wait) in turn until our child is gone."""
    for signum, timeout_s in steps:
        if process.poll() is not None:
            return
        process.send_signal(signum)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def stop_stranger(pid: int, *, mark: str, steps: Sequence[tuple[int, float]]) -> None:
    """Stop a left-over server that is not our child, if its command line carries our mark.

    Process ids are used again: one without the mark belongs to somebody else and is left alone.
    """
    for signum, timeout_s in steps:
        if not is_alive(pid) or mark not in command_line(pid):
            return
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            return
        wait_until(lambda: not command_line(pid), timeout_s=timeout_s)


POSTGRES_STOP = ((signal.SIGINT, 8.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 2.0))
VALKEY_STOP = ((signal.SIGTERM, 4.0), (signal.SIGKILL, 2.0))
