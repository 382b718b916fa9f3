"""What Stripe knows about currencies: which it takes, their least charge, amounts it refuses."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from sandbox.stripe.errors import StripeRefusedError, refuse

ZERO_DECIMAL = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ],
)
# No minor unit in practice, yet written with two places that must be zero.
TWO_PLACES_ALWAYS_ZERO = frozenset({"isk", "ugx"})
THREE_DECIMAL = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])
TWO_DECIMAL = frozenset(
    [
        "aed",
        "afn",
        "all",
        "amd",
        "ang",
        "aoa",
        "ars",
        "aud",
        "awg",
        "azn",
        "bam",
        "bbd",
        "bdt",
        "bgn",
        "bmd",
        "bnd",
        "bob",
        "brl",
        "bsd",
        "bwp",
        "byn",
        "bzd",
        "cad",
        "cdf",
        "chf",
        "cny",
        "cop",
        "crc",
        "cve",
        "czk",
        "dkk",
        "dop",
        "dzd",
        "egp",
        "etb",
        "eur",
        "fjd",
        "fkp",
        "gbp",
        "gel",
        "gip",
        "gmd",
        "gtq",
        "gyd",
        "hkd",
        "hnl",
        "htg",
        "huf",
        "idr",
        "ils",
        "inr",
        "isk",
        "jmd",
        "kes",
        "kgs",
        "khr",
        "kyd",
        "kzt",
        "lak",
        "lbp",
        "lkr",
        "lrd",
        "lsl",
        "mad",
        "mdl",
        "mkd",
        "mmk",
        "mnt",
        "mop",
        "mur",
        "mvr",
        "mwk",
        "mxn",
        "myr",
        "mzn",
        "nad",
        "ngn",
        "nio",
        "nok",
        "npr",
        "nzd",
        "pab",
        "pen",
        "pgk",
        "php",
        "pkr",
        "pln",
        "qar",
        "ron",
        "rsd",
        "rub",
        "sar",
        "sbd",
        "scr",
        "sek",
        "sgd",
        "shp",
        "sle",
        "sos",
        "srd",
        "std",
        "szl",
        "thb",
        "tjs",
        "top",
        "try",
        "ttd",
        "twd",
        "tzs",
        "uah",
        "ugx",
        "usd",
        "uyu",
        "uzs",
        "wst",
        "xcd",
        "yer",
        "zar",
        "zmw",
    ],
)
SUPPORTED = ZERO_DECIMAL | TWO_DECIMAL | THREE_DECIMAL
LEAST_CHARGE = {
    **dict.fromkeys(("usd", "eur", "cad", "aud", "nzd", "chf", "inr", "sgd", "brl"), 50),
    "gbp": 30,
    "jpy": 50,
    "sek": 300,
    "nok": 300,
    "dkk": 250,
    "mxn": 1000,
    "hkd": 400,
    "pln": 200,
    "czk": 1500,
    "huf": 17500,
    "ron": 200,
    "aed": 200,
    "myr": 200,
    "thb": 1000,
}
ROUNDINGS = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "down": ROUND_DOWN,
}


def check_currency(currency: str, *, param: str) -> str:
    """Give the currency in lower case; refuse one that Stripe does not take."""
    lower = currency.lower()
    if lower not in SUPPORTED:
        known = ", ".join(sorted(SUPPORTED))
        raise refuse(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: {known}",
            param=param,
        )
    return lower


def least_charge(currency: str) -> int:
    """Give the smallest amount that can be charged, in minor units."""
    return LEAST_CHARGE.get(currency, 1)


def check_chargeable(amount: int, currency: str, *, param: str) -> None:
    """Refuse amounts whose last digits the currency cannot have."""
    if currency in THREE_DECIMAL and amount % 10:
        raise refuse(
            f"Invalid {param}: amounts in {currency} must have a least-significant digit of 0",
            param=param,
        )
    if currency in TWO_PLACES_ALWAYS_ZERO and amount % 100:
        raise refuse(f"Invalid {param}: amounts in {currency} must end in 00", param=param)


def too_small(currency: str) -> StripeRefusedError:
    """Give the refusal of a charge below the currency's minimum."""
    least = shown(least_charge(currency), currency)
    return refuse(f"Amount must be at least {least}", param="amount", code="amount_too_small")


def places(currency: str) -> int:
    """Give the number of decimal places that amounts of a currency are written with."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def shown(amount: int, currency: str) -> str:
    """Write an amount for people, e.g. `1,260.50 USD`."""
    scaled = Decimal(amount).scaleb(-places(currency))
    return f"{scaled:,.{places(currency)}f} {currency.upper()}"


def parsed(text: str, currency: str) -> int | None:
    """Read an amount typed by a person; None when it is none or too fine."""
    cleaned = text.replace(",", "").strip()
    try:
        scaled = Decimal(cleaned).scaleb(places(currency))
    except ArithmeticError:
        return None
    return int(scaled) if scaled.is_finite() and scaled == scaled.to_integral_value() else None


def rounded(value: Decimal, rule: str) -> int:
    """Round to whole minor units by a named rule."""
    return int(value.quantize(Decimal(1), rounding=ROUNDINGS[rule]))
