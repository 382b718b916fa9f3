"""Rings: heard through Redis, and never waited for."""

from __future__ import annotations

import time
from typing import Any

import pytest
import redis
from celery import Celery

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


def test_a_broker_that_is_away_is_tried_no_more_often_than_the_sweep_rings(
    broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ringing.ring_each(["reconcile", "reconcile"]) == ringing.PAUSE_S
    assert broker.llen("reconcile") == 1
    monkeypatch.setattr(ringing, "app", Celery("away", broker="redis://127.0.0.1:1/0"))
    assert ringing.ring_each(["reconcile"]) == ringing.PAUSE_UNHEARD_S
    broker.delete("reconcile")


def test_nobody_waits_for_a_broker_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    ringer = ringing.Ringer()
    started = time.monotonic()
    for _ in range(100):
        ringer.ring("reconcile")
    assert time.monotonic() - started < 5, "each ring waited"
