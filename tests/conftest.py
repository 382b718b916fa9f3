"""What every test stands on: a real Postgres, migrated by the owner, used by the plain role.

`db` (of pytest-django) rolls back at the end and suits most tests. `committed_db` is for tests that
really commit: threads, processes, the audit chain, anything that calls a vendor (no vendor call may
happen inside a transaction). It cleans nothing up; such tests make tenants of their own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from config.celery_app import app
from connector.models import RateBucket, VendorIncident
from tenants.models import (
    FreshBooksConnection,
    FreshBooksGrant,
    OAuthState,
    StripeConnection,
    Tenant,
)
from tenants.scope import every_tenant
from tests.factories import make_tenant

pytest_plugins = ["tests.pipeline.simulators", "tests.spreading"]

APPEND_ONLY = [sql.Identifier(name) for name in ("audit_auditentry", "connector_moneyfact")]
OF_TENANTS = [
    sql.Identifier(name)
    for name in (
        "tenants_tenant",
        "tenants_freshbooksgrant",
        "audit_auditentry",
        "audit_auditchain",
        "connector_refuseddelivery",
    )
]
_committed: list[DjangoDbBlocker] = []  # not empty: a test of this file has committed

TEST_DATABASE = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


def _url(name: str, database: str) -> str:
    return urlunsplit(urlsplit(os.environ[name])._replace(path=f"/{database}"))


@pytest.fixture(scope="session", autouse=True)
def own_broker() -> None:
    """One of Valkey's databases per test process: none takes the rings of another."""
    if "REDIS_URL" in os.environ:
        number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
        os.environ["REDIS_URL"] = settings.REDIS_URL = _url("REDIS_URL", number)
        app.conf.update(broker_url=settings.REDIS_URL)


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """One database per test process, made by the owner; both aliases and child processes use it."""
    settings.STATIC_ROOT = tmp_path_factory.mktemp("static")  # nothing is collected for tests
    if not os.environ.get("DATABASE_OWNER_URL"):
        pytest.fail("No database. Run the tests with: make test (or python -m config.embedded)")
    maintenance = os.environ["DATABASE_OWNER_URL"]
    name = sql.Identifier(TEST_DATABASE)
    with psycopg.connect(maintenance, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        owner.execute(sql.SQL("CREATE DATABASE {}").format(name))
    for variable, alias in (("DATABASE_URL", "default"), ("DATABASE_OWNER_URL", "owner")):
        os.environ[variable] = _url(variable, TEST_DATABASE)
        connections[alias].settings_dict["NAME"] = TEST_DATABASE
    with django_db_blocker.unblock():
        call_command("migrate", database="owner", verbosity=0)
        connections["owner"].close()
        yield
        connections.close_all()
    with psycopg.connect(maintenance, autocommit=True) as owner:
        owner.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@pytest.fixture(scope="module", autouse=True)
def nothing_left_for_other_files() -> Iterator[None]:
    """After a file whose tests commit: no tenant, and nothing of one, for those of the next."""
    yield
    if not _committed:
        return
    with _committed.pop().unblock():
        connections.close_all()
    _committed.clear()
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as owner:
        for table in APPEND_ONLY:
            owner.execute(sql.SQL("ALTER TABLE {} DISABLE TRIGGER USER").format(table))
        owner.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(OF_TENANTS)))
        for table in APPEND_ONLY:
            owner.execute(sql.SQL("ALTER TABLE {} ENABLE TRIGGER USER").format(table))


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database without a transaction around the test: what is committed stays until the file ends.

    Only vendor accounts are free again, and nobody thinks ill of a vendor: the simulators count their
    ids from the start for each test.
    """
    with django_db_blocker.unblock():
        with every_tenant():
            for model in (OAuthState, FreshBooksConnection, FreshBooksGrant, StripeConnection):
                model.objects.all().delete()
            RateBucket.objects.all().delete()
            VendorIncident.objects.all().delete()
        _committed.append(django_db_blocker)
        yield
        assert not connection.in_atomic_block
        connections.close_all()


@pytest.fixture
def fresh_tenant(committed_db: None) -> Tenant:
    """A new tenant, committed, that no other test knows."""
    return make_tenant()


@pytest.fixture
def owner_sql(committed_db: None) -> Iterator[psycopg.Connection]:
    """The owner's own connection, for tests that tamper. Autocommits; spans tenants."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("SET app.tenant = '*'")
        yield owner


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that reaches for any other host than this one."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ipaddress.ip_address(host).is_loopback
