"""Every process of the product, started as the Procfile says, against private services."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import requests

from config.embedded import Services, embedded_services
from config.parentdeath import ask_for_signal
from demo.processes import descendants, memory_kb

__all__ = [
    "PROCESSES",
    "ROOT",
    "Stack",
    "StackError",
    "descendants",
    "free_port",
    "procfile",
    "running_stack",
    "send_signal",
    "wait_until",
]

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "tests"
"""Where the vendors' descriptions and samples are, which the simulators' answers must keep to."""
PATIENCE_S = 300  # reached only by what never happens, on a slow machine too
PROCESSES = ("web", "worker", "beat")
LAST = 400  # characters of what a command said when it failed: the reason stands at the end


class StackError(RuntimeError):
    """A process did not come up, or something did not happen in time."""


@dataclass
class Stack:
    """The running system. Commands run inside it with `manage`; processes can be killed."""

    environment: dict[str, str]
    services: Services
    base_url: str
    freshbooks_url: str
    stripe_url: str
    record_file: Path
    webhooks_file: Path
    log_dir: Path
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def manage(
        self, *arguments: str, stdin: str | None = None, extra: Mapping[str, str] | None = None
    ) -> str:
        """Run one management command; answer what it printed. Raises StackError if it fails.

        `extra` are environment variables for this command alone.
        """
        done = self.run(*arguments, stdin=stdin, extra=extra)
        if done.returncode != 0:
            told = (done.stderr or done.stdout)[-LAST:]
            raise StackError(f"manage.py {' '.join(arguments)[:200]}: {told}")
        return done.stdout

    def run(
        self, *arguments: str, stdin: str | None = None, extra: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one management command, however it ends."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.environment, **(extra or {})},
            capture_output=True,
            text=True,
            input=stdin,
            check=False,
        )

    def manage_json(self, *arguments: str) -> object:
        """Run one management command with --json; answer what it printed, decoded."""
        return json.loads(self.manage(*arguments, "--json"))

    def start(
        self, name: str, *, program: str = "", command: str = "", folder: Path = ROOT
    ) -> None:
        """Start one process of the Procfile, its output going to a file in `log_dir`.

        `program` is its name in the Procfile, if there are to be several of it; `command` is
        another shell command, to be run in its stead; `folder` is where another version is.
        """
        with (self.log_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                ["sh", "-c", command or procfile(folder)[program or name]],
                cwd=folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self, *names: str, grace_s: float = 30) -> None:
        """End processes as a deployment would: SIGTERM to all of them, then wait."""
        ending = [self.processes.pop(name) for name in names if name in self.processes]
        for process in ending:
            process.terminate()
        deadline = time.monotonic() + grace_s
        for process in ending:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def worker_pids(self, name: str = "worker") -> list[int]:
        """The Celery worker's own process, then its children; empty while it starts up again."""
        supervisor = self.processes.get(name)
        return [
            pid
            for pid, _, command in (descendants(supervisor.pid) if supervisor else ())
            if "celery" in command and "config.supervise" not in command
        ]

    def kill_worker(self, name: str = "worker") -> int:
        """SIGKILL the Celery worker and its children at this instant; answer how many died.

        The supervisor is left alone: restarting the worker is its job.
        """
        return sum(send_signal(pid, signal.SIGKILL) for pid in self.worker_pids(name))

    def memory_mb(self) -> dict[str, int]:
        """Memory of web, worker and beat with all their children, in MB."""
        return {
            name: sum(memory_kb(pid) for pid, _, _ in descendants(self.processes[name].pid)) // 1024
            for name in PROCESSES
        }


def send_signal(pid: int, signum: signal.Signals) -> bool:
    """Whether there was such a process to send it to."""
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        return False
    return True


def procfile(folder: Path = ROOT) -> dict[str, str]:
    """Process name to shell command, as deployed."""
    lines = (folder / "Procfile").read_text().splitlines()
    return {name: command.strip() for name, _, command in (line.partition(":") for line in lines)}


@contextmanager
def running_stack(
    *, log_dir: Path, seed: int = 0, settings: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """Start everything, answer when it is ready to work, and stop everything in the end."""
    log_dir.mkdir(parents=True, exist_ok=True)
    record_file = log_dir / "vendor-requests.jsonl"
    webhooks_file = log_dir / "vendor-webhooks.jsonl"
    with (
        _sandbox(
            log_dir, record_file, webhooks_file, seed
        ) as sandbox,  # starts up while the services do
        embedded_services(mode="ephemeral", use_environment=False) as services,
    ):
        addresses = _addresses(sandbox, log_dir)
        port = free_port()
        stack = Stack(
            environment=_environment(services, addresses, port, settings or {}),
            services=services,
            base_url=f"http://127.0.0.1:{port}",
            freshbooks_url=addresses["freshbooks"],
            stripe_url=addresses["stripe"],
            record_file=record_file,
            webhooks_file=webhooks_file,
            log_dir=log_dir,
        )
        try:
            stack.manage("migrate", "--database", "owner", "--verbosity", "0")
            for name in PROCESSES:
                stack.start(name)
            wait_until(lambda: _is_ready(stack), "the web process to be ready")
            yield stack
        finally:
            stack.stop(*reversed(stack.processes))


def wait_until(condition: Callable[[], object], what: str, timeout_s: float = PATIENCE_S) -> object:
    """The condition's first true answer. Raises StackError naming what did not happen in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        time.sleep(0.1)
    raise StackError(f"waited {timeout_s:.0f} s in vain for {what}")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _sandbox(
    log_dir: Path, record_file: Path, webhooks_file: Path, seed: int
) -> Iterator[subprocess.Popen[bytes]]:
    """The simulators, just started; ended with the block."""
    with (log_dir / "sandbox.log").open("ab") as log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "sandbox", "--freshbooks", "127.0.0.1:0"),
                *("--stripe", "127.0.0.1:0", "--record", str(record_file), "--seed", str(seed)),
                *("--record-webhooks", str(webhooks_file), "--check-answers", str(CONTRACTS)),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours to pass on, after the worker has ended
            preexec_fn=partial(ask_for_signal, signal.SIGTERM),  # noqa: PLW1509 - no threads yet
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _addresses(process: subprocess.Popen[bytes], log_dir: Path) -> dict[str, str]:
    """Where the simulators listen, once they do."""
    if process.stdout is None:
        raise StackError("the simulators have no output")
    with process.stdout:
        line = process.stdout.readline()  # the only one
    if not line:
        raise StackError(f"the simulators did not start; see {log_dir / 'sandbox.log'}")
    addresses: dict[str, str] = json.loads(line)
    return addresses


def _environment(
    services: Services, addresses: dict[str, str], port: int, settings: Mapping[str, str]
) -> dict[str, str]:
    """What a deployment would put into .env, with random secrets."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {
        **os.environ,
        **services.environment(),
        "PATH": path,
        "PORT": str(port),
        "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": secrets.token_urlsafe(32),
        "FRESHBOOKS_API_BASE": addresses["freshbooks"],
        "FRESHBOOKS_AUTH_BASE": addresses["freshbooks"],
        "FRESHBOOKS_CLIENT_ID": "sandbox-client",
        "FRESHBOOKS_CLIENT_SECRET": "sandbox-secret",
        "STRIPE_API_BASE": addresses["stripe"],
        **settings,
    }


def _is_ready(stack: Stack) -> bool:
    if stack.processes["web"].poll() is not None:
        raise StackError(f"the web process ended; see {stack.log_dir / 'web.log'}")
    try:
        return requests.get(f"{stack.base_url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False
