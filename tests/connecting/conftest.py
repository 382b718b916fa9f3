"""A tenant that is being set up, both vendors, and the people who connect them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client
from django.utils import timezone

from connector.connecting.links import make_link
from connector.connecting.oauth import SCOPES
from connector.models import RateBucket
from tenants.models import FreshBooksGrant, Tenant
from tenants.scope import tenant_scope
from tests.factories import make_freshbooks_connection, make_grant, make_tenant, unique
from tests.pipeline.shop import cause
from tests.pipeline.simulators import Simulators
from tests.sandbox.driving import FreshBooks


def new_tenant(**values: Any) -> Tenant:
    """A tenant with a call budget that no test uses up."""
    tenant = make_tenant(**values)
    with tenant_scope(tenant.pk):
        for vendor in ("freshbooks", "stripe"):
            RateBucket.objects.create(
                tenant=tenant,
                vendor=vendor,
                rate_per_s=5000,
                capacity=5000,
                tokens=5000,
                updated_at=timezone.now(),
            )
    return tenant


@dataclass
class Person:
    """Somebody with a browser of their own and a FreshBooks login."""

    freshbooks: FreshBooks
    login: str
    browser: Client = field(default_factory=Client)

    def consent(self, address: str, decision: str = "allow") -> str:
        """Decide on FreshBooks' page; where FreshBooks sends the browser then."""
        form = {**dict(parse_qsl(urlsplit(address).query)), "login": self.login}
        query = {name: form[name] for name in form if name != "login"}
        answer = self.freshbooks.decide(self.login, **{**query, "decision": decision})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def state_of(self, address: str) -> str:
        return parse_qs(urlsplit(address).query)["state"][0]


@pytest.fixture
def tenant(committed_db: None) -> Tenant:
    return new_tenant()


@pytest.fixture
def business(simulators: Simulators) -> dict[str, Any]:
    """A business at FreshBooks and its owner's login."""
    return simulators.freshbooks.business(f"{unique('owner-')}@maple.example")


@pytest.fixture
def owner(simulators: Simulators, business: dict[str, Any]) -> Person:
    return Person(simulators.freshbooks, business["login"])


@pytest.fixture
def stripe_account(simulators: Simulators) -> dict[str, Any]:
    """An account at Stripe with a secret key."""
    return simulators.stripe.act(
        "create_account", name="Maple Joinery", country="CA", default_currency="cad"
    )


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def finish(self) -> None:
        super().finish()
        connections.close_all()


@pytest.fixture
def own_site(committed_db: None, settings: Any) -> Iterator[str]:
    """Our web server on a real port, so that the vendors' webhooks arrive."""
    server = make_server(
        "127.0.0.1", 0, get_wsgi_application(), server_class=_Server, handler_class=_Handler
    )
    settings.PUBLIC_BASE_URL = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield settings.PUBLIC_BASE_URL
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def grant(simulators: Simulators, tenant: Tenant, business: dict[str, Any]) -> FreshBooksGrant:
    """The tenant's grant, real at the simulator, young here."""
    pair = simulators.freshbooks.tokens(business["login"], scope=" ".join(SCOPES))
    grant = make_grant(
        identity_id=business["identity_id"],
        access_token=pair["access_token"],
        refresh_token=pair["refresh_token"],
        scopes=pair["scope"],
    )
    make_freshbooks_connection(
        tenant, grant=grant, account_id=business["account_id"], business_id=business["business_id"]
    )
    return grant


@pytest.fixture
def page(tenant: Tenant) -> str:
    """The path of a fresh onboarding link."""
    return urlsplit(make_link(tenant.pk, cause=cause())).path
