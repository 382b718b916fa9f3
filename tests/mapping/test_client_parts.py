"""Countries, provinces, phones and tax numbers: certain, or left alone."""

from __future__ import annotations

from decimal import Decimal

import pycountry
import pytest

from connector.mapping.countries import country_code, province_code
from connector.mapping.phones import to_phone
from connector.mapping.tax_ids import TaxId, to_tax_id
from connector.mapping.text import clean, clean_lines, fit, plain_decimal, shorten


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("Canada", "CA"),
        ("CA", "CA"),
        ("can", "CA"),
        ("United States", "US"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("U. S. A.", "US"),
        ("u.s.", "US"),
        ("The United States of America", "US"),
        ("UK", "GB"),
        ("U.K.", "GB"),
        ("England", "GB"),
        ("Great Britain", "GB"),
        ("Deutschland", "DE"),
        ("DEUTSCHLAND ", "DE"),
        ("Österreich", "AT"),
        ("O\u0308sterreich", "AT"),
        ("Oesterreich", "AT"),
        ("Schweiz", "CH"),
        ("Suisse", "CH"),
        ("Holland", "NL"),
        ("the Netherlands", "NL"),
        ("España", "ES"),
        ("ESPANA", "ES"),
        ("Czech Republic", "CZ"),
        ("Côte d’Ivoire", "CI"),
        ("South Korea", "KR"),
        ("Viet Nam", "VN"),
        ("Turkey", "TR"),
        ("Russia", "RU"),
        ("日本", "JP"),
        ("Ελλάδα", "GR"),
        ("CR", "CR"),
        *(
            (written, None)
            for written in (
                "",
                " ",
                "Korea",
                "Virgin Islands",
                "Atlantis",
                "ZZ",
                "1",
                "\x00",
                "Canada?!x",
            )
        ),
        ("x" * 10_000, None),
    ],
)
def test_country(written: str, code: str | None) -> None:
    assert country_code(written) == code


def test_no_alias_hides_an_iso_name_or_code() -> None:
    for country in pycountry.countries:
        assert country_code(country.alpha_2) == country.alpha_2
        assert country_code(country.alpha_3) == country.alpha_2
        assert country_code(country.name) == country.alpha_2
    for subdivision in pycountry.subdivisions:
        home, _, code = subdivision.code.partition("-")
        if home in {"US", "CA", "AU"}:
            assert province_code(code, home) == province_code(subdivision.name, home) == code


@pytest.mark.parametrize(
    ("written", "country", "code"),
    [
        ("ON", "CA", "ON"),
        ("ontario", "CA", "ON"),
        ("Québec", "CA", "QC"),
        ("P.E.I.", "CA", "PE"),
        ("NSW", "AU", "NSW"),
        ("N.S.W.", "AU", "NSW"),
        ("New York", "US", "NY"),
        ("Washington, D.C.", "US", "DC"),
        ("WA", "US", "WA"),
        ("WA", "AU", "WA"),
        ("Ontario", "US", None),
        ("Bayern", "DE", None),
        ("Ontario", None, None),
        ("", "US", None),
    ],
)
def test_province(written: str, country: str | None, code: str | None) -> None:
    assert province_code(written, country) == code


