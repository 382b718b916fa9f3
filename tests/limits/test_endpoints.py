"""Which operations share one of Stripe's endpoints: held to the page that lists all calls."""

from __future__ import annotations

from collections import defaultdict

from connector.limits import budgets
from connector.vendors.stripe.endpoints import endpoint_of
from tests.docs.reading import rows, text_of


def _calls() -> dict[str, str]:
    """Method and path of each Stripe operation, as docs/vendor-calls.md has them."""
    cells = rows(text_of("docs", "vendor-calls.md"))
    return {
        one[0].strip("`"): one[2]
        for one in cells
        if one[0].startswith("`stripe.") and not one[0].startswith("`stripe.probe.")
    }


def test_operations_share_a_budget_if_and_only_if_they_share_method_and_path() -> None:
    endpoints: dict[str, set[str]] = defaultdict(set)
    calls = _calls()
    for operation, call in calls.items():
        endpoints[call].add(endpoint_of(operation))
    assert len(calls) > 30
    assert [one for one in endpoints.values() if len(one) != 1] == []
    assert len({name for one in endpoints.values() for name in one}) == len(endpoints)


def test_probes_have_the_accounts_budget_only() -> None:
    assert endpoint_of("stripe.probe.invoices") == ""


def test_freshbooks_has_one_endpoint_with_a_known_limit() -> None:
    assert budgets.endpoint_of("freshbooks", "freshbooks.oauth.identity")
    assert budgets.endpoint_of("freshbooks", "freshbooks.invoices.get") == ""
    budget = budgets.endpoint_budget("freshbooks")
    assert budget.rate_per_s * 60 + budget.burst <= 20, "a minute"
