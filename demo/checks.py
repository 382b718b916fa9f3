"""Everything that must hold at the end, each with what was expected and what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from demo.books import Books
from demo.business import Business
from demo.expected import OBSERVE, Expected, InStripe
from demo.month import Fate
from demo.requests_made import RequestsMade
from demo.stack import PROCESSES, Stack
from demo.standing import Standing

MOST_MAKING_WRITES = 3
LOST = frozenset({Fate.LOST_CREATION, Fate.LOST_PAYMENT})
SEEN_AS = {InStripe.OPEN: "open", InStripe.PAID: "settled"}
FINE_STATES = frozenset({"done", "superseded"})
POLLS = 2  # jobs of each tenant that come again every few seconds and may be under way


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
    planned_kills: int
    kills: int
    killer_errors: list[str]
    struck: dict[str, int]
    failed_jobs: list[object]
    late: list[str]
    unlike_the_vendors: list[str]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One tenant at the end: what was meant, both books, and what the product says."""

    business: Business
    books: Books
    standing: Standing


def all_checks(
    outcomes: Sequence[Outcome], made: RequestsMade, trouble: Trouble, stack: Stack
) -> list[Check]:
    """The promises of the demo, first each tenant's, then those about every request."""
    checks = []
    for outcome in outcomes:
        checks += tenant_checks(outcome, made)
    return checks + request_checks(made, trouble) + stack_checks(stack)


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
    costly = _costly(made, outcome)
    checks = [
        Check(
            f"{name}: both books are as expected for all {len(expected)} invoices", [], mismatches
        ),
        Check(f"{name}: difference 0 for all {len(synced)} synced invoices", [], differing),
        Check(
            f"{name}: everything whose webhooks were lost was found by polling",
            [],
            [one.key for one in expected if one.fate in LOST and _is_off(outcome, one)],
        ),
        Check(f"{name}: at most one living Stripe invoice each", [], doubled),
        Check(f"{name}: at most {MOST_MAKING_WRITES} Stripe writes per new invoice", {}, costly),
        Check(
            f"{name}: discrepancies are the expected ones",
            expected_discrepancies(outcome),
            found_discrepancies(outcome),
        ),
        Check(f"{name}: the product's own report tells the same", [], _wrongly_told(outcome)),
        Check(f"{name}: every job is done", {}, _not_done(outcome.standing)),
    ]
    if business.plan.mode == OBSERVE:
        writes = made.payment_writes(business.account_id)
        checks.append(Check(f"{name}: observes, so no payment was written", [], writes))
    else:
        lacking = [
            one.key
            for one in expected
            if figures[one.key].recorded != figures[one.key].collected - one.returned
        ]
        checks.append(
            Check(f"{name}: FreshBooks has all that Stripe collected and kept", [], lacking)
        )
    return checks


def request_checks(made: RequestsMade, trouble: Trouble) -> list[Check]:
    """What must hold for all requests to both vendors."""
    # A worker that is killed between a refresh and its saving has to refresh once more.
    refreshes = made.refreshes()
    allowed = range(trouble.expiries, trouble.expiries + trouble.kills + 1)
    quiet = [kind for kind, count in trouble.struck.items() if count == 0]
    return [
        Check("no invoice status was ever written to FreshBooks", [], made.status_writes()),
        Check("no job failed for good or waits for a person", [], trouble.failed_jobs),
        Check("no payment was sent to FreshBooks twice", [], made.payments_sent_twice()),
        Check("every repeated write was the same as the first", [], made.altered_repeats()),
        Check(
            "one token refresh per expiry",
            trouble.expiries,
            trouble.expiries if refreshes in allowed else refreshes,
        ),
        Check("both sides came in step in time after each act", [], trouble.late),
        Check("every kind of trouble struck", [], quiet),
        Check("the worker was killed as planned", trouble.planned_kills, trouble.kills),
        Check("no simulator said what its vendor would not", [], trouble.unlike_the_vendors),
        Check("nothing went wrong with killing it", [], trouble.killer_errors),
    ]


def stack_checks(stack: Stack) -> list[Check]:
    """What must hold for the processes and for the audit trail."""
    chains = stack.manage_json("verify_audit")
    broken = [row for row in chains if not row["intact"]] if isinstance(chains, list) else [chains]
    return [
        Check("the audit trail of both tenants is intact", [], broken),
        Check("no process logged an error", [], list(_logged_errors(stack))),
    ]


def _logged_errors(stack: Stack) -> Iterator[str]:
    for name in PROCESSES:
        with (stack.log_dir / f"{name}.log").open(encoding="utf-8", errors="replace") as log:
            for line in log:
                if '"level": "error"' in line or line.startswith("Traceback"):
                    yield f"{name}: {line[:300].strip()}"


def expected_discrepancies(outcome: Outcome) -> list[tuple[str, str]]:
    """Invoice and kind of every discrepancy that must be reported."""
    return sorted(
        (one.key, kind) for one in outcome.business.expected.values() for kind in one.discrepancies
    )


def found_discrepancies(outcome: Outcome) -> list[tuple[str, str]]:
    """Invoice and kind of every discrepancy that is reported."""
    keys = {one.freshbooks_id: one.key for one in outcome.business.expected.values()}
    return sorted(
        (keys.get(row.freshbooks_id, str(row.freshbooks_id)), row.kind)
        for row in outcome.standing.discrepancies
    )


def _not_done(standing: Standing) -> dict[str, int]:
    left = {state: count for state, count in standing.jobs.items() if state not in FINE_STATES}
    only_polls = standing.under_way <= POLLS and sum(left.values()) == standing.under_way
    return {} if only_polls else left


def _is_off(outcome: Outcome, one: Expected) -> bool:
    """Whether an invoice is not as expected, in the books or in the product's own view."""
    seen = outcome.standing.invoices.get(one.freshbooks_id)
    known = seen is not None and seen.state == SEEN_AS[one.in_stripe]
    return bool(outcome.books.mismatches([one])) or not known


def _wrongly_told(outcome: Outcome) -> list[str]:
    """Invoices whose difference in outstanding amounts the product does not tell as it is."""
    wrong = []
    for one in outcome.business.expected.values():
        seen = outcome.standing.invoices.get(one.freshbooks_id)
        expected = one.freshbooks_outstanding - one.stripe_remaining if one.synced else None
        if expected is not None and (seen is None or seen.difference != expected):
            wrong.append(f"{one.key}: {expected} expected, {seen and seen.difference} told")
    return wrong


def _costly(made: RequestsMade, outcome: Outcome) -> dict[str, int]:
    """Stripe invoices of this tenant that took more writes than promised."""
    return {
        stripe_id: count
        for stripe_id, count in made.making_writes().items()
        if stripe_id in outcome.books.stripe_invoices and count > MOST_MAKING_WRITES
    }
