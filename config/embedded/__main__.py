"""Run a command with a private PostgreSQL and Valkey: `python -m config.embedded -- COMMAND`."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from environ import Env

from config.embedded.beside import live_run, told
from config.embedded.services import Mode, Services, embedded_services
from config.guardian.errors import EmbeddedError
from config.guardian.folders import PROJECT
from config.parentdeath import ask_for_signal

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m config.embedded",
        description="Run a command with a private PostgreSQL and Valkey. What DATABASE_URL and"
        " REDIS_URL name is used as it is; only what is missing is started.",
    )
    parser.add_argument("--ephemeral", action="store_true", help="remove all data at the end")
    parser.add_argument(
        "--for-tests", action="store_true", help="--ephemeral, and commits do not wait for the disk"
    )
    parser.add_argument("--data-dir", type=Path, help="keep data here (default: .run)")
    parser.add_argument("--env-file", type=Path, help="read settings from this file first")
    parser.add_argument("--migrate", action="store_true", help="migrate before the command")
    parser.add_argument("--join", action="store_true", help="use the services of a live run")
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    return parser.parse_args(arguments)


def read_settings(path: Path) -> None:
    """Take settings from a file; what the environment already says wins."""
    if not path.exists():
        raise EmbeddedError(f"There is no {path}. Copy {path}.example to {path} and fill it in.")
    Env.read_env(path, overwrite=False)


class Child:
    """The command, and the signals that are passed on to it."""

    def __init__(self) -> None:
        """Be ready to receive signals before the first program starts."""
        self._process: subprocess.Popen[bytes] | None = None
        self._ended_by = 0
        for signum in FORWARDED:
            signal.signal(signum, self._forward)

    def run(self, command: Sequence[str], environment: dict[str, str]) -> int:
        """Run one program to its end; its exit code, in the way of a shell."""
        if self._told_to_end():
            return 128 + self._ended_by
        try:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **environment},
                preexec_fn=_prepare_child,  # noqa: PLW1509 - this program has one thread
            )
        except OSError as error:
            raise EmbeddedError(f"Cannot run {command[0]}: {error.strerror}.") from error
        if self._told_to_end():
            self._process.terminate()
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def _told_to_end(self) -> bool:
        """Whether a signal came, at whatever moment."""
        return self._ended_by > 0

    def _forward(self, signum: int, _frame: object) -> None:
        """Pass a signal on; a closed terminal asks for an orderly end."""
        self._ended_by = signum
        if self._process is None or self._process.poll() is not None:
            return
        if signum == signal.SIGINT and _terminal_told_everybody():
            return
        self._process.send_signal(signal.SIGTERM if signum == signal.SIGHUP else signum)


def _prepare_child() -> None:
    """A closed terminal reaches the command through us, and it ends when we are killed."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ask_for_signal(signal.SIGTERM)


def _terminal_told_everybody() -> bool:
    """Whether Ctrl-C in a terminal has reached the command already."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False


def run(options: argparse.Namespace, services: Services, child: Child) -> int:
    """Migrate if asked to, then run the command; supervisors below end when we are gone."""
    environment = {**services.environment(), "SUPERVISE_WITH_PID": str(os.getpid())}
    if options.migrate:
        migrate = [sys.executable, str(PROJECT / "manage.py"), "migrate", "--database", "owner"]
        code = child.run([*migrate, "--verbosity", "0"], environment)
        if code:
            return code
    return child.run(options.command, environment)


def main(arguments: Sequence[str]) -> int:
    """Start what is missing, run the command, stop what was started."""
    options = parse(arguments)
    child = Child()
    try:
        if options.env_file:
            read_settings(options.env_file)
        joined = live_run(options.data_dir) if options.join else None
        if joined is not None:
            return child.run(options.command, joined)
        ephemeral = options.ephemeral or options.for_tests
        mode: Mode = "ephemeral" if ephemeral else "persistent"
        synced = not options.for_tests
        with embedded_services(mode, options.data_dir, synced=synced) as services:
            if services.data_dir is None or ephemeral:
                return run(options, services, child)
            print(f"Private PostgreSQL and Valkey; data in {services.data_dir}", flush=True)
            with told(options.data_dir, services.environment()):
                return run(options, services, child)
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
