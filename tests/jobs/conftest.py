"""The ledger's tests share one database: each begins and ends with an empty ledger."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _empty_ledger(no_jobs: None) -> None:
    pass
