"""Decimal amounts: reading, rounding and writing them as FreshBooks does."""

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.core.switches import Switches

ZERO = Decimal(0)
ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
THREE_DECIMAL = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_NUMBER = re.compile(r"-?\d{1,13}(\.\d{1,10})?")


def read_decimal(value: Any) -> Decimal | None:
    """A plain decimal from a string or JSON number; None if it is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    if isinstance(value, Decimal) and value.adjusted() > 20:  # 1e999999999 would be a long text
        return None
    text = value.strip() if isinstance(value, str) else f"{value:f}" if value else "0"
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def plain(number: Decimal) -> str:
    """Without exponent and trailing zeros: `5`, `12.5`."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


class MoneyRules:
    """Rounding and formatting, as the switches say."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches

    def places(self, currency: str) -> int:
        """Digits after the point that an amount of this currency is kept with."""
        if self._switches["money_precision"] == "two_places":
            return 2
        return 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2

    def round(self, amount: Decimal, currency: str) -> Decimal:
        """To the places of the currency."""
        half_up = self._switches["rounding_mode"] == "half_up"
        unit = Decimal(1).scaleb(-self.places(currency))
        return amount.quantize(unit, ROUND_HALF_UP if half_up else ROUND_HALF_EVEN)

    def fits(self, amount: Decimal, currency: str) -> bool:
        """Whether rounding loses nothing."""
        return self.round(amount, currency) == amount

    def json(self, amount: Decimal, currency: str) -> dict[str, str]:
        """`{"amount": "12.30", "code": "CAD"}`; more digits are kept if there are any."""
        shown = self.places(currency)
        if self._switches["zero_decimal_format"] == "two_places":
            shown = max(shown, 2)
        digits = max(shown, len(plain(amount).partition(".")[2]))
        return {"amount": f"{amount:.{digits}f}", "code": currency}
