"""Tests of limits begin without accounts and without an incident of a vendor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.limits.calling import no_incident


@pytest.fixture(autouse=True)
def _quiet(committed_db: None) -> Iterator[None]:
    with no_incident():
        yield
