"""A local vendor, a gate that remembers, and both clients in front of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.vendors.freshbooks.client import FreshBooksAccountClient
from connector.vendors.freshbooks.tokens import AccessToken
from connector.vendors.stripe.client import StripeAccountClient
from tests.sandbox.conftest import sandbox_process
from tests.vendors.local_server import SHORT, LocalVendor, RecordingGate

__all__ = ["sandbox_process"]  # the fixture that runs both simulators


class Tokens:
    """Hands out token-1, then token-2, ... and counts rejections."""

    def __init__(self) -> None:
        self.generation = 1
        self.rejected: list[AccessToken] = []

    def current(self) -> AccessToken:
        return AccessToken(f"token-{self.generation}", self.generation)

    def after_rejection(self, rejected: AccessToken) -> AccessToken:
        self.rejected.append(rejected)
        self.generation += 1
        return self.current()


@pytest.fixture(scope="session")
def running_vendor() -> Iterator[LocalVendor]:
    server = LocalVendor()
    yield server
    server.close()


@pytest.fixture
def vendor(running_vendor: LocalVendor) -> LocalVendor:
    running_vendor.reset()
    return running_vendor


@pytest.fixture
def gate() -> RecordingGate:
    return RecordingGate()


@pytest.fixture
def tokens() -> Tokens:
    return Tokens()


@pytest.fixture
def freshbooks(vendor: LocalVendor, gate: RecordingGate, tokens: Tokens) -> FreshBooksAccountClient:
    return FreshBooksAccountClient(
        base_url=vendor.url, account_id="ACM123", tokens=tokens, gate=gate, limits=SHORT
    )


@pytest.fixture
def stripe_client(vendor: LocalVendor, gate: RecordingGate) -> StripeAccountClient:
    return StripeAccountClient(
        base_url=vendor.url, api_key="sk_test_secret0key", gate=gate, limits=SHORT
    )
