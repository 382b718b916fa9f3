"""Money: an exact number of minor units of one currency.

The only place that turns decimals or Stripe's integers into amounts and back. No `float`, no
rounding: what does not fit exactly is refused. Currency facts are in `connector.currencies`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from connector.currencies import exponent, stripe_exponent
from connector.errors import AmountNotRepresentable, UnsupportedCurrency

MAX_INTEGER_DIGITS = 12
_PLAIN_DECIMAL = re.compile(r"(-?)([0-9]{1,40})(?:\.([0-9]{1,40}))?")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in ISO 4217 minor units, and its upper-case currency code."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise AmountNotRepresentable(
                f"An amount is counted in whole minor units, not {type(self.amount_minor).__name__}."
            )
        exponent(self.currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in this currency."""
        return cls(0, currency)

    @classmethod
    def from_decimal(cls, value: str | int | Decimal, currency: str) -> Self:
        """Read an amount in major units such as "1026.90", as FreshBooks writes it.

        Raises: AmountNotRepresentable if it is no plain decimal (NaN, exponent, space, separator),
            has more than 12 integer digits, or has digits that the currency has no place for.
        """
        code = _upper(currency)
        places = exponent(code)
        text = _plain_text(value)
        match = _PLAIN_DECIMAL.fullmatch(text)
        if match is None:
            raise AmountNotRepresentable(f"{text[:60]!r} is not a plain decimal amount.")
        sign, whole, fraction = match[1], match[2], match[3] or ""
        if len(whole.lstrip("0")) > MAX_INTEGER_DIGITS:
            raise AmountNotRepresentable(
                f"{text[:60]!r} has more than {MAX_INTEGER_DIGITS} digits before the point."
            )
        if fraction[places:].strip("0"):
            raise AmountNotRepresentable(
                f"{text[:60]!r} has more decimal places than {code} allows ({places})."
            )
        minor = int(whole + fraction[:places].ljust(places, "0"))
        return cls(-minor if sign else minor, code)

    @classmethod
    def from_stripe(cls, amount: int, currency: str) -> Self:
        """Read Stripe's integer amount with its lower-case currency code.

        Raises: AmountNotRepresentable if Stripe's integer has digits the currency does not have.
        """
        code = _upper(currency)
        shift = exponent(code) - stripe_exponent(code)
        if type(amount) is not int:
            raise AmountNotRepresentable(f"Stripe sent {type(amount).__name__} as an amount.")
        return cls(_shifted(amount, shift, code), code)

    def to_stripe(self) -> int:
        """The integer that Stripe expects for this amount.

        Units: Stripe's own scale; JPY and MGA whole units, ISK and UGX times 100, KWD thousandths.
        Raises: AmountNotRepresentable if digits would be lost, e.g. 5.124 KWD (Stripe takes
            three-decimal amounts only with a last digit of 0); UnsupportedCurrency.
        """
        scale = stripe_exponent(self.currency)
        if scale == 3 and self.amount_minor % 10:
            raise AmountNotRepresentable(
                f"Stripe takes {self.currency} amounts only when the third decimal is 0; "
                f"found {self.to_decimal_string()}.",
                next_step="Round the amount to two decimals in FreshBooks.",
                vendor="stripe",
            )
        return _shifted(self.amount_minor, scale - exponent(self.currency), self.currency)

    def to_decimal_string(self) -> str:
        """Plain decimal text with the currency's number of places: "5000", "5.00", "5.000"."""
        places = exponent(self.currency)
        sign = "-" if self.amount_minor < 0 else ""
        digits = str(abs(self.amount_minor)).rjust(places + 1, "0")
        if places == 0:
            return sign + digits
        return f"{sign}{digits[:-places]}.{digits[-places:]}"

    @property
    def is_zero(self) -> bool:
        """Whether the amount is nothing."""
        return self.amount_minor == 0

    @property
    def is_negative(self) -> bool:
        """Whether the amount is below nothing."""
        return self.amount_minor < 0

    def __str__(self) -> str:
        return f"{self.to_decimal_string()} {self.currency}"

    def __add__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.amount_minor - other.amount_minor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount_minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._require_same_currency(other)
        return self.amount_minor < other.amount_minor

    def __le__(self, other: Money) -> bool:
        self._require_same_currency(other)
        return self.amount_minor <= other.amount_minor

    def _require_same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise UnsupportedCurrency(
                f"Amounts in {self.currency} and {other.currency} cannot be put together."
            )


def _upper(currency: str) -> str:
    """Upper-case an ASCII code; anything else stays as it is and is then refused as unknown."""
    return currency.upper() if currency.isascii() else currency


def _plain_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        # The bound keeps format() from writing out Decimal("1E+999999") digit by digit.
        if not value.is_finite() or not -40 <= value.adjusted() <= 40:
            raise AmountNotRepresentable("An amount must be a finite decimal of a sensible size.")
        return format(value, "f")
    if type(value) is int:
        if value.bit_length() > 128:
            raise AmountNotRepresentable("An amount must be of a sensible size.")
        return str(value)
    raise AmountNotRepresentable(f"{type(value).__name__} is not an exact amount.")


def _shifted(amount: int, places: int, currency: str) -> int:
    """Move the decimal point by so many places, refusing to drop a digit that is not 0."""
    if places >= 0:
        return amount * int(10**places)
    quotient, remainder = divmod(amount, int(10**-places))
    if remainder:
        raise AmountNotRepresentable(
            f"An amount in {currency} has decimals that do not exist between us and Stripe.",
            next_step=f"Round the amount to whole {currency}.",
            vendor="stripe",
        )
    return quotient
