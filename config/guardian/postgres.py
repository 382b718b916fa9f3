"""The private PostgreSQL: make its files, start it, stop it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.guardian.errors import EmbeddedError
from config.guardian.processes import (
    POSTGRES_STOP,
    ServerUser,
    clean_environment,
    is_alive,
    spawn,
    start_with_patience,
    stop_process,
    stop_stranger,
    wait_until,
)

SUPERUSER = "postgres"
START_TIMEOUT_S = 60.0
_STATUS_LINE = 7  # of postmaster.pid: "starting", "ready", "stopping"
_IMMEDIATE_STOP = ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 2.0))
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}
# Nothing of it survives a crash of the machine; a test run would be over then anyway.
_UNSYNCED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Postgres:
    """One PostgreSQL server of ours; lives in the guardian."""

    programs: Path
    data: Path
    log: Path
    user: ServerUser
    synced: bool = True
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    has_run: bool = False

    @property
    def pid(self) -> int:
        """The process id of the running server, 0 if it does not run."""
        return self.process.pid if self.process and self.process.poll() is None else 0

    def create(self, password: str, *, durable: bool) -> None:
        """Make the database files once, complete or not at all."""
        if (self.data / "PG_VERSION").exists():
            return
        draft = self.data.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.user.give(draft)
        self._initdb(draft, password, durable=durable)
        shutil.rmtree(self.data, ignore_errors=True)
        draft.rename(self.data)

    def _initdb(self, folder: Path, password: str, *, durable: bool) -> None:
        """Run `initdb`; the password goes through a file that only the server user reads."""
        with tempfile.NamedTemporaryFile("w", dir=folder.parent) as password_file:
            password_file.write(password)
            password_file.flush()
            self.user.give(Path(password_file.name))
            command = [
                str(self.programs / "initdb"),
                f"--pgdata={folder}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-locale",
                *([] if durable else ["--no-sync"]),
            ]
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                cwd=folder,
                env=clean_environment(),
                check=False,
                **self.user.spawn_options(),
            )
        if done.returncode != 0:
            raise EmbeddedError(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")

    def start(self) -> None:
        """Start the server and wait until it takes connections; its port stays the same."""
        if self.pid:
            return
        self.stop_left_over()
        start_with_patience(self._start_once)
        self.has_run = True

    def _start_once(self) -> None:
        if not self.has_run:
            self.port = free_port()
        settings = {**_SETTINGS, **({} if self.synced else _UNSYNCED), "port": str(self.port)}
        self.process = spawn(
            [
                str(self.programs / "postgres"),
                "-D",
                str(self.data),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
            ],
            user=self.user,
            log=self.log,
            cwd=self.data,
            parent_death_signal=signal.SIGINT,
        )
        ready = wait_until(
            lambda: self._status() == "ready" or not self.pid, timeout_s=START_TIMEOUT_S
        )
        if not ready or not self.pid:
            self.stop()
            raise EmbeddedError(f"PostgreSQL did not start:\n{last_lines(self.log)}")

    def _status(self) -> str:
        """What the server says about itself in its pid file."""
        lines = self._pid_file_lines()
        if len(lines) <= _STATUS_LINE or lines[0].strip() != str(self.pid):
            return ""
        return lines[_STATUS_LINE].strip()

    def _pid_file_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def stop(self, *, immediately: bool = False) -> None:
        """Stop the server: clients are cut off, data is safe. `immediately` is like a crash."""
        if self.process is not None:
            stop_process(self.process, _IMMEDIATE_STOP if immediately else POSTGRES_STOP)

    def stop_left_over(self) -> None:
        """Stop a server that an earlier, killed run left on these files."""
        lines = self._pid_file_lines()
        if not lines or not lines[0].strip().isdigit():
            return
        pid = int(lines[0])
        stop_stranger(pid, mark=str(self.data), steps=POSTGRES_STOP)
        if not is_alive(pid):
            return
        # The id now belongs to another program; PostgreSQL would take it for a running server.
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def free_port() -> int:
    """A port of the loopback address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def last_lines(log: Path, count: int = 15) -> str:
    """The end of a server's log, to explain a failure."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError as error:
        return f"(no log: {os.strerror(error.errno or 0)})"
    return "\n".join(lines[-count:])
