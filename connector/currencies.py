"""Facts about currencies: ISO 4217 exponents, Stripe's scales, Stripe's minimum charges.

Tables and look-ups only; arithmetic is in `connector.money`. The tables stand here, and not in a
library, because a changed exponent in an upgrade would silently move money by a factor of ten.
"""

from __future__ import annotations

from connector.errors import UnsupportedCurrency

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_TWO_DECIMALS = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF
    CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR
    PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP
    TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
# Withdrawn from ISO 4217 lately; old invoices still carry them.
_RETIRED_TWO_DECIMALS = "ANG BGN CUC HRK SLL STD ZWL"

ACTIVE_EXPONENTS: dict[str, int] = {
    code: exponent
    for exponent, codes in (
        (0, _NO_DECIMALS),
        (2, _TWO_DECIMALS),
        (3, _THREE_DECIMALS),
        (4, _FOUR_DECIMALS),
    )
    for code in codes.split()
}
EXPONENTS: dict[str, int] = ACTIVE_EXPONENTS | dict.fromkeys(_RETIRED_TWO_DECIMALS.split(), 2)

# ISO 4217 codes that have no minor unit at all: metals, bond units, tests, "no currency".
_NO_MINOR_UNIT = "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX"
WITHOUT_MINOR_UNIT = frozenset(_NO_MINOR_UNIT.split())

# docs.stripe.com/currencies. Stripe's scale differs from ISO 4217 for three codes: MGA is whole
# units at Stripe, ISK and UGX are hundredths that must end in 00.
_STRIPE_WHOLE_UNITS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_STRIPE_ZERO_DECIMAL = frozenset(_STRIPE_WHOLE_UNITS.split())
_STRIPE_HUNDREDTHS_OF_WHOLE_UNITS = frozenset({"ISK", "UGX"})
_STRIPE_THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

# The smallest invoice Stripe collects, in ISO 4217 minor units. Below it an invoice turns paid by
# itself and the amount goes to the customer's balance. Not every currency is known; the limit also
# applies to the settlement currency, which is not known here.
MINIMUM_CHARGE_MINOR: dict[str, int] = {
    "AED": 200,
    "AUD": 50,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 1500,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "INR": 50,
    "JPY": 50,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 1000,
    "USD": 50,
}


def exponent(currency: str) -> int:
    """The number of decimal places of an upper-case ISO 4217 code.

    Raises: UnsupportedCurrency for an unknown code and for one without a minor unit (XAU, XXX).
    """
    places = EXPONENTS.get(currency)
    if places is None:
        raise UnsupportedCurrency(
            f"Currency {currency[:12]!r} is not a known ISO 4217 currency with a minor unit.",
            next_step="Correct the currency of the document.",
        )
    return places


def stripe_exponent(currency: str) -> int:
    """The number of decimal places in Stripe's integers for this currency.

    Raises: UnsupportedCurrency if the scale Stripe would use is not documented.
    """
    iso = exponent(currency)
    if currency in _STRIPE_ZERO_DECIMAL:
        return 0
    if currency in _STRIPE_HUNDREDTHS_OF_WHOLE_UNITS or iso == 2:
        return 2
    if currency in _STRIPE_THREE_DECIMAL:
        return 3
    raise UnsupportedCurrency(
        f"Stripe does not document how it counts {currency}, so no amount in it can be sent.",
        next_step="Collect this document in another way, or issue it in another currency.",
        vendor="stripe",
    )


def stripe_step_minor(currency: str) -> int:
    """The smallest amount Stripe can carry, in our minor units: 10 for KWD, 100 for MGA, else 1.

    Raises: UnsupportedCurrency if the scale Stripe would use is not documented.
    """
    if currency in _STRIPE_THREE_DECIMAL:
        return 10
    return int(10 ** max(0, exponent(currency) - stripe_exponent(currency)))
