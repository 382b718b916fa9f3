"""For any invoice FreshBooks can compute: exactly its total, or NotRepresentable. Nothing else."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP
from fractions import Fraction
from math import floor

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.currencies import EXPONENTS
from connector.errors import NotRepresentable
from connector.mapping.invoices import InvoiceDraft, stripe_sum, to_stripe_invoice
from connector.mapping.taxes import allocate
from connector.money import Money
from connector.vendors.freshbooks.records import FreshBooksInvoice, LineTax
from tests.mapping.builders import NOW, Item, invoice, tax
from tests.mapping.contract import violations

quiet = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def mapped(freshbooks: FreshBooksInvoice) -> InvoiceDraft:
    return to_stripe_invoice(
        freshbooks, customer_id="cus_1", freshbooks_account_id="Kq3ZrP", revision=1, now=NOW
    )


def decimals(low: int, high: int, places: int) -> st.SearchStrategy[str]:
    return st.integers(low * 10**places, high * 10**places).map(
        lambda scaled: (
            f"{'-' if scaled < 0 else ''}{abs(scaled) // 10**places}"
            f".{abs(scaled) % 10**places:0{places}d}"
        )
    )


def taxes(highest: int) -> st.SearchStrategy[tuple[LineTax, ...]]:
    one = st.builds(tax, st.sampled_from(["GST", "PST", ""]), decimals(0, highest, 3))
    return st.lists(one, max_size=2).map(tuple)


texts = st.one_of(st.sampled_from(["Labour", "", "\x00", "שירות", "🛠️" * 50]), st.text(max_size=20))
any_item = st.builds(
    Item,
    quantity=decimals(-3, 999, 3),
    unit_cost=decimals(-50, 5000, 4),
    taxes=taxes(100),
    compounded=st.booleans(),
    name=texts,
    description=texts,
)
# What a business writes: nothing negative, taxes up to 30 %.
plain_item = st.builds(
    Item,
    quantity=decimals(0, 99, 2),
    unit_cost=decimals(0, 500, 2),
    taxes=taxes(30),
    compounded=st.booleans(),
)


@quiet
@given(
    items=st.lists(any_item, max_size=8),
    currency=st.sampled_from(sorted(EXPONENTS)),
    discount=st.one_of(st.just("0"), decimals(0, 100, 2)),
    rounding=st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_DOWN, ROUND_UP]),
    round_each_tax=st.booleans(),
)
def test_any_invoice_is_exact_or_refused(
    items: list[Item], currency: str, discount: str, rounding: str, *, round_each_tax: bool
) -> None:
    freshbooks = invoice(
        items,
        currency=currency,
        discount=discount,
        rounding=rounding,
        round_each_tax=round_each_tax,
    )
    try:
        draft = mapped(freshbooks)
    except NotRepresentable:
        return
    assert not freshbooks.amount.is_negative
    assert stripe_sum(draft.lines) == freshbooks.amount.to_stripe()
    assert violations("/v1/invoices", draft.create) == []
    if draft.lines:
        assert violations("/v1/invoices/{invoice}/add_lines", {"lines": list(draft.lines)}) == []


@quiet
@given(
    items=st.lists(plain_item, min_size=1, max_size=12),
    currency=st.sampled_from(["USD", "CAD", "EUR", "JPY", "HUF", "ISK"]),
    discount=st.one_of(st.just("0"), decimals(0, 100, 1)),
    rounding=st.sampled_from([ROUND_HALF_UP, ROUND_HALF_EVEN]),
    round_each_tax=st.booleans(),
)
def test_an_ordinary_invoice_is_never_refused(
    items: list[Item], currency: str, discount: str, rounding: str, *, round_each_tax: bool
) -> None:
    freshbooks = invoice(
        items,
        currency=currency,
        discount=discount,
        rounding=rounding,
        round_each_tax=round_each_tax,
    )
    assert stripe_sum(mapped(freshbooks).lines) == freshbooks.amount.to_stripe()


@quiet
@given(items=st.lists(plain_item, min_size=1, max_size=6), wrong=st.integers(-500, 500))
def test_a_wrong_total_is_met_exactly_or_refused(items: list[Item], wrong: int) -> None:
    right = invoice(items)
    freshbooks = replace(right, amount=right.amount + Money(wrong, "USD"))
    pairs = sum(len(item.taxes) for item in items)
    try:
        draft = mapped(freshbooks)
    except NotRepresentable:
        assert wrong
        return
    assert stripe_sum(draft.lines) == freshbooks.amount.to_stripe()
    assert abs(wrong) <= 2 * pairs  # one unit of tolerance, and one of FreshBooks' own rounding


@quiet
@given(
    parts=st.lists(st.fractions(-1000, 1000, max_denominator=997), min_size=1, max_size=30),
    off=st.integers(-3, 3),
)
def test_shares_sum_to_the_total_and_keep_their_sign(parts: list[Fraction], off: int) -> None:
    total = floor(sum(parts)) + off
    try:
        shares = allocate(parts, total)
    except NotRepresentable:
        return
    assert sum(shares) == total
    assert all(share * part >= 0 for share, part in zip(shares, parts, strict=True))
