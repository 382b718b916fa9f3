"""The guardian: a small process that owns both servers and outlives its caller by seconds.

Its standard input is a pipe whose other end only the caller holds. As long as that is open it
obeys commands, one JSON object per line; when it closes, however the caller ended, the guardian
stops both servers, removes an ephemeral folder and ends. It runs in a session of its own, so that
Ctrl-C in a terminal reaches the caller only.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.guardian import folders
from config.guardian.abandoned import remove_abandoned
from config.guardian.errors import EmbeddedError
from config.guardian.order import Order
from config.guardian.postgres import Postgres
from config.guardian.processes import ServerUser, server_user
from config.guardian.valkey import Valkey

Answer = dict[str, int | str]
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Guardian:
    """Both servers of one run, and the folder they keep their data in."""

    def __init__(self, order: Order) -> None:
        """Take the folder; refuse if a live run has it."""
        self.order = order
        self.user = server_user()
        self.folder = _folder(order, self.user)
        self.lock = folders.take_lock(self.folder)
        self.postgres_password = ""
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    def start(self) -> Answer:
        """Start what was ordered."""
        if self.order.ephemeral:
            remove_abandoned(self.folder, self.user)
        if self.order.with_postgres:
            self.postgres_password = self._kept("postgres-password", self.order.postgres_password)
            self.postgres = _postgres(self.folder, self.user, synced=self.order.synced)
            self.postgres.create(self.postgres_password, durable=not self.order.ephemeral)
            self.postgres.start()
        if self.order.with_valkey:
            self.valkey = _valkey(self.folder, self.user, self.order.valkey_password)
            self.valkey.start()
        return self.state()

    def _kept(self, name: str, new: str) -> str:
        """A secret that belongs to the data: the stored one, or the new one stored now."""
        path = self.folder / name
        if path.exists():
            return path.read_text()
        if (self.folder / "postgres" / "PG_VERSION").exists():
            raise EmbeddedError(
                f"{path} is missing, so the data in {self.folder} cannot be opened."
                " Restore it, or remove the folder to start afresh."
            )
        path.touch(mode=0o600)
        path.write_text(new)
        return new

    def state(self) -> Answer:
        """Where both servers are now; process id 0 means: not running."""
        return {
            "folder": str(self.folder),
            "guardian_pid": os.getpid(),
            "postgres_password": self.postgres_password,
            "postgres_port": self.postgres.port if self.postgres else 0,
            "postgres_pid": self.postgres.pid if self.postgres else 0,
            "valkey_password": self.order.valkey_password,
            "valkey_port": self.valkey.port if self.valkey else 0,
            "valkey_pid": self.valkey.pid if self.valkey else 0,
        }

    def restart_postgres(self) -> Answer:
        """Cut off every client, stop in order, start again on the same port."""
        if self.postgres:
            self.postgres.stop()
            self.postgres.start()
        return self.state()

    def crash_postgres(self) -> Answer:
        """Stop as a crash would and start again, with recovery, on the same port."""
        if self.postgres:
            self.postgres.stop(immediately=True)
            self.postgres.start()
        return self.state()

    def kill_valkey(self) -> Answer:
        """Kill Valkey and leave it dead."""
        if self.valkey:
            self.valkey.kill()
        return self.state()

    def start_valkey(self) -> Answer:
        """Start Valkey again on the same port with the same data."""
        if self.valkey:
            self.valkey.start()
        return self.state()

    def stop(self) -> None:
        """Stop everything, undisturbed; nothing of an ephemeral run remains."""
        for signum in ENDING_SIGNALS:
            signal.signal(signum, signal.SIG_IGN)
        if self.valkey:
            self.valkey.stop()
        if self.postgres:
            self.postgres.stop(immediately=self.order.ephemeral)
        if self.order.ephemeral:
            folders.remove(self.folder)

    def commands(self) -> dict[str, Callable[[], Answer]]:
        """What a caller may ask for, by name."""
        return {
            "start": self.start,
            "state": self.state,
            "restart_postgres": self.restart_postgres,
            "crash_postgres": self.crash_postgres,
            "kill_valkey": self.kill_valkey,
            "start_valkey": self.start_valkey,
        }


def _folder(order: Order, user: ServerUser) -> Path:
    if order.ephemeral:
        return folders.ephemeral_folder(user)
    return folders.persistent_folder(order.data_dir, user)


def _postgres(folder: Path, user: ServerUser, *, synced: bool) -> Postgres:
    return Postgres(
        programs=folders.postgres_programs(folder, user),
        data=folder / "postgres",
        log=folder / "postgres.log",
        user=user,
        synced=synced,
    )


def _valkey(folder: Path, user: ServerUser, password: str) -> Valkey:
    return Valkey(
        program=folders.valkey_program(folder, user),
        data=folder / "valkey",
        log=folder / "valkey.log",
        user=user,
        password=password,
    )


def obey(guardian: Guardian) -> None:
    """Carry out one command per line until the caller is gone."""
    commands = guardian.commands()
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"ok": commands[line.strip()]()}
        except EmbeddedError as error:
            answer = {"error": str(error)}
        say(answer)


def say(answer: dict[str, Any]) -> None:
    """Answer the caller, who may be gone already."""
    try:
        print(json.dumps(answer), flush=True)
    except BrokenPipeError:
        # Output is lost, and Python must not try again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def end_on_signal(signum: int, _frame: object) -> None:
    """Turn a request to end into the ordinary way out."""
    raise SystemExit(128 + signum)


def main() -> None:
    """Read the order, obey, and clean up whatever happens."""
    for signum in ENDING_SIGNALS:
        signal.signal(signum, end_on_signal)
    line = sys.stdin.readline()
    if not line:
        return
    try:
        guardian = Guardian(Order.from_json(line))
    except EmbeddedError as error:
        say({"error": str(error)})
        return
    try:
        say({"ok": guardian.state()})
        obey(guardian)
    finally:
        guardian.stop()


if __name__ == "__main__":
    main()
