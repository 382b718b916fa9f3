"""Is the process up, and can it do its work?"""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from django.test import Client

from connector import ticking
from connector.models import Clock


def test_health_needs_nothing() -> None:
    answer = Client().get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert Client().post("/healthz").status_code == 405


def test_ready_with_postgres_and_redis(committed_db: None) -> None:
    answer = Client().get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["postgres"], body["redis"]) == (200, "ok", "ok")


def test_ready_tells_whether_the_clock_ticks(committed_db: None) -> None:
    Clock.objects.all().delete()
    silent = Client().get("/readyz")
    assert silent.status_code == 200, "webhooks are still taken in"
    assert silent.json()["clock"] == "has never ticked: is a worker running?"
    assert ticking.take_turn(ticking.TICK, apart_s=1)
    assert Client().get("/readyz").json()["clock"] == "ok"


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
