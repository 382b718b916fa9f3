"""Keep one program alive: `python -m config.supervise -- COMMAND`.

A program that is given a file in SUPERVISE_ALIVE_FILE may set that file's time, on the monotonic
clock, again and again; if it then stops doing so it is frozen, and is killed and started again. A worker that lost its broker may end by itself, so something must start it again within seconds.
SIGTERM, SIGINT and SIGHUP are passed on as a request to end. The program ends with its supervisor
even if that is killed: a second small process, the leash, then stops it. The supervisor itself
ends when its parent, or the process named by SUPERVISE_WITH_PID, is gone.
"""

import argparse
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from config.parentdeath import ask_for_signal

FIRST_DELAY_S = 0.2
LONGEST_DELAY_S = 4.0
HEALTHY_AFTER_S = 10.0
GRACE_S = 25.0
POLL_S = 0.5
FROZEN_AFTER_S = 60.0
ALIVE_FILE = "SUPERVISE_ALIVE_FILE"
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """One program, started again whenever it ends by itself."""

    def __init__(self, command: Sequence[str], *, grace_s: float, frozen_after_s: float) -> None:
        """Take over the signals of this process."""
        self._command = list(command)
        self._grace_s = grace_s
        self._alive = AliveFile(frozen_after_s)
        self._child: subprocess.Popen[bytes] | None = None
        self._asked_to_end = False
        self._passed_on = False
        self._parent = os.getppid()
        self._companion = int(os.environ.get("SUPERVISE_WITH_PID") or 0)
        self._wakeups = watch_signals()
        for signum in ENDING_SIGNALS:
            signal.signal(signum, self._ask_to_end)

    def run(self) -> int:
        """Supervise until asked to end; an exit code, 0 if the program ended as asked."""
        delay_s = FIRST_DELAY_S
        while True:
            started_at = time.monotonic()
            code = self._run_once()
            if self._must_end():
                return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else shell_code(code)
            if time.monotonic() - started_at > HEALTHY_AFTER_S:
                delay_s = FIRST_DELAY_S
            say(f"{self._command[0]} ended with {code}; starting it again in {delay_s:.1f} s")
            self._pause(delay_s)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)

    def _run_once(self) -> int:
        """Run the program to its end and clear away what it left in its group."""
        if self._must_end():
            return 0
        leash = Leash(grace_s=self._grace_s)
        self._alive.renew()
        try:
            self._child = subprocess.Popen(
                self._command,
                env=os.environ | {ALIVE_FILE: self._alive.path},
                stdin=subprocess.DEVNULL,
                process_group=leash.group,
                preexec_fn=partial(ask_for_signal, signal.SIGTERM),  # noqa: PLW1509 - one thread
            )
            leash.tie(self._child.pid)
            return self._wait(self._child)
        except OSError as error:
            say(f"cannot start {self._command[0]}: {error.strerror}")
            return 127
        finally:
            self._child = None
            leash.end_group()

    def _wait(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for the program to end; once it must end, only for so long."""
        kill_at: float | None = None
        while (code := child.poll()) is None:
            if kill_at is None and self._must_end():
                kill_at = time.monotonic() + self._grace_s
                if not self._passed_on:
                    child.terminate()
            if kill_at is not None and time.monotonic() > kill_at:
                say(f"{self._command[0]} did not end in {self._grace_s:.0f} s; killing it")
                child.kill()
                return child.wait()
            if kill_at is None and self._alive.is_frozen():
                say(f"{self._command[0]} gives no sign of life; killing it")
                child.kill()
            self._wait_for_signal(POLL_S)
        return code

    def _must_end(self) -> bool:
        """Whether somebody asked for the end, or nobody is there any more to ask."""
        return (
            self._asked_to_end
            or os.getppid() != self._parent
            or (self._companion > 0 and not is_alive(self._companion))
        )

    def _ask_to_end(self, signum: int, _frame: object) -> None:
        """Pass a signal on; a closed terminal asks for an orderly end."""
        self._asked_to_end = True
        if self._child is not None:
            self._passed_on = True
            self._child.send_signal(signal.SIGTERM if signum == signal.SIGHUP else signum)

    def _pause(self, seconds: float) -> None:
        """Sleep, but not on when the end is asked for."""
        until = time.monotonic() + seconds
        while not self._must_end() and (rest_s := until - time.monotonic()) > 0:
            self._wait_for_signal(min(rest_s, POLL_S))

    def _wait_for_signal(self, timeout_s: float) -> None:
        """Sleep until any signal arrives, the end of the program among them."""
        if select.select([self._wakeups], [], [], timeout_s)[0]:
            os.read(self._wakeups, 4096)


class AliveFile:
    """A file whose time the program sets to the monotonic clock's for as long as it is well."""

    def __init__(self, frozen_after_s: float) -> None:
        self._frozen_after_s = frozen_after_s
        self._file = tempfile.NamedTemporaryFile(prefix="alive-")  # noqa: SIM115 - lives as long
        self.path = self._file.name

    def renew(self) -> None:
        """A new program: it says nothing until it says that it is alive."""
        os.utime(self._file.fileno(), (0, 0))

    def is_frozen(self) -> bool:
        """Whether the program used to say that it is alive, and says so no more."""
        said_at = os.fstat(self._file.fileno()).st_mtime
        return 0 < said_at < time.monotonic() - self._frozen_after_s


class Leash:
    """A forked process that stops the program if its supervisor disappears.

    It reads a pipe that only the supervisor holds open. It leads the process group that the
    program joins, so there is no moment at which the program runs and the leash cannot reach it.
    """

    def __init__(self, *, grace_s: float) -> None:
        """Fork the watching process."""
        reading, self._writing = os.pipe()
        self.group = os.fork()
        if self.group == 0:
            os.close(self._writing)
            watch(reading, grace_s)
        os.close(reading)
        os.setpgid(self.group, self.group)

    def tie(self, program: int) -> None:
        """Tell which process to ask to end, and to wait for."""
        os.write(self._writing, f"{program}\n".encode())

    def end_group(self) -> None:
        """Kill whatever the program left behind, and the leash itself."""
        os.killpg(self.group, signal.SIGKILL)
        os.close(self._writing)
        os.waitpid(self.group, 0)


def watch(reading: int, grace_s: float) -> None:
    """Be the leash: wait for the supervisor's end, then stop the program and everything below."""
    try:
        signal.set_wakeup_fd(-1)
        for signum in ENDING_SIGNALS:
            signal.signal(signum, signal.SIG_IGN)
        os.setpgid(0, 0)
        with open(reading) as pipe:
            told = pipe.read()
        if told:
            ask_to_end(int(told), grace_s)
        os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(1)


def ask_to_end(program: int, grace_s: float) -> None:
    """Ask the program to end and give it time."""
    with suppress(ProcessLookupError):
        os.kill(program, signal.SIGTERM)
    until = time.monotonic() + grace_s
    while is_alive(program) and time.monotonic() < until:
        time.sleep(0.1)


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def watch_signals() -> int:
    """A descriptor that becomes readable with every signal, so that none is slept through."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)
    signal.set_wakeup_fd(writing)
    return reading


def shell_code(code: int) -> int:
    """An exit code in the way of a shell: 128 and the signal's number."""
    return code if code >= 0 else 128 - code


def say(text: str) -> None:
    """One line for whoever reads the log."""
    print(f"supervise: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Read the command line and supervise."""
    parser = argparse.ArgumentParser(
        prog="python -m config.supervise", description="Keep one program alive."
    )
    parser.add_argument(
        "--grace", type=float, default=GRACE_S, help="seconds to end in before being killed"
    )
    parser.add_argument(
        "--frozen-after",
        type=float,
        default=FROZEN_AFTER_S,
        help="seconds without the sign of life that it used to give, before it is killed",
    )
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    options = parser.parse_args(arguments)
    supervisor = Supervisor(
        options.command, grace_s=options.grace, frozen_after_s=options.frozen_after
    )
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
