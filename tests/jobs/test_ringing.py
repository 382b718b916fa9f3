"""Rings: heard through Redis, and never waited for."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis

from config.celery_app import app
from connector import ringing
from tests.sandbox.driving import eventually


@pytest.fixture
def broker(settings: Any) -> redis.Redis:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.delete("reconcile")
    return client


def test_a_ring_arrives_in_redis(broker: redis.Redis) -> None:
    ringing.Ringer().ring("reconcile")
    eventually(lambda: broker.llen("reconcile"))
    broker.delete("reconcile")


def test_nobody_waits_for_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    ringer = ringing.Ringer()
    started = time.monotonic()
    for _ in range(100):
        ringer.ring("reconcile")
    assert time.monotonic() - started < 5, "each ring waited"
