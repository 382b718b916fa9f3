"""Between FreshBooks' answer and our commit: nothing that a kill or a database can take away."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from connector import tokens as tokens_module
from connector.errors import GrantLost
from connector.tokens import recover_spooled
from connector.vendors.freshbooks.tokens import AccessToken
from tenants.models import ConnectionState, FreshBooksGrant, Tenant
from tests.connecting.token_steps import connection_state, expired, token_calls, tokens_of
from tests.pipeline.interference import Killed
from tests.pipeline.simulators import Simulators

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def spool(settings: Any, tmp_path: Path) -> Path:
    settings.TOKEN_SPOOL_DIR = str(tmp_path / "spool")
    return tmp_path / "spool"


def on_save(failure: Callable[[], BaseException]) -> Any:
    """Whatever saves the new pair fails so."""

    def execute_or_fail(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if '"access_token_sealed" =' in sql:
            raise failure()
        return execute(sql, *rest)

    return connection.execute_wrapper(execute_or_fail)


def row_of(grant: FreshBooksGrant) -> FreshBooksGrant:
    return FreshBooksGrant.objects.get(pk=grant.pk)


def lease_is_over(grant: FreshBooksGrant) -> None:
    FreshBooksGrant.objects.filter(pk=grant.pk).update(refresh_lease_until=None)


def killed_before_the_commit(grant: FreshBooksGrant, tenant: Tenant) -> None:
    expired(grant)
    with on_save(Killed), pytest.raises(Killed):
        tokens_of(grant, tenant).current()
    assert row_of(grant).generation == 1
    lease_is_over(grant)


def test_a_refresh_that_ends_well_leaves_nothing_behind(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, spool: Path
) -> None:
    expired(grant)
    assert tokens_of(grant, tenant).current().generation == 2
    assert list(spool.iterdir()) == []


def test_a_worker_killed_before_its_commit_leaves_the_pair_to_the_next_refresh(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, spool: Path
) -> None:
    killed_before_the_commit(grant, tenant)
    assert tokens_of(grant, tenant).current().generation == 2
    assert token_calls(simulators) == 1, "found here, not asked for again"
    assert connection_state(tenant) == ConnectionState.CONNECTED
    assert list(spool.iterdir()) == []
    expired(grant)
    assert tokens_of(grant, tenant).current().generation == 3, "and the pair was a good one"


def test_a_worker_that_starts_saves_what_another_left_behind(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, spool: Path
) -> None:
    killed_before_the_commit(grant, tenant)
    assert recover_spooled() == 1
    assert row_of(grant).generation == 2
    assert recover_spooled() == 0
    assert tokens_of(grant, tenant).current().generation == 2
    assert token_calls(simulators) == 1


def test_even_a_grant_that_another_machine_took_for_lost_comes_back(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, settings: Any, tmp_path: Path
) -> None:
    killed_before_the_commit(grant, tenant)
    here = settings.TOKEN_SPOOL_DIR
    settings.TOKEN_SPOOL_DIR = str(tmp_path / "another machine")
    with pytest.raises(GrantLost):
        tokens_of(grant, tenant).current()
    assert connection_state(tenant) == ConnectionState.NEEDS_REAUTH
    settings.TOKEN_SPOOL_DIR = here
    assert recover_spooled() == 1
    assert connection_state(tenant) == ConnectionState.CONNECTED
    assert row_of(grant).lost_at is None


def test_a_database_that_stays_away_costs_no_token(
    simulators: Simulators,
    grant: FreshBooksGrant,
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tokens_module, "SAVE_PAUSE_S", 0)
    expired(grant)
    with on_save(lambda: OperationalError("gone")), pytest.raises(OperationalError):
        tokens_of(grant, tenant).current()
    lease_is_over(grant)
    assert tokens_of(grant, tenant).current().generation == 2
    assert token_calls(simulators) == 1


def test_a_pair_that_is_no_longer_the_newest_is_thrown_away(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, spool: Path
) -> None:
    killed_before_the_commit(grant, tenant)
    person = row_of(grant)
    person.access_token, person.refresh_token, person.generation = "person", "person-refresh", 2
    person.refresh_at = person.expires_at = timezone.now() + timedelta(hours=9)
    person.save()
    assert recover_spooled() == 0
    assert list(spool.iterdir()) == []
    assert tokens_of(grant, tenant).current() == AccessToken("person", 2)


def test_what_lies_on_the_disk_is_sealed_and_for_this_user_only(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, spool: Path
) -> None:
    killed_before_the_commit(grant, tenant)
    (file,) = spool.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.stat().st_mode) == 0o700
    tokens_of(grant, tenant).current()
    saved = row_of(grant)
    content = file.read_bytes() if file.exists() else b""
    for secret in (saved.access_token, saved.refresh_token, grant.refresh_token):
        assert secret.encode() not in content
        assert secret not in file.name


def test_a_spoiled_file_or_a_full_disk_stops_no_refresh(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, settings: Any, spool: Path
) -> None:
    killed_before_the_commit(grant, tenant)
    (file,) = spool.iterdir()
    file.write_bytes(b"not what was written")
    with pytest.raises(GrantLost):  # the pair is gone for good, and people are told
        tokens_of(grant, tenant).current()
    assert connection_state(tenant) == ConnectionState.NEEDS_REAUTH


def test_a_disk_that_refuses_stops_no_refresh(
    simulators: Simulators, grant: FreshBooksGrant, tenant: Tenant, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings.TOKEN_SPOOL_DIR = str(tmp_path / "file" / "below")
    expired(grant)
    assert tokens_of(grant, tenant).current().generation == 2


WINDOW = """
    import sys, threading, time
    from connector import undisturbed
    undisturbed.install()
    def job():
        with undisturbed.undisturbed():
            print("begun", flush=True)
            time.sleep(1.5)
            print("kept", flush=True)
        time.sleep(60)
    threading.Thread(target=job, daemon=True).start()
    threading.Event().wait(60)
"""


def test_a_worker_asked_to_end_keeps_the_answer_first_and_then_ends() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WINDOW)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "begun\n"
        worker.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        assert worker.stdout.readline() == "kept\n"
        assert worker.wait(30) == -signal.SIGTERM
        assert time.monotonic() - asked < 30


def test_a_worker_between_moments_ends_at_once() -> None:
    program = "from connector import undisturbed as u; u.install()\nwith u.undisturbed(): pass\n"
    program += "print('idle', flush=True); import time; time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "idle\n"
        os.kill(worker.pid, signal.SIGTERM)
        assert worker.wait(30) == -signal.SIGTERM
