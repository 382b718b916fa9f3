"""The same two tenants as the admin's tests have, and a record of the queues that were rung."""

from __future__ import annotations

import pytest

from connector.management import asking
from connector.management.commands import replay, requeue
from tenants.scope import every_tenant
from tests.admin.world import World, make_world


@pytest.fixture
def two_worlds(db: None) -> tuple[World, World]:
    with every_tenant():
        return make_world("Maple Joinery"), make_world("Birch Bakery")


@pytest.fixture
def world(two_worlds: tuple[World, World]) -> World:
    return two_worlds[0]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queues that were rung; no broker is needed."""
    queues: list[str] = []
    for module in (asking, replay, requeue):
        monkeypatch.setattr(module, "publish", queues.append)
    return queues
