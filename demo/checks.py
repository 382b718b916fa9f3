"""Everything that must hold at the end, each with what was expected and what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from demo.books import Books
from demo.business import Business
from demo.expected import OBSERVE
from demo.requests_made import RequestsMade
from demo.standing import Standing

MOST_MAKING_WRITES = 3
FINE_STATES = frozenset({"done", "superseded"})


@dataclass(frozen=True)
class Check:
    """One promise, and whether it held."""

    name: str
    expected: object
    found: object

    @property
    def held(self) -> bool:
        """Whether what was found is what was expected."""
        return self.expected == self.found


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What was done to the connector on purpose."""

    expiries: int
    kills: int
    lost_webhooks: int
    struck: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One tenant at the end: what was meant, both books, and what the product says."""

    business: Business
    books: Books
    standing: Standing


def all_checks(outcomes: Sequence[Outcome], made: RequestsMade, trouble: Trouble) -> list[Check]:
    """The promises of the demo, first each tenant's, then those about every request."""
    checks = []
    for outcome in outcomes:
        checks += tenant_checks(outcome, made)
    return checks + request_checks(made, trouble)


def tenant_checks(outcome: Outcome, made: RequestsMade) -> list[Check]:
    """What must hold for one tenant."""
    business = outcome.business
    name = business.plan.name
    expected = list(business.expected.values())
    synced = [one for one in expected if one.synced]
    figures = {one.key: outcome.books.of(one.freshbooks_id) for one in expected}
    mismatches = [str(problem) for problem in outcome.books.mismatches(expected)]
    differing = [one.key for one in synced if figures[one.key].stripe_total != one.total]
    doubled = [one.key for one in expected if figures[one.key].alive > 1]
    own_writes = _own(made.making_writes(), outcome)
    costly = {key: count for key, count in own_writes.items() if count > MOST_MAKING_WRITES}
    states = outcome.standing.jobs
    checks = [
        Check(
            f"{name}: both books are as expected for all {len(expected)} invoices", [], mismatches
        ),
        Check(f"{name}: difference 0 for all {len(synced)} synced invoices", [], differing),
        Check(f"{name}: at most one living Stripe invoice each", [], doubled),
        Check(f"{name}: at most {MOST_MAKING_WRITES} Stripe writes per new invoice", {}, costly),
        Check(
            f"{name}: discrepancies are the expected ones",
            expected_discrepancies(outcome),
            sorted({(row.number, row.kind) for row in outcome.standing.discrepancies}),
        ),
        Check(
            f"{name}: every job is done",
            {},
            {state: count for state, count in states.items() if state not in FINE_STATES},
        ),
    ]
    if business.plan.mode == OBSERVE:
        writes = made.payment_writes(business.account_id)
        checks.append(Check(f"{name}: observes, so no payment was written", [], writes))
    else:
        lacking = [
            one.key for one in expected if figures[one.key].recorded != figures[one.key].collected
        ]
        checks.append(Check(f"{name}: FreshBooks has all that Stripe collected", [], lacking))
    return checks


def request_checks(made: RequestsMade, trouble: Trouble) -> list[Check]:
    """What must hold for all requests to both vendors."""
    # A worker that is killed between a refresh and its saving has to refresh once more.
    refreshes = made.refreshes()
    allowed = range(trouble.expiries, trouble.expiries + trouble.kills + 1)
    quiet = [kind for kind, count in trouble.struck.items() if count == 0]
    return [
        Check("no invoice status was ever written to FreshBooks", [], made.status_writes()),
        Check("no payment was sent to FreshBooks twice", [], made.payments_sent_twice()),
        Check("every repeated write was the same as the first", [], made.altered_repeats()),
        Check(
            "one token refresh per expiry",
            trouble.expiries,
            trouble.expiries if refreshes in allowed else refreshes,
        ),
        Check("webhooks were lost", "some", "some" if trouble.lost_webhooks else "none"),
        Check("every kind of trouble struck", [], quiet),
    ]


def expected_discrepancies(outcome: Outcome) -> list[tuple[str, str]]:
    """Invoice number and kind of every discrepancy that must be reported."""
    return sorted(
        (outcome.books.of(one.freshbooks_id).number, kind)
        for one in outcome.business.expected.values()
        for kind in one.discrepancies
    )


def _own(writes: dict[str, int], outcome: Outcome) -> dict[str, int]:
    """Of all counted Stripe invoices, those of this tenant."""
    return {
        stripe_id: count
        for stripe_id, count in writes.items()
        if stripe_id in outcome.books.stripe_invoices
    }
