"""Celery carries rings only: what keeps it from losing its connection, hanging or doing more."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from config.celery_app import app

ROOT = Path(__file__).resolve().parents[2]
OF_THE_BROKER = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "health_check_interval": 5,
    "visibility_timeout": 60,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_acks_late", False),  # a ring that is lost with its worker is rung again
        ("task_reject_on_worker_lost", False),
        ("task_ignore_result", True),
        ("task_store_errors_even_if_ignored", False),
        ("task_publish_retry", False),  # nobody waits for a broker that is away
        ("worker_prefetch_multiplier", 1),
        ("worker_eta_task_limit", 100),
        ("worker_soft_shutdown_timeout", 20),
        ("worker_send_task_events", False),
        ("worker_enable_remote_control", False),
        ("task_create_missing_queues", False),
        ("accept_content", ["json"]),
    ],
)
def test_a_ring_may_be_lost_and_costs_nothing_else(name: str, value: Any) -> None:
    assert app.conf[name] == value


def test_the_broker_is_given_up_soon() -> None:
    assert app.conf.broker_transport_options == OF_THE_BROKER


def test_what_the_clock_rings_does_not_outlive_its_use() -> None:
    for entry in app.conf.beat_schedule.values():
        assert entry["options"]["expires"] <= 10
        assert entry["schedule"] >= 1


def test_nothing_is_left_to_the_broker_for_later() -> None:
    """Work that waits is a row with its due time."""
    for package in ("connector", "tenants", "audit", "config"):
        for path in (ROOT / package).rglob("*.py"):
            for call in (
                one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Call)
            ):
                named = {keyword.arg for keyword in call.keywords}
                assert not named & {"eta", "countdown"}, path
