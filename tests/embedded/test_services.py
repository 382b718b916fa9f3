"""The private services do what the application relies on."""

from collections.abc import Iterator

import psycopg
import pytest
import redis

from config.embedded import EmbeddedError, Services, embedded_services
from config.embedded.roles import ensure_roles


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with embedded_services("ephemeral", use_environment=False) as started:
        yield started


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_application_role_is_bound_by_row_level_security(services: Services) -> None:
    query = """
        SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole,
               datdba = pg_roles.oid AS owner
        FROM pg_roles, pg_database
        WHERE rolname IN ('ml_app', 'ml_owner') AND datname = current_database()
        ORDER BY rolname
    """
    assert ask(services.database_url, query) == [
        ("ml_app", False, False, False, False, False),
        ("ml_owner", False, False, True, False, True),
    ]
    assert ask(services.database_url, "SELECT current_user") == [("ml_app",)]
    assert ask(services.database_owner_url, "SELECT current_user") == [("ml_owner",)]


def test_application_may_use_what_the_owner_makes_and_make_nothing(services: Services) -> None:
    with psycopg.connect(services.database_owner_url) as owner:
        owner.execute("CREATE TABLE made_by_owner (id bigserial PRIMARY KEY, word text)")
    with psycopg.connect(services.database_url) as application:
        application.execute("INSERT INTO made_by_owner (word) VALUES ('x')")
        application.execute("UPDATE made_by_owner SET word = 'y'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("CREATE TABLE made_by_application (id int)")


def test_a_database_made_later_starts_with_the_same_grants(services: Services) -> None:
    later = services.database_owner_url.replace("/ml_connector", "/later")
    with psycopg.connect(services.database_owner_url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE later")
    with psycopg.connect(later) as owner:
        owner.execute("CREATE TABLE thing (id int)")
    assert ask(services.database_url.replace("/ml_connector", "/later"), "TABLE thing") == []


def test_postgres_asks_for_a_password_and_writes_for_real(services: Services) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(services.database_url.replace("ml_app:", "ml_app:not"), "SELECT 1")
    assert ask(services.database_url, "SHOW fsync") == [("on",)]
    assert ask(services.database_url, "SHOW listen_addresses") == [("127.0.0.1",)]


def test_valkey_keeps_what_it_accepts_and_asks_for_a_password(services: Services) -> None:
    with redis.Redis.from_url(services.redis_url) as client:
        names = ("appendonly", "appendfsync", "maxmemory-policy", "bind", "protected-mode")
        assert [client.config_get(name)[name] for name in names] == [
            "yes",
            "everysec",
            "noeviction",
            "127.0.0.1",
            "yes",
        ]
    stranger = redis.Redis.from_url("redis://" + services.redis_url.partition("@")[2])
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


@pytest.mark.parametrize("crash", [False, True])
def test_postgres_restarts_where_it_was_with_its_data(services: Services, crash: bool) -> None:
    with psycopg.connect(services.database_owner_url) as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        owner.execute("INSERT INTO kept VALUES (7)")
    before = services.postgres_pid

    services.restart_postgres(crash=crash)

    assert services.postgres_pid not in {0, before}
    assert ask(services.database_url, "SELECT DISTINCT id FROM kept") == [(7,)]


def test_redis_can_be_killed_and_comes_back_where_it_was(services: Services) -> None:
    with redis.Redis.from_url(services.redis_url) as client:
        client.set("kept", "7")
        client.waitaof(1, 0, 5000)
        services.kill_redis()
        assert services.valkey_pid == 0
        with pytest.raises(redis.ConnectionError):
            client.ping()

        services.start_redis()

        assert services.valkey_pid > 0
        assert client.get("kept") == b"7"


def test_making_the_roles_again_only_changes_their_passwords(services: Services) -> None:
    assert services.data_dir is not None
    superuser_password = (services.data_dir / "postgres-password").read_text()
    place = services.database_url.rpartition("@")[2].partition("/")[0]

    ensure_roles(
        f"postgresql://postgres:{superuser_password}@{place}",
        owner_password="new-owner",
        application_password="new-application",
    )

    changed = f"postgresql://ml_app:new-application@{place}/ml_connector"
    assert ask(changed, "SELECT current_user") == [("ml_app",)]
    services.database_url = changed
    services.database_owner_url = f"postgresql://ml_owner:new-owner@{place}/ml_connector"


def test_services_named_in_the_environment_are_used_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://somewhere/1")
    with embedded_services() as outside:
        assert outside.environment() == {
            "DATABASE_URL": "postgresql://somewhere/else",
            "DATABASE_OWNER_URL": "postgresql://somewhere/else",
            "REDIS_URL": "redis://somewhere/1",
        }
        assert (outside.guardian_pid, outside.postgres_pid, outside.valkey_pid) == (0, 0, 0)
        with pytest.raises(EmbeddedError, match="not ours"):
            outside.restart_postgres()


def test_only_what_the_environment_does_not_name_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
    monkeypatch.delenv("REDIS_URL", raising=False)
    with embedded_services() as services:
        assert services.database_url == "postgresql://somewhere/else"
        assert services.postgres_pid == 0
        with redis.Redis.from_url(services.redis_url) as client:
            assert client.ping() is True
