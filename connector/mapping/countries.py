"""Free-text countries and provinces to ISO codes. What is not certain stays unknown."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

import pycountry

# What people write, beside the ISO names and codes: own names, old names, abbreviations. Names that
# mean two countries ("Korea", "Virgin Islands") are left out on purpose.
_ALIASES = {
    "AE": "UAE, Emirates, Vereinigte Arabische Emirate, الإمارات العربية المتحدة",
    "AT": "Österreich, Oesterreich, Autriche",
    "AU": "Aus, Commonwealth of Australia, Australien, Australie",
    "BA": "Bosnia, Bosnia Herzegovina, Bosna i Hercegovina",
    "BE": "Belgique, België, Belgien",
    "BG": "България, Bulgarien",
    "BN": "Brunei",
    "BO": "Bolivia",
    "BR": "Brasil, Brasilien",
    "CA": "Can, Kanada, Dominion of Canada",
    "CD": "DR Congo, DRC, Congo Kinshasa, Democratic Republic of Congo, Zaire",
    "CG": "Congo Brazzaville, Republic of Congo",
    "CH": "Schweiz, Suisse, Svizzera, Svizra",
    "CI": "Ivory Coast, Cote d Ivoire",
    "CN": "PR China, PRC, Mainland China, 中国, 中國, 中华人民共和国",
    "CV": "Cape Verde",
    "CY": "Κύπρος, Zypern",
    "CZ": "Czech, Česko, Česká republika, Tschechien",
    "DE": "Deutschland, BRD, Allemagne, Alemania, Duitsland, Germania, Bundesrepublik Deutschland",
    "DK": "Danmark, Dänemark, Danemark",
    "DO": "República Dominicana, Dominican Rep",
    "DZ": "Algérie, الجزائر",
    "EE": "Eesti, Estland",
    "EG": "مصر",
    "ES": "España, Espana, Spanien, Espagne, Espanya, Spanje",
    "FI": "Suomi, Finnland, Finlande",
    "FK": "Falklands, Falkland Islands",
    "FM": "Micronesia",
    "FR": "Frankreich, Francia, République française",
    "GB": "UK, United Kingdom, Great Britain, Britain, England, Scotland, Wales, Northern Ireland, "
    "Royaume-Uni, Vereinigtes Königreich, Großbritannien, Grossbritannien, Reino Unido, "
    "United Kingdom of Great Britain, United Kingdom GB, GBR UK",
    "GR": "Hellas, Ellada, Ελλάδα, Griechenland, Grèce, EL",
    "HK": "HKSAR, Hongkong, Hong Kong SAR, 香港",
    "HR": "Hrvatska, Kroatien",
    "HU": "Magyarország, Ungarn",
    "IE": "Eire, Éire, Republic of Ireland, Irland, ROI",
    "IL": "ישראל",
    "IN": "Bharat, भारत, Indien, Inde",
    "IR": "Iran",
    "IS": "Ísland, Island",
    "IT": "Italia, Italien, Italie, Italië",
    "JO": "الأردن",
    "JP": "Nippon, Nihon, 日本, 日本国, Japon",
    "KP": "North Korea",
    "KR": "South Korea, Republic of Korea, ROK, 대한민국, 한국, Südkorea",
    "KW": "الكويت",
    "LA": "Laos",
    "LT": "Lietuva, Litauen",
    "LU": "Luxemburg, Lëtzebuerg",
    "LV": "Latvija, Lettland",
    "MA": "Maroc, المغرب, Marokko",
    "MD": "Moldova",
    "MK": "Macedonia",
    "MM": "Burma",
    "MO": "Macau, Macau SAR, 澳門",
    "MX": "México, Méjico, Mexiko, Mexique, Estados Unidos Mexicanos",
    "NL": "Holland, Nederland, The Netherlands, Niederlande, Pays-Bas, Países Bajos, Paesi Bassi",
    "NO": "Norge, Noreg, Norwegen, Norvège",
    "NZ": "Aotearoa, Aotearoa New Zealand, Neuseeland, N Z",
    "PE": "Perú",
    "PH": "Pilipinas, The Philippines, Filipinas",
    "PL": "Polska, Polen, Pologne",
    "PS": "Palestine",
    "RO": "România, Rumänien, Roumanie",
    "RS": "Srbija, Србија, Serbien",
    "RU": "Russia, Россия, Russland, Russie, Российская Федерация",
    "SA": "KSA, Kingdom of Saudi Arabia, السعودية",
    "SE": "Sverige, Schweden, Suède",
    "SG": "Republic of Singapore, Singapur, Singapour, 新加坡",
    "SI": "Slovenija, Slowenien",
    "SK": "Slovensko, Slowakei",
    "SY": "Syria",
    "SZ": "Swaziland",
    "TH": "ประเทศไทย",
    "TL": "East Timor",
    "TN": "Tunisie, تونس",
    "TR": "Turkey, Türkei, Turquie, Turkiye",
    "TW": "Taiwan, 台灣, 臺灣",
    "TZ": "Tanzania",
    "UA": "Україна, Ukraina",
    "US": "United States, United States of America, America, USA, US of A, The States, "
    "Estados Unidos, EEUU, États-Unis, Vereinigte Staaten, Stati Uniti, VSA, Verenigde Staten",
    "VA": "Vatican, Vatican City",
    "VE": "Venezuela",
    "VG": "British Virgin Islands, BVI",
    "VI": "US Virgin Islands, USVI",
    "VN": "Vietnam, Việt Nam",
    "ZA": "Suid-Afrika, RSA, Südafrika",
}
_PROVINCE_ALIASES = {
    "US": {
        "DC": "Washington DC, District of Columbia",
        "CA": "Calif",
        "MA": "Mass",
        "PA": "Penn, Penna",
        "TX": "Tex",
        "FL": "Fla",
        "WA": "Wash, Washington State",
        "NY": "New York State",
    },
    "CA": {
        "QC": "Québec, PQ, Que",
        "ON": "Ont",
        "BC": "British Columbia, Colombie-Britannique",
        "NL": "Newfoundland, Labrador, Nfld, NF",
        "PE": "PEI, Prince Edward Is",
        "NT": "NWT",
        "AB": "Alta",
        "SK": "Sask",
        "MB": "Man",
        "NB": "Nouveau-Brunswick",
        "NS": "Nouvelle-Écosse",
        "YT": "YK",
    },
    "AU": {"VIC": "Vic", "TAS": "Tassie", "QLD": "Qld", "ACT": "Canberra"},
}


def country_code(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country as people write it; None if it is not certain."""
    return _find(_countries(), text)


