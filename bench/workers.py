"""Celery workers as the Procfile starts them, and how to freeze and to kill them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.place import ROOT
from demo.processes import descendants
from demo.stack import procfile

READY_S = 180  # on a machine that has much else to do


@dataclass(frozen=True)
class Worker:
    """A worker under its supervisor."""

    process: subprocess.Popen[bytes]

    def pids(self) -> list[int]:
        """Of Celery, without the supervisor and its leash."""
        rows = descendants(self.process.pid)
        return [
            pid for pid, _, command in rows if " worker " in command and "supervise" not in command
        ]

    def signal(self, what: signal.Signals) -> int:
        """Send it to all of them at once; answer to how many."""
        pids = self.pids()
        for pid in pids:
            os.kill(pid, what)
        return len(pids)


@contextmanager
def running_worker(
    app: str = "bench.worker", *, concurrency: int = 2, queues: str = ""
) -> Iterator[Worker]:
    """The Procfile's worker with the given Celery app; ready to work."""
    command = procfile()["worker"].replace("config.worker", app)
    command = command.replace("--concurrency 2", f"--concurrency {concurrency}")
    if queues:
        head, _, tail = command.partition("--queues ")
        command = f"{head}--queues {queues} {tail.partition(' ')[2]}"
    with _running(command.replace("--loglevel INFO", "--loglevel ERROR")) as process:
        worker = Worker(process)
        deadline = time.monotonic() + READY_S
        while len(worker.pids()) < concurrency + 1:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{command} did not start")
            time.sleep(0.1)
        yield worker


@contextmanager
def running_clock() -> Iterator[None]:
    """The Procfile's beat, which rings for the sweep."""
    with _running(procfile()["beat"].replace("--loglevel INFO", "--loglevel ERROR")):
        yield


@contextmanager
def _running(command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
