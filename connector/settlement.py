"""Stripe's balance: every movement with its fee, and the payouts to the bank."""

from __future__ import annotations

from connector.sync.context import SyncRun


def poll_money(run: SyncRun) -> str:
    """Read what moved since the last time."""
    raise NotImplementedError(run.tenant_id)
