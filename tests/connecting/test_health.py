"""Is the process up, and can it do its work?"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from django.test import Client


def test_health_needs_nothing() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert Client().post("/healthz").status_code == 405


def test_ready_with_postgres_and_redis(committed_db: None) -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"postgres": "ok", "redis": "ok"})


def test_ready_without_redis(committed_db: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["redis"]) == (200, "unreachable")


def test_not_ready_without_postgres_or_with_migrations_missing(
    committed_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = connections["default"]
    default.close()
    monkeypatch.setitem(default.settings_dict, "PORT", 1)
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["postgres"]) == (503, "unreachable")
    monkeypatch.undo()
    default.close()
    from connector.views import health  # noqa: PLC0415

    monkeypatch.setattr(health, "_known_migrations", lambda: frozenset({("x", "0099_new")}))
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["postgres"]) == (
        503,
        "1 migrations are not applied",
    )
