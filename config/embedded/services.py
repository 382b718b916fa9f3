"""What callers use: `with embedded_services("ephemeral") as services: ...`."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from config.embedded import roles
from config.embedded.client import GuardianClient
from config.guardian.errors import EmbeddedError
from config.guardian.order import Order

Mode = Literal["ephemeral", "persistent"]


@dataclass
class Services:
    """Where PostgreSQL and Redis are, and how to disturb the private ones on purpose.

    A process id is 0 while that server does not run, or is not ours.
    """

    database_url: str
    database_owner_url: str
    redis_url: str
    data_dir: Path | None = None
    guardian_pid: int = 0
    postgres_pid: int = 0
    valkey_pid: int = 0
    _guardian: GuardianClient | None = field(default=None, repr=False)

    def environment(self) -> dict[str, str]:
        """The settings with which a program finds these services."""
        return {
            "DATABASE_URL": self.database_url,
            "DATABASE_OWNER_URL": self.database_owner_url,
            "REDIS_URL": self.redis_url,
        }

    def restart_postgres(self, *, crash: bool = False) -> None:
        """Restart PostgreSQL on the same port; every connection is cut. `crash`: with recovery."""
        self._do("crash_postgres" if crash else "restart_postgres", self.postgres_pid)

    def kill_redis(self) -> None:
        """Kill Valkey, as a crash would, and leave it dead."""
        self._do("kill_valkey", self.valkey_pid)

    def start_redis(self) -> None:
        """Start a killed Valkey again, on the same port with what it had on disk."""
        self._do("start_valkey", 1)

    def refresh(self) -> None:
        """Read again which servers run."""
        self._do("state", 1)

    def _do(self, command: str, pid: int) -> None:
        """Have the guardian do something and take over what it reports."""
        if self._guardian is None or not pid:
            raise EmbeddedError(f"{command}: that server is not running, or is not ours.")
        self.update_from(self._guardian.ask(command))

    def update_from(self, state: dict[str, Any]) -> None:
        """Note which servers run now, as the guardian says."""
        self.guardian_pid = state["guardian_pid"]
        self.postgres_pid = state["postgres_pid"]
        self.valkey_pid = state["valkey_pid"]


@contextmanager
def embedded_services(
    mode: Mode = "ephemeral",
    data_dir: Path | None = None,
    *,
    use_environment: bool = True,
    synced: bool = True,
) -> Iterator[Services]:
    """PostgreSQL and Redis for as long as the block runs.

    What DATABASE_URL and REDIS_URL name is used as it is, unless `use_environment` is off;
    only what is missing is started. `ephemeral` data is removed at the end; `persistent` data
    stays in `data_dir`, by default `.run` in the project. Not `synced`: commits do not wait for
    the disk, for tests only.
    Raises: EmbeddedError if a live run uses the same data, or a server does not start.
    """
    outside = _outside() if use_environment else Services("", "", "")
    if outside.database_url and outside.redis_url:
        yield outside
        return
    guardian = GuardianClient(_order(mode, data_dir, outside, synced=synced))
    try:
        yield _start(guardian, outside)
    finally:
        guardian.close()


def _outside() -> Services:
    """The services that the environment names; an empty address means: start our own."""
    database_url = os.environ.get("DATABASE_URL", "")
    return Services(
        database_url=database_url,
        database_owner_url=(os.environ.get("DATABASE_OWNER_URL") or database_url),
        redis_url=os.environ.get("REDIS_URL", ""),
    )


def _order(mode: Mode, data_dir: Path | None, outside: Services, *, synced: bool) -> Order:
    return Order(
        ephemeral=mode == "ephemeral",
        data_dir=data_dir,
        postgres_password=secrets.token_urlsafe(24),
        valkey_password=secrets.token_urlsafe(24),
        with_postgres=not outside.database_url,
        with_valkey=not outside.redis_url,
        synced=synced,
    )


def _start(guardian: GuardianClient, outside: Services) -> Services:
    """Start what is missing and say where everything is."""
    state = guardian.ask("start")
    services = Services(
        outside.database_url,
        outside.database_owner_url,
        outside.redis_url
        or f"redis://:{state['valkey_password']}@127.0.0.1:{state['valkey_port']}/0",
        data_dir=Path(state["folder"]),
        _guardian=guardian,
    )
    if not outside.database_url:
        services.database_url, services.database_owner_url = _databases(state)
    services.update_from(state)
    return services


def _databases(state: dict[str, Any]) -> tuple[str, str]:
    """Make the roles and the database; the addresses for the application and for migrations."""
    place = f"127.0.0.1:{state['postgres_port']}"
    owner_password, application_password = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    roles.ensure_roles(
        f"postgresql://postgres:{state['postgres_password']}@{place}",
        owner_password=owner_password,
        application_password=application_password,
    )
    return (
        f"postgresql://{roles.APPLICATION}:{application_password}@{place}/{roles.DATABASE}",
        f"postgresql://{roles.OWNER}:{owner_password}@{place}/{roles.DATABASE}",
    )
