"""What happens to a job that failed: one table, by kind of failure."""

from __future__ import annotations

import random
from dataclasses import dataclass

from connector.errors import ConnectorError, FailureMode
from connector.models import SyncJob

MAX_DEATHS = 3  # a job that takes its worker down this often is not tried again


@dataclass(frozen=True)
class Policy:
    """Up to `max_attempts` tries; gaps double from `first_gap_s` to `longest_gap_s`."""

    max_attempts: int
    first_gap_s: float
    longest_gap_s: float
    counts: bool = True
    ends_as: SyncJob.State = SyncJob.State.DEAD


# Transient failures are tried for about two days, the length of the longest outage to sit out.
POLICIES: dict[FailureMode, Policy] = {
    FailureMode.TRANSIENT: Policy(200, 1.0, 900.0),
    FailureMode.RATE_LIMITED: Policy(10_000, 0.5, 60.0, counts=False),
    FailureMode.PERMANENT: Policy(1, 0, 0),
    FailureMode.NEEDS_PERSON: Policy(1, 0, 0, ends_as=SyncJob.State.HELD),
    FailureMode.INTERNAL: Policy(3, 5.0, 60.0),
}


@dataclass(frozen=True)
class Verdict:
    """Run again after `retry_after_s`, or end in `state`."""

    state: SyncJob.State
    retry_after_s: float = 0.0
    counts: bool = True


def decide(error: ConnectorError, *, attempts: int) -> Verdict:
    """Apply the table. `attempts` includes the one that just failed."""
    policy = POLICIES[error.failure_mode]
    if attempts >= policy.max_attempts and policy.counts:
        return Verdict(policy.ends_as)
    gap = min(policy.longest_gap_s, policy.first_gap_s * 2 ** min(attempts - 1, 12))
    gap *= random.uniform(0.7, 1.3)  # noqa: S311 - spread, not secrecy
    return Verdict(SyncJob.State.QUEUED, max(gap, error.retry_after_s or 0.0), counts=policy.counts)
