"""A mailbox: the place where both vendors' webhooks arrive, and wait until a test hands them on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.money.news import Mailbox
from tests.pipeline.simulators import Simulators
from tests.sandbox.driving import receiving


@pytest.fixture
def mailbox(simulators: Simulators, committed_db: None, settings: Any) -> Iterator[Mailbox]:
    """Our public address, for the vendors."""
    with receiving() as receiver:
        settings.PUBLIC_BASE_URL = receiver.url
        yield Mailbox(receiver, (simulators.freshbooks, simulators.stripe))
