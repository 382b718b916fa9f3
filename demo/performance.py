"""One performance of the demo: connect, play the month, hold it against what was meant, show it."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from demo.business import Business, books_of
from demo.checks import (
    Check,
    Outcome,
    Trouble,
    all_checks,
    expected_discrepancies,
    found_discrepancies,
)
from demo.killing import Killer
from demo.month import BusinessPlan
from demo.onboarding import Operator, connect
from demo.play import NotInStepError, Play
from demo.report import Report
from demo.requests_made import RequestsMade
from demo.simulators import Simulator
from demo.stack import Stack, StackError
from demo.standing import read_standing

OPERATOR = "operator"
PATIENCE_S = 180
GOAL_S = 90
TROUBLES = (
    "drop_webhook",
    "duplicate_webhook",
    "status_429",
    "status_500",
    "reset_after",
    "timeout_after",
)


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """How it ended."""

    checks: tuple[Check, ...]
    outcomes: tuple[Outcome, ...]
    facts: dict[str, Any]

    @property
    def held(self) -> bool:
        """Whether every promise held."""
        return bool(self.checks) and all(check.held for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """`end_state` has neither ids nor times: it is the same however often a worker died."""
        return {
            "held": self.held,
            "checks": [
                {"name": one.name, "held": one.held, "expected": one.expected, "found": one.found}
                for one in self.checks
            ],
            "end_state": {
                outcome.business.plan.name: end_state(outcome) for outcome in self.outcomes
            },
            **self.facts,
        }


class Demo:
    """Everything that happens while the stack is up."""

    def __init__(self, stack: Stack, plans: Sequence[BusinessPlan], report: Report) -> None:
        self._stack, self._report = stack, report
        self._freshbooks = Simulator("FreshBooks", stack.freshbooks_url)
        self._stripe = Simulator("Stripe", stack.stripe_url)
        self._businesses = [
            Business(
                plan,
                self._freshbooks,
                self._stripe,
                today=datetime.now(ZoneInfo("America/New_York")).date(),
            )
            for plan in plans
        ]
        self._play = Play(self._businesses, self._freshbooks, self._stripe, report.say)
        self._password = secrets.token_urlsafe(12)

    def perform(
        self, *, at_seconds: Sequence[float] = (), after_calls: Sequence[int] = ()
    ) -> DemoResult:
        """Connect both tenants, play the month, check, show."""
        killer = Killer(self._stack, at_seconds=at_seconds, after_calls=after_calls)
        self._connect_tenants()
        connected_s = self._report.seconds
        killer.start()
        late: list[str] = []
        try:
            self._play_month()
        except NotInStepError as error:
            late.append(str(error))
            self._report.failed(str(error), error.mismatches)
        finally:
            killer.stop()
        if killer.kills:
            self._report.say(f"the worker was killed {killer.kills} times meanwhile")
        failed = self._stack.manage_json("jobs", "--failed")
        outcomes = self._reconcile()
        trouble = self._trouble(killer, failed, late)
        made = RequestsMade(self._stack.record_file)
        checks = all_checks(outcomes, made, trouble, self._stack)
        facts = {
            "seconds": {
                "connected": round(connected_s, 1),
                "end": round(self._report.seconds, 1),
            },
            "memory_mb": self._stack.memory_mb(),
            "trouble": asdict(trouble),
        }
        result = DemoResult(checks=tuple(checks), outcomes=tuple(outcomes), facts=facts)
        self._show(result)
        return result

    def _connect_tenants(self) -> None:
        with ThreadPoolExecutor() as together:
            made = together.submit(self._make_operator)
            self._play.before_connecting()
            made.result()
        operator = Operator(self._stack.base_url, user=OPERATOR, password=self._password)
        for business in self._businesses:
            business.tenant_id = operator.add_tenant(business)
            connect(operator.make_link(business.tenant_id), business)
            self._report.say(f"{business.plan.name} is live, payment mode {business.plan.mode}")
        self._operator = operator

    def _make_operator(self) -> None:
        self._stack.manage(
            *("createsuperuser", "--noinput", "--username", OPERATOR),
            *("--email", "operator@connector.example"),
            extra={"DJANGO_SUPERUSER_PASSWORD": self._password},
        )

    def _play_month(self) -> None:
        self._play.first_import()
        self._play.new_invoices()
        self._play.first_payments()
        self._play.later_payments()

    def _reconcile(self) -> list[Outcome]:
        """Have everything compared once more, follow that work to its end, ask how it stands."""
        slugs = [business.plan.slug for business in self._businesses]
        with ThreadPoolExecutor() as together:
            list(together.map(self._compare, slugs))
            self._report.say("everything was compared once more")
            standings = list(together.map(lambda slug: read_standing(self._stack, slug), slugs))
        books = books_of(self._businesses)
        return [
            Outcome(business=business, books=book, standing=standing)
            for business, book, standing in zip(self._businesses, books, standings, strict=True)
        ]

    def _compare(self, slug: str) -> None:
        try:
            self._stack.manage("reconcile", slug, "--wait", str(PATIENCE_S))
        except StackError as error:
            self._report.failed("The comparison did not come to its end", [error])

    def _trouble(self, killer: Killer, failed: object, late: list[str]) -> Trouble:
        struck = self._freshbooks.struck() + self._stripe.struck()
        return Trouble(
            expiries=self._play.expiries,
            planned_kills=killer.planned,
            kills=killer.kills,
            killer_errors=killer.errors,
            struck={kind: struck[kind] for kind in TROUBLES},
            failed_jobs=failed if isinstance(failed, list) else [failed],
            late=late,
            unlike_the_vendors=[*self._freshbooks.violations(), *self._stripe.violations()],
        )

    def _show(self, result: DemoResult) -> None:
        for outcome in result.outcomes:
            self._report.invoices(outcome)
            self._report.totals(outcome)
            self._report.discrepancies(outcome, expected_discrepancies(outcome))
        self._report.work(result.outcomes)
        self._report.checks(result.checks)
        self._report.facts("Measured", self._measured(result))
        self._report.facts("Look around", self._addresses(result.outcomes[0]))

    def _measured(self, result: DemoResult) -> list[tuple[str, str]]:
        memory: dict[str, int] = result.facts["memory_mb"]
        requests = Counter(one.vendor for one in RequestsMade(self._stack.record_file).all)
        struck = result.facts["trouble"]["struck"]
        return [
            ("Connected after", f"{result.facts['seconds']['connected']} s"),
            (
                "Month played after",
                f"{result.facts['seconds']['end']} s (goal: {GOAL_S} s on 2 idle cores)",
            ),
            (
                "Memory",
                ", ".join(f"{name} {used} MB" for name, used in memory.items())
                + f", together {sum(memory.values())} MB",
            ),
            ("Requests", ", ".join(f"{name} {count}" for name, count in sorted(requests.items()))),
            ("Trouble", ", ".join(f"{kind} ×{count}" for kind, count in struck.items())),
        ]

    def _addresses(self, outcome: Outcome) -> list[tuple[str, str]]:
        stack, business = self._stack, outcome.business
        figures = [outcome.books.of(one.freshbooks_id) for one in business.expected.values()]
        unpaid = [one.hosted_url for one in figures if one.stripe_status == "open"]
        timeline = max(
            business.expected.values(), key=lambda one: (one.card_payments, one.revisions)
        )
        number = outcome.books.of(timeline.freshbooks_id).number
        return [
            ("Admin", f"{stack.base_url}/admin/"),
            ("  login", f"{OPERATOR} / {self._password}"),
            ("FreshBooks (simulated)", f"{stack.freshbooks_url}/business/{business.account_id}"),
            ("Stripe (simulated)", f"{stack.stripe_url}/"),
            ("Pay an invoice by hand", next(iter(unpaid), "all are paid")),
            (
                f"Timeline of invoice {number.lstrip('0')}",
                self._operator.find_invoice(business.tenant_id, number),
            ),
        ]


def end_state(outcome: Outcome) -> dict[str, Any]:
    """What is left when all is done: the same for the same month, whatever happened on the way."""
    rows = {}
    for one in outcome.business.expected.values():
        found = outcome.books.of(one.freshbooks_id)
        seen = outcome.standing.invoices.get(one.freshbooks_id)
        rows[one.key] = {
            "number": found.number,
            "currency": one.currency,
            "freshbooks": [found.freshbooks_total, found.freshbooks_outstanding],
            "stripe": [found.stripe_status, found.stripe_total, found.stripe_remaining],
            "living_stripe_invoices": found.alive,
            "collected": found.collected,
            "returned": one.returned,
            "recorded": [found.recorded, found.recorded_payments],
            "by_people": found.by_people,
            "reported": found.reported,
            "product": asdict(seen) if seen else None,
        }
    return {"invoices": rows, "discrepancies": found_discrepancies(outcome)}
