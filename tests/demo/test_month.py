"""The month is the same for the same seed, to the cent, and has all that it should have."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from demo.month import HISTORY, LIVE, Fate, Invoice, Line, plan_month


def test_the_same_seed_gives_the_same_month() -> None:
    assert plan_month(7) == plan_month(7)
    assert plan_month(7) != plan_month(8)


@pytest.mark.parametrize("seed", range(5))
def test_a_month_has_what_a_month_should_have(seed: int) -> None:
    plans = plan_month(seed)
    invoices = [invoice for plan in plans for invoice in plan.invoices]
    assert len(invoices) >= 60
    assert sum(len(plan.clients) for plan in plans) == 20
    assert {invoice.currency for invoice in invoices} >= {"USD", "CAD", "EUR", "JPY"}
    assert any("." in line.quantity for invoice in invoices for line in invoice.lines)
    assert any(invoice.discount != "0" for invoice in invoices)
    assert max(invoice.days_ago for invoice in invoices) <= 30
    assert {plan.mode for plan in plans} == {"record", "observe"}


@pytest.mark.parametrize("seed", range(5))
def test_both_businesses_have_every_fate_and_fitting_clients(seed: int) -> None:
    for plan in plan_month(seed):
        assert Counter(one.fate for one in plan.invoices) == Counter([*HISTORY, *LIVE])
        assert set(HISTORY + LIVE) == set(Fate)
        for invoice in plan.invoices:
            client = plan.clients[invoice.client]
            assert bool(client.email) == (invoice.fate != Fate.NO_EMAIL)
            assert invoice.total_minor() < 50 or invoice.fate != Fate.TOO_SMALL
            assert invoice.total_minor() > 300 or invoice.fate == Fate.TOO_SMALL


def invoice(currency: str, discount: str, *lines: Line) -> Invoice:
    return Invoice(
        key="x/01",
        fate=Fate.PAID,
        client=0,
        currency=currency,
        days_ago=1,
        due_days=30,
        discount=discount,
        lines=lines,
    )


def test_a_total_is_discounted_first_and_taxed_line_by_line() -> None:
    taxes = (("GST", "5"), ("QST", "9.975"))
    hours = Line(name="Hours", quantity="1.5", unit_cost="85.95", taxes=taxes)
    hinges = Line(name="Hinges", quantity="3", unit_cost="5.50", taxes=())
    # 128.93 (128.925 up) + 16.50 = 145.43; 10 % off: 14.54; GST 5.80, QST 11.57 (of 116.037)
    assert invoice("CAD", "10", hours, hinges).total_minor() == 14543 - 1454 + 580 + 1157


def test_yen_have_no_decimals() -> None:
    line = Line(name="Logo", quantity="0.25", unit_cost="9999", taxes=(("消費税", "10"),))
    assert invoice("JPY", "0", line).total_minor() == 2500 + 250


def test_a_change_adds_one_to_the_first_line() -> None:
    line = Line(name="Logo", quantity="1.5", unit_cost="10.00", taxes=())
    before = invoice("USD", "0", line, replace(line, name="More"))
    assert before.changed().total_minor() - before.total_minor() == 1000
