"""The private Valkey, which speaks Redis: start it, stop it, kill it."""

import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.guardian.errors import EmbeddedError
from config.guardian.postgres import free_port, last_lines
from config.guardian.processes import (
    VALKEY_STOP,
    ServerUser,
    spawn,
    start_with_patience,
    stop_process,
    stop_stranger,
    wait_until,
)

START_TIMEOUT_S = 20.0
_KILL = ((signal.SIGKILL, 5.0),)
# Every second at most is lost in a crash; a full memory refuses writes instead of dropping keys;
# the title of the process stays its command line, by which a left-over one is recognised.
_CONFIGURATION = """\
bind 127.0.0.1
protected-mode yes
port {port}
requirepass {password}
dir {folder}
pidfile {folder}/valkey.pid
daemonize no
set-proc-title no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
"""


@dataclass
class Valkey:
    """One Valkey server of ours; lives in the guardian."""

    program: Path
    data: Path
    log: Path
    user: ServerUser
    password: str
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    has_run: bool = False

    @property
    def pid(self) -> int:
        """The process id of the running server, 0 if it does not run."""
        return self.process.pid if self.process and self.process.poll() is None else 0

    def start(self) -> None:
        """Start the server and wait until it answers; its port stays the same."""
        if self.pid:
            return
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.user.give(self.data)
        self.stop_left_over()
        start_with_patience(self._start_once)
        self.has_run = True

    def _start_once(self) -> None:
        if not self.has_run:
            self.port = free_port()
        self.process = spawn(
            [str(self.program), str(self._write_configuration())],
            user=self.user,
            log=self.log,
            cwd=self.data,
            parent_death_signal=signal.SIGTERM,
        )
        ready = wait_until(lambda: self._answers() or not self.pid, timeout_s=START_TIMEOUT_S)
        if not ready or not self.pid:
            self.stop()
            raise EmbeddedError(f"Valkey did not start:\n{last_lines(self.log)}")

    def _write_configuration(self) -> Path:
        """The configuration in a file: a command line would show the password to everybody."""
        path = self.data / "valkey.conf"
        path.touch(mode=0o600)
        self.user.give(path)
        path.write_text(
            _CONFIGURATION.format(port=self.port, password=self.password, folder=self.data)
        )
        return path

    def _answers(self) -> bool:
        """Whether the server has loaded its data and answers a ping."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answers:
                    return [answers.readline(), answers.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
        except OSError:
            return False

    def stop(self) -> None:
        """Stop the server; it writes what it holds first."""
        if self.process is not None:
            stop_process(self.process, VALKEY_STOP)

    def kill(self) -> None:
        """Kill the server as a crash would."""
        if self.process is not None:
            stop_process(self.process, _KILL)

    def stop_left_over(self) -> None:
        """Stop a server that an earlier, killed run left on these files."""
        try:
            pid = int((self.data / "valkey.pid").read_text())
        except (OSError, ValueError):
            return
        stop_stranger(pid, mark=str(self.data), steps=VALKEY_STOP)
