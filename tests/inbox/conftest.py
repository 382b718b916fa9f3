"""Deliveries make jobs; each test begins and ends with an empty ledger."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _empty_ledger(no_jobs: None) -> None:
    pass
