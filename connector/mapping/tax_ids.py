"""A client's tax number to a Stripe tax id, when its type is certain from its own form.

Stripe refuses the whole customer for one wrong tax id, so a number that could be two things, or
whose country contradicts it, is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

EU_VAT = {
    "AT": r"U[0-9]{8}",
    "BE": r"[01][0-9]{9}",
    "BG": r"[0-9]{9,10}",
    "CY": r"[0-9]{8}[A-Z]",
    "CZ": r"[0-9]{8,10}",
    "DE": r"[0-9]{9}",
    "DK": r"[0-9]{8}",
    "EE": r"[0-9]{9}",
    "EL": r"[0-9]{9}",
    "ES": r"[A-Z0-9][0-9]{7}[A-Z0-9]",
    "FI": r"[0-9]{8}",
    "FR": r"[A-Z0-9]{2}[0-9]{9}",
    "HR": r"[0-9]{11}",
    "HU": r"[0-9]{8}",
    "IE": r"[0-9]{7}[A-Z]{1,2}|[0-9][A-Z][0-9]{5}[A-Z]",
    "IT": r"[0-9]{11}",
    "LT": r"[0-9]{9}|[0-9]{12}",
    "LU": r"[0-9]{8}",
    "LV": r"[0-9]{11}",
    "MT": r"[0-9]{8}",
    "NL": r"[0-9]{9}B[0-9]{2}",
    "PL": r"[0-9]{10}",
    "PT": r"[0-9]{9}",
    "RO": r"[0-9]{2,10}",
    "SE": r"[0-9]{12}",
    "SI": r"[0-9]{8}",
    "SK": r"[0-9]{10}",
    "XI": r"[0-9]{9}|[0-9]{12}",
}
_EU_COUNTRIES = (frozenset(EU_VAT) - {"EL", "XI"}) | {"GR", "GB"}  # GB: Northern Ireland's XI
_ABN_WEIGHTS = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
# (country the client must be in or "" for any, form without separators, Stripe's type)
_NATIONAL_FORMS = (
    ("GB", r"GB([0-9]{9}|[0-9]{12}|GD[0-9]{3}|HA[0-9]{3})", "gb_vat"),
    ("NO", r"(NO)?[0-9]{9}MVA", "no_vat"),
    ("CA", r"[0-9]{9}RT[0-9]{4}", "ca_gst_hst"),
    ("CA", r"[0-9]{10}TQ[0-9]{4}", "ca_qst"),
    ("CA", r"[0-9]{9}", "ca_bn"),
    ("IN", r"[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][A-Z0-9]Z[A-Z0-9]", "in_gst"),
    ("AE", r"[0-9]{15}", "ae_trn"),
)


@dataclass(frozen=True)
class TaxId:
    """One entry of Stripe's `tax_id_data`."""

    type: str
    value: str


def to_tax_id(number: str, *, country: str | None) -> TaxId | None:
    """The Stripe tax id for a number as written; None if its type is not certain."""
    written = number.strip().upper()
    plain = re.sub(r"[\s./-]", "", written)
    if not plain.isascii() or len(plain) > 30:
        return None
    return (
        _eu(plain, country)
        or _swiss(plain, country)
        or _australian(plain, country)
        or _american(written, country)
        or _national(plain, country)
    )


def _eu(plain: str, country: str | None) -> TaxId | None:
    if country is not None and country not in _EU_COUNTRIES:
        return None
    prefix, rest = plain[:2].replace("GR", "EL"), plain[2:]
    form = EU_VAT.get(prefix)
    return TaxId("eu_vat", prefix + rest) if form and re.fullmatch(form, rest) else None


def _swiss(plain: str, country: str | None) -> TaxId | None:
    match = re.fullmatch(r"CHE([0-9]{3})([0-9]{3})([0-9]{3})(MWST|TVA|IVA)?", plain)
    if match is None or country not in {None, "CH"}:
        return None
    number = f"CHE-{match[1]}.{match[2]}.{match[3]}"
    return TaxId("ch_vat", f"{number} {match[4]}") if match[4] else TaxId("ch_uid", number)


def _australian(plain: str, country: str | None) -> TaxId | None:
    """An ABN carries its own check digits: 11 digits that pass are no accident."""
    digits = plain.removeprefix("ABN")
    if country != "AU" or not re.fullmatch(r"[1-9][0-9]{10}", digits):
        return None
    weighted = [int(d) * weight for d, weight in zip(digits, _ABN_WEIGHTS, strict=True)]
    valid = (sum(weighted) - _ABN_WEIGHTS[0]) % 89 == 0
    return TaxId("au_abn", digits) if valid else None


def _american(written: str, country: str | None) -> TaxId | None:
    """Only with the EIN's own hyphen: nine bare digits could be a social security number."""
    certain = country == "US" and re.fullmatch(r"[0-9]{2}-[0-9]{7}", written)
    return TaxId("us_ein", written) if certain else None


def _national(plain: str, country: str | None) -> TaxId | None:
    for home, form, kind in _NATIONAL_FORMS:
        if country == home and re.fullmatch(form, plain):
            return TaxId(kind, plain)
    return None
