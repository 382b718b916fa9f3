"""docs/plans.md names every purpose and state, in the words of the admin."""

from __future__ import annotations

from connector.models import Plan, PlanStep
from tests.docs.reading import rows, text_of


def test_every_purpose_and_state_is_there() -> None:
    table = rows(text_of("docs", "plans.md"))
    shown = [(cells[0].strip("`"), cells[1]) for cells in table]
    for choices in (Plan.State, PlanStep.State):
        assert {(member.value, str(member.label)) for member in choices} <= set(shown)
    purposes = {name for name, _ in shown[: len(Plan.Purpose)]}
    assert purposes == set(Plan.Purpose.values)
    others = {value for value, _ in shown[len(Plan.Purpose) :]}
    assert others == set(Plan.State.values) | set(PlanStep.State.values)
