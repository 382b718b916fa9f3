"""What happens to a job that failed: one table, by kind of failure."""

from __future__ import annotations

import random
from dataclasses import dataclass

from connector.errors import ConnectorError, FailureMode
from connector.models import SyncJob

MAX_DEATHS = 3  # a job that takes its worker down this often is not tried again


@dataclass(frozen=True)
class Policy:
    """Up to `max_attempts` tries; gaps double from `first_gap_s` to `longest_gap_s`.

    `next_step` is what a person can do once it is over, where the failure itself does not say.
    """

    max_attempts: int
    first_gap_s: float
    longest_gap_s: float
    next_step: str
    counts: bool = True
    ends_as: SyncJob.State = SyncJob.State.DEAD


# Transient failures are tried for about two days, the length of the longest outage to sit out.
POLICIES: dict[FailureMode, Policy] = {
    FailureMode.TRANSIENT: Policy(200, 1.0, 900.0, "Re-queue it once that works again."),
    FailureMode.RATE_LIMITED: Policy(10_000, 0.5, 60.0, "Re-queue it.", counts=False),
    FailureMode.PERMANENT: Policy(
        1, 0, 0, "Correct at the vendor what the message names, then re-queue the job."
    ),
    FailureMode.NEEDS_PERSON: Policy(
        1, 0, 0, "Do what the message asks for, then re-queue the job.", ends_as=SyncJob.State.HELD
    ),
    FailureMode.INTERNAL: Policy(
        3, 5.0, 60.0, "Report it with the job's number; re-queue it once it is mended."
    ),
}


@dataclass(frozen=True)
class Verdict:
    """Run again after `retry_after_s`, or end in `state`."""

    state: SyncJob.State
    next_step: str
    retry_after_s: float = 0.0
    counts: bool = True


def decide(error: ConnectorError, *, attempts: int) -> Verdict:
    """Apply the table. `attempts` includes the one that just failed."""
    policy = POLICIES[error.failure_mode]
    if attempts >= policy.max_attempts and policy.counts:
        return Verdict(policy.ends_as, error.next_step or policy.next_step)
    gap = min(policy.longest_gap_s, policy.first_gap_s * 2 ** min(attempts - 1, 12))
    gap *= random.uniform(0.7, 1.3)  # noqa: S311 - spread, not secrecy
    pause = max(gap, error.retry_after_s or 0.0)
    return Verdict(SyncJob.State.QUEUED, error.next_step, pause, counts=policy.counts)