@pytest.mark.parametrize(
    ("written", "country", "phone"),
    [
        ("613-555-0182", "CA", "+16135550182"),
        ("+49 30 901820", None, "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("(020) 7946-0000", "GB", "+442079460000"),
        ("613-555-0182", None, "613-555-0182"),
        ("12 34 56", "DE", "12 34 56"),
        ("٠٣٠ ٩٠١٨٢٠", "DE", "+4930901820"),
    ],
)
def test_phone(written: str, country: str | None, phone: str) -> None:
    notes: list[str] = []
    assert to_phone([written], country, notes) == phone
    assert notes == []


@pytest.mark.parametrize(
    "written", ["call me", "613-555-0182 / 613-555-0183", "1", "x" * 10_000, "5" * 30, "+" * 20]
)
def test_unusable_phone_is_left_out_and_said_and_the_next_one_taken(written: str) -> None:
    notes: list[str] = []
    assert to_phone([written], "CA", notes) == ""
    assert len(notes) == 1
    assert len(notes[0]) < 120
    assert to_phone([written, "", "613-555-0182"], "CA", notes) == "+16135550182"


def test_extension_is_left_out_and_said() -> None:
    notes: list[str] = []
    assert to_phone(["613-555-0182 ext. 55"], "CA", notes) == "+16135550182"
    assert notes == ["Phone: extension 55 was left out."]


@pytest.mark.parametrize(
    ("written", "country", "expected"),
    [
        ("DE123456789", "DE", TaxId("eu_vat", "DE123456789")),
        ("de 123 456 789", None, TaxId("eu_vat", "DE123456789")),
        ("ATU12345678", "AT", TaxId("eu_vat", "ATU12345678")),
        ("GR123456789", "GR", TaxId("eu_vat", "EL123456789")),
        ("NL123456789B01", "NL", TaxId("eu_vat", "NL123456789B01")),
        ("FRAB123456789", "FR", TaxId("eu_vat", "FRAB123456789")),
        ("GB123456789", "GB", TaxId("gb_vat", "GB123456789")),
        ("GB 123 4567 89", "GB", TaxId("gb_vat", "GB123456789")),
        ("XI123456789", "GB", TaxId("eu_vat", "XI123456789")),
        ("CHE-123.456.789 MWST", "CH", TaxId("ch_vat", "CHE-123.456.789 MWST")),
        ("CHE123456789", None, TaxId("ch_uid", "CHE-123.456.789")),
        ("123456789", "CA", TaxId("ca_bn", "123456789")),
        ("123456789 RT 0001", "CA", TaxId("ca_gst_hst", "123456789RT0001")),
        ("1234567890TQ1234", "CA", TaxId("ca_qst", "1234567890TQ1234")),
        ("51 824 753 556", "AU", TaxId("au_abn", "51824753556")),
        ("ABN 51 824 753 556", "AU", TaxId("au_abn", "51824753556")),
        ("12-3456789", "US", TaxId("us_ein", "12-3456789")),
        ("22AAAAA0000A1Z5", "IN", TaxId("in_gst", "22AAAAA0000A1Z5")),
        ("123456785MVA", "NO", TaxId("no_vat", "123456785MVA")),
        *(
            (written, country, None)
            for written, country in (
                ("", "DE"),
                ("123456789", "DE"),
                ("DE12345678", "DE"),
                ("DE123456789", "US"),
                ("51 824 753 557", "AU"),
                ("51824753556", None),
                ("123456789", "US"),
                ("123-45-6789", "US"),
                ("123456789", None),
                ("VAT pending", "GB"),
                ("ＤＥ123456789", "DE"),
                ("D" * 10_000, "DE"),
            )
        ),
    ],
)
def test_tax_id(written: str, country: str | None, expected: TaxId | None) -> None:
    assert to_tax_id(written, country=country) == expected


def test_text() -> None:
    assert clean(" a\x00\t b\u2028c\u200f\x9f ") == "a b c\u200f"
    assert clean_lines("\r\n a \r b\tc \x0b\u2028\n\n d\x1f ") == "a\n b c\n\n\n d"
    assert (shorten("abc", 3), shorten("abcd", 3), shorten("a bcd", 3)) == ("abc", "ab…", "a…")
    notes: list[str] = []
    assert fit("abcd", 3, what="X", notes=notes) == "ab…"
    assert notes == ["X: shortened from 4 to 3 characters."]
    assert plain_decimal(Decimal("1E+3")) == "1000"
    assert plain_decimal(Decimal("0E-7"), places=2) == "0.00"