def province_code(text: str, country: str | None) -> str | None:
    """The code of a US, Canadian or Australian province or state, without the country; else None."""
    if country not in _PROVINCE_ALIASES:
        return None
    return _find(_provinces(country), text)


def _find(index: dict[str, str], text: str) -> str | None:
    plain = _plain(text)
    return index.get(plain) or index.get(plain.replace(" ", ""))


def _plain(text: str) -> str:
    """Without case, accents, dots and a leading "the"; other punctuation counts as a space."""
    decomposed = unicodedata.normalize("NFKD", text[:200]).casefold()
    letters = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    words = re.sub(r"[^\w\s]", " ", re.sub(r"[.'’`]", "", letters)).split()
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words)


@cache
def _countries() -> dict[str, str]:
    index: dict[str, str] = {}
    for country in pycountry.countries:
        for field in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            if name := getattr(country, field, ""):
                index[_plain(name)] = country.alpha_2
    for code, names in _ALIASES.items():
        _add(index, code, names)
    return index


@cache
def _provinces(country: str) -> dict[str, str]:
    index: dict[str, str] = {}
    for subdivision in pycountry.subdivisions:
        home, _, code = subdivision.code.partition("-")
        if home == country:
            index[_plain(code)] = index[_plain(subdivision.name)] = code
    for code, names in _PROVINCE_ALIASES[country].items():
        _add(index, code, names)
    return index


def _add(index: dict[str, str], code: str, names: str) -> None:
    for name in names.split(","):
        index[_plain(name)] = code
