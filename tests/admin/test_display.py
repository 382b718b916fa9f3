"""Amounts, differences and times as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from connector.admin.display import counted, difference, moment, money, outside_link, pretty_json


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (102690, "CAD", "CAD 1,026.90"),
        (5, "CAD", "CAD 0.05"),
        (-102690, "CAD", "−CAD 1,026.90"),
        (-5, "CAD", "−CAD 0.05"),
        (1234500, "JPY", "JPY 1,234,500"),
        (5125, "KWD", "KWD 5.125"),
        (0, "EUR", "EUR 0.00"),
        (None, "CAD", "–"),
        (10, "ZZZ", "10 minor units of ZZZ"),
        (10, "", "10 minor units of an unknown currency"),
    ],
)
def test_amounts(minor: int | None, currency: str, shown: str) -> None:
    assert money(minor, currency) == shown


def test_a_difference_of_one_minor_unit_is_marked() -> None:
    assert "mlc-bad" in difference(1, "CAD")
    assert "mlc-bad" not in difference(0, "CAD")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (-5, "just now"), (90, "1 min ago"), (-7300, "in 2 h"), (200_000, "2 d ago")],
)
def test_times(seconds: int, words: str) -> None:
    assert f">{words}<" in moment(timezone.now() - timedelta(seconds=seconds))


def test_counts() -> None:
    assert counted(1, "job") == "1 job"
    assert counted(1200, "delivery") == "1,200 deliveries"


def test_only_web_addresses_become_links() -> None:
    assert outside_link("javascript:alert(1)", "open") == "open"
    assert "noopener" in outside_link("https://invoice.stripe.com/i/1", "open")


def test_json_is_escaped_and_credentials_in_it_are_masked() -> None:
    shown = pretty_json({"name": "<script>", "api_key": "sk_test_abc", "note": "sk_live_abc"})
    assert "<script>" not in shown
    assert "sk_test_abc" not in shown
    assert "sk_live_abc" not in shown
