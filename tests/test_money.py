"""Money is exact in every currency, or refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pycountry
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.currencies import (
    ACTIVE_EXPONENTS,
    EXPONENTS,
    MINIMUM_CHARGE_MINOR,
    WITHOUT_MINOR_UNIT,
    stripe_exponent,
    stripe_step_minor,
)
from connector.errors import AmountNotRepresentable, NotRepresentable, UnsupportedCurrency
from connector.money import Money

every_currency = st.sampled_from(sorted(EXPONENTS))


def carried_by_stripe(currency: str) -> bool:
    try:
        stripe_exponent(currency)
    except UnsupportedCurrency:
        return False
    return True


stripe_currency = st.sampled_from([code for code in sorted(EXPONENTS) if carried_by_stripe(code)])


def test_table_has_exactly_the_active_codes() -> None:
    codes = {currency.alpha_3 for currency in pycountry.currencies}
    assert set(ACTIVE_EXPONENTS) | WITHOUT_MINOR_UNIT == codes
    assert not set(ACTIVE_EXPONENTS) & WITHOUT_MINOR_UNIT


def test_minimum_charges_are_of_known_currencies() -> None:
    assert set(MINIMUM_CHARGE_MINOR) <= set(ACTIVE_EXPONENTS)
    assert all(minor > 0 for minor in MINIMUM_CHARGE_MINOR.values())


@pytest.mark.parametrize(
    ("text", "currency", "minor", "shown"),
    [
        ("5", "JPY", 5, "5"),
        ("5000.00", "JPY", 5000, "5000"),
        ("5", "USD", 500, "5.00"),
        ("5.1", "USD", 510, "5.10"),
        ("5.1000", "USD", 510, "5.10"),
        ("-0.05", "USD", -5, "-0.05"),
        ("-0.00", "USD", 0, "0.00"),
        ("007.50", "USD", 750, "7.50"),
        ("5", "KWD", 5000, "5.000"),
        ("5.124", "KWD", 5124, "5.124"),
        ("1.2345", "CLF", 12345, "1.2345"),
        ("999999999999.99", "USD", 99999999999999, "999999999999.99"),
        (12, "usd", 1200, "12.00"),
        (Decimal("12.50"), "USD", 1250, "12.50"),
        (Decimal("0E-7"), "USD", 0, "0.00"),
        (Decimal("1.2E+3"), "USD", 120000, "1200.00"),
    ],
)
def test_reads_plain_decimals(text: Any, currency: str, minor: int, shown: str) -> None:
    money = Money.from_decimal(text, currency)
    assert money == Money(minor, currency.upper())
    assert money.to_decimal_string() == shown


@pytest.mark.parametrize(
    "bad",
    [
        *("", " ", "5 ", " 5", "5 000", "1,000.00", "1_000", "+5", "--5", ".5", "5.", "5.0.0"),
        *("1e3", "1E-2", "NaN", "nan", "Infinity", "-Infinity", "0x10", "５", "٣", "5\x00", "5\n"),
        *("1234567890123", "1" * 30, "0." + "0" * 41, "5.001", "$5", "1/2"),
        *(Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+999999")),
        *(Decimal("1E-999999"), Decimal("0.001"), 10**12, 10**100, True, False, None, b"5"),
        *(5.0, 0.1, float("nan"), [5], {}),
    ],
)
def test_refuses_what_is_no_exact_amount(bad: Any) -> None:
    with pytest.raises(AmountNotRepresentable):
        Money.from_decimal(bad, "USD")


@pytest.mark.parametrize("bad", ["", "US", "USDD", "XAU", "XXX", "XTS", "ABC", "ıNR", "ＵＳＤ"])
def test_refuses_unknown_currencies(bad: str) -> None:
    with pytest.raises(UnsupportedCurrency):
        Money.from_decimal("5", bad)
    with pytest.raises(UnsupportedCurrency):
        Money.from_stripe(5, bad)
    with pytest.raises(UnsupportedCurrency):
        Money.zero(bad)


def test_money_itself_takes_integers_and_upper_case_only() -> None:
    with pytest.raises(AmountNotRepresentable):
        Money(5.0, "USD")  # type: ignore[arg-type]
    with pytest.raises(AmountNotRepresentable):
        Money(amount_minor=True, currency="USD")
    with pytest.raises(UnsupportedCurrency):
        Money(5, "usd")
    with pytest.raises(AmountNotRepresentable):
        Money.from_stripe("5", "usd")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("money", "stripe"),
    [
        (Money(1050, "USD"), 1050),
        (Money(-1050, "USD"), -1050),
        (Money(5000, "JPY"), 5000),
        (Money(5120, "KWD"), 5120),
        (Money(5130, "BHD"), 5130),
        (Money(50, "ISK"), 5000),
        (Money(50, "UGX"), 5000),
        (Money(17500, "HUF"), 17500),
        (Money(500, "TWD"), 500),
        (Money(500, "MGA"), 5),
    ],
)
def test_stripe_scales(money: Money, stripe: int) -> None:
    assert money.to_stripe() == stripe
    assert Money.from_stripe(stripe, money.currency.lower()) == money


@pytest.mark.parametrize("money", [Money(5124, "KWD"), Money(1, "TND"), Money(550, "MGA")])
def test_refuses_digits_that_stripe_has_no_place_for(money: Money) -> None:
    with pytest.raises(AmountNotRepresentable):
        money.to_stripe()


@pytest.mark.parametrize(("amount", "currency"), [(5050, "isk"), (1, "ugx")])
def test_refuses_stripe_amounts_with_digits_the_currency_has_not(
    amount: int, currency: str
) -> None:
    with pytest.raises(AmountNotRepresentable):
        Money.from_stripe(amount, currency)


@pytest.mark.parametrize("currency", ["IQD", "LYD", "CLF", "UYW", "UYI"])
def test_refuses_currencies_whose_stripe_scale_is_not_documented(currency: str) -> None:
    with pytest.raises(UnsupportedCurrency):
        Money(1000, currency).to_stripe()


def test_arithmetic_and_order() -> None:
    five, two = Money(500, "USD"), Money(200, "USD")
    assert five + two == Money(700, "USD")
    assert two - five == Money(-300, "USD")
    assert -five == Money(-500, "USD")
    assert two < five
    assert five > two
    assert five <= five  # noqa: PLR0124 - equality is what is tested
    assert (two - five).is_negative
    assert not five.is_negative
    assert Money.zero("USD").is_zero
    assert str(five) == "5.00 USD"
    assert len({five, Money(500, "USD"), Money(500, "CAD")}) == 2


def test_currencies_never_mix() -> None:
    usd, cad = Money(500, "USD"), Money(500, "CAD")
    assert usd != cad
    for mixed in (
        lambda: usd + cad,
        lambda: usd - cad,
        lambda: usd < cad,
        lambda: usd <= cad,
        lambda: usd > cad,
    ):
        with pytest.raises(UnsupportedCurrency):
            mixed()


@settings(deadline=None, max_examples=300)
@given(every_currency, st.integers(-(10**11), 10**11))
def test_decimal_text_round_trips_in_every_currency(currency: str, minor: int) -> None:
    money = Money(minor, currency)
    text = money.to_decimal_string()
    assert Money.from_decimal(text, currency) == money
    assert len(text.partition(".")[2]) == EXPONENTS[currency]


@settings(deadline=None, max_examples=300)
@given(stripe_currency, st.integers(-(10**11), 10**11))
def test_stripe_amounts_round_trip_in_every_currency(currency: str, steps: int) -> None:
    money = Money(steps * stripe_step_minor(currency), currency)
    assert Money.from_stripe(money.to_stripe(), currency.lower()) == money


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=40), every_currency)
def test_any_text_is_read_exactly_or_refused(text: str, currency: str) -> None:
    try:
        money = Money.from_decimal(text, currency)
    except NotRepresentable:
        return
    assert Decimal(money.to_decimal_string()) == Decimal(text)
