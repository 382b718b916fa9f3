"""Two tenants with rows in every table, and four people with different roles."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from connector import ringing
from tenants.scope import every_tenant
from tests.admin.connected import make_staff
from tests.admin.world import World, make_world


@pytest.fixture
def two_worlds(db: None) -> tuple[World, World]:
    with every_tenant():
        return make_world("Maple Joinery"), make_world("Birch Bakery")


@pytest.fixture
def world(two_worlds: tuple[World, World]) -> World:
    return two_worlds[0]


@pytest.fixture
def people(db: None) -> dict[str, User]:
    return {
        "superuser": make_staff("ada", is_superuser=True),
        "support": make_staff("sol", group="Support"),
        "finance": make_staff("fin", group="Finance"),
        "staff": make_staff("pat"),
    }


@pytest.fixture
def signed_in(people: dict[str, User]) -> Callable[[str], Client]:
    """A browser in which this person is signed in."""

    def client_of(role: str) -> Client:
        client = Client()
        client.force_login(people[role])
        return client

    return client_of


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The queues that were rung."""
    queues: set[str] = set()
    monkeypatch.setattr(ringing.ringer, "ring", queues.add)
    return queues
