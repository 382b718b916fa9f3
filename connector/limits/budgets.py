"""What may be called how often, unless somebody chose otherwise; and whose call goes first.

Rate and burst together never exceed a limit in any one second: a bucket of 22 per second that holds
2.4 lets at most 24.4 calls into a second.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from connector.jobs import kinds
from connector.jobs.context import JobRun
from connector.vendors.stripe.endpoints import endpoint_of as stripe_endpoint_of

LEAST_BURST = 1.0
BURST_PER_RATE = 1 / 9  # nine tenths of a limit as rate, one tenth as burst

# FreshBooks names no limit but this one: about 20 a minute, seen in its own headers.
IDENTITY = "freshbooks.oauth.identity"
IDENTITY_RATE_PER_S, IDENTITY_BURST = 0.25, 5.0

# Work that looks for what may have changed, or goes through everything: it can wait.
BACKGROUND = frozenset(
    kind.name
    for kind in (
        kinds.POLL_FRESHBOOKS,
        kinds.POLL_STRIPE,
        kinds.POLL_MONEY,
        kinds.RECONCILE_ALL,
        kinds.MAKE_PLAN,
        kinds.APPLY_PLAN,
    )
)
# How full the bucket must be for a call, as a share of what it holds beyond one call. A job under
# way is let go on before another begins: thrown back, it would read everything again.
NEW_JOB, UNDER_WAY, NEW_BACKGROUND, BACKGROUND_UNDER_WAY = 0.6, 0.0, 0.9, 0.25
# One second in ten background work counts as any other, so that it never waits for ever.
FAIR_SECOND = 10


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Calls per second, and how many may follow each other without a pause."""

    rate_per_s: float
    burst: float


def endpoint_of(vendor: str, operation: str) -> str:
    """The endpoint that has a limit of its own, or "" if only the account's counts."""
    if vendor == "stripe":
        return stripe_endpoint_of(operation)
    return operation if operation == IDENTITY else ""


def account_budget(vendor: str, *, livemode: bool) -> Budget:
    """The default for a whole account."""
    if vendor == "freshbooks":  # no number is known: a second's worth may come at once
        rate = settings.FRESHBOOKS_RATE_PER_S
        return Budget(rate_per_s=rate, burst=max(LEAST_BURST, rate))
    rate = settings.STRIPE_RATE_PER_S if livemode else settings.STRIPE_TEST_RATE_PER_S
    return _below_a_limit(rate)


def endpoint_budget(vendor: str) -> Budget:
    """The default for one endpoint."""
    if vendor == "freshbooks":
        return Budget(rate_per_s=IDENTITY_RATE_PER_S, burst=IDENTITY_BURST)
    return _below_a_limit(settings.STRIPE_ENDPOINT_RATE_PER_S)


def share_needed(run: JobRun | None, *, begun: bool, now_s: float) -> float:
    """How full the bucket must be for the next call of this job; no job: a person waits."""
    if run is None:
        return UNDER_WAY
    if not is_background(run) or int(now_s) % FAIR_SECOND == 0:
        return UNDER_WAY if begun else NEW_JOB
    return BACKGROUND_UNDER_WAY if begun else NEW_BACKGROUND


def is_background(run: JobRun | None) -> bool:
    """Whether its calls leave a reserve to all others."""
    return run is not None and run.kind in BACKGROUND


def is_found(run: JobRun) -> bool:
    """Whether nobody asked for it: it was found by looking, or looks itself."""
    kind = kinds.KINDS.get(run.kind)
    return is_background(run) or (kind is not None and run.priority > kind.priority)


def _below_a_limit(rate_per_s: float) -> Budget:
    return Budget(rate_per_s=rate_per_s, burst=max(LEAST_BURST, rate_per_s * BURST_PER_RATE))
