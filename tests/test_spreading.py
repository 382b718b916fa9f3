"""What is shared by tests is made by one process only."""

from __future__ import annotations

import pytest

from tests.spreading import rank, scope_of

MONEY = "tests/money/test_every_case.py"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/sync/test_x.py::test_a", "tests/sync/test_x.py::test_b[c-d]", True),
        ("tests/sync/test_x.py::test_a", "tests/sync/test_y.py::test_a", False),
        ("tests/flows/test_x.py::test_a", "tests/demo/test_y.py::test_b", True),
        (f"{MONEY}::test_a[record-polling-full]", f"{MONEY}::test_b[record-polling]", True),
        (f"{MONEY}::test_a[record-polling-full]", f"{MONEY}::test_a[record-both-full]", False),
    ],
)
def test_what_stays_together(one: str, other: str, together: bool) -> None:
    assert (scope_of(one) == scope_of(other)) is together


def test_what_takes_long_begins_first() -> None:
    names = ("tests/admin/test_x.py", "tests/demo/test_x.py", "tests/flows/test_x.py")
    assert sorted(names, key=rank) == list(reversed(names))
