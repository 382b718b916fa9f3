"""The clients of the two demo businesses and what they sell: invented, but as real books look.

Countries are free text in FreshBooks, so people write "U.K.", "Deutschland" or nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Client:
    """One client, as somebody typed it into FreshBooks. `tax` names the rule of `month.TAXES`."""

    first_name: str
    last_name: str
    organization: str
    email: str
    street: str
    city: str
    province: str
    code: str
    country: str
    phone: str
    currency: str
    tax: str
    language: str = "en"
    vat_number: str = ""

    def as_freshbooks(self) -> dict[str, str]:
        """The client in FreshBooks' field names."""
        return {
            "fname": self.first_name,
            "lname": self.last_name,
            "organization": self.organization,
            "email": self.email,
            "p_street": self.street,
            "p_city": self.city,
            "p_province": self.province,
            "p_code": self.code,
            "p_country": self.country,
            "bus_phone": self.phone,
            "currency_code": self.currency,
            "language": self.language,
            "vat_number": self.vat_number,
        }


def _client(
    person: str, organization: str, email: str, address: str, money: str, *, vat: str = ""
) -> Client:
    """One row of the tables below: `address` has six parts, `money` currency, tax, language."""
    first_name, _, last_name = person.partition(" ")
    street, city, province, code, country, phone = (part.strip() for part in address.split("|"))
    currency, tax, language = money.split()
    return Client(
        first_name=first_name,
        last_name=last_name,
        organization=organization,
        email=email,
        street=street,
        city=city,
        province=province,
        code=code,
        country=country,
        phone=phone,
        currency=currency,
        tax=tax,
        language=language,
        vat_number=vat,
    )


CABINET_CLIENTS = (
    _client(
        "Noor Haddad",
        "Haddad Dental Clinic",
        "accounts@haddad-dental.example",
        "88 Elgin Street|Ottawa|ON|K2P 1C6|Canada|613-555-0142",
        "CAD ontario en",
    ),
    _client(
        "Émilie Gagné",
        "Boulangerie Gagné & Filles",
        "emilie@boulangerie-gagne.example",
        "1204 rue Saint-Denis|Montréal|Québec|H2X 3J7|Canada|514 555 0167",
        "CAD quebec fr",
    ),
    _client(
        "Harjit Sandhu",
        "Sandhu Property Group",
        "ap@sandhuproperty.example",
        "4410 Kingsway, Unit 12|Burnaby|British Columbia|V5H 2A9|CANADA|+1 604 555 0190",
        "CAD columbia en",
    ),
    _client(
        "Tom O'Brien",
        "",
        "tom.obrien@lakeside.example",
        "7 Harbour Lane|Kingston|Ont.|K7L 2Z1|Canada|(613) 555-0118",
        "CAD ontario en",
    ),
    _client(
        "Rosa Delgado",
        "Delgado Catering LLC",
        "rosa@delgadocatering.example",
        "219 Main St, Suite 4|Burlington|VT|05401|U.S.A.|802-555-0175",
        "USD vermont en",
    ),
    _client(
        "Walter Kim",
        "Kim Orthopedics, P.C.",
        "billing@kimortho.example",
        "1500 Genesee Street|Buffalo|New York|14211|USA|+1 716 555 0133",
        "USD none en",
    ),
    _client(
        "Anneliese Müller",
        "Müller Möbelhandel GmbH",
        "einkauf@mueller-moebel.example",
        "Schönhauser Allee 91|Berlin||10439|Deutschland|+49 30 5550143",
        "EUR germany de",
        vat="DE136695976",
    ),
    _client(
        "Jérôme Lefèvre",
        "Atelier Lefèvre",
        "jerome@atelier-lefevre.example",
        "14 rue des Carmes|Rouen||76000|France|02 35 55 01 28",
        "EUR france fr",
        vat="FR83404833048",
    ),
    _client(
        "健 佐藤",
        "佐藤建具店",
        "info@sato-tategu.example",
        "中京区二条通 5-2|京都市|京都府|604-0951|Japan|+81 75 555 0144",
        "JPY japan ja",
    ),
    _client(
        "Walk-in",
        "Elm Street Cash Sales",
        "",
        "|Ottawa|ON||Canada|",
        "CAD ontario en",
    ),
)

STUDIO_CLIENTS = (
    _client(
        "Grace Whitfield",
        "Whitfield & Sons Hardware",
        "grace@whitfieldhardware.example",
        "36 Commercial Street|Portland|ME|04101|United States|207-555-0121",
        "USD maine en",
    ),
    _client(
        "Marcus Bell",
        "Bell Roofing Inc.",
        "office@bellroofing.example",
        "902 Congress Ave|Austin|TX|78701|USA|+1 (512) 555-0188",
        "USD texas en",
    ),
    _client(
        "Linh Tran",
        "Tran Noodle House",
        "linh@trannoodle.example",
        "55 Mott Street|New York|NY|10013|US|212.555.0106",
        "USD newyork en",
    ),
    _client(
        "Priya Raman",
        "",
        "priya.raman@posteo.example",
        "18 Prospect Hill|Somerville|Massachusetts|02143|United States of America|617 555 0159",
        "USD none en",
    ),
    _client(
        "Oliver Ashworth",
        "Ashworth Ceramics Ltd",
        "oliver@ashworthceramics.example",
        "2 Mill Yard|Stoke-on-Trent|Staffordshire|ST4 2PF|U.K.|01782 555 014",
        "GBP britain en",
        vat="GB980780684",
    ),
    _client(
        "Charlotte Nguyen",
        "Nguyen Physiotherapy Pty Ltd",
        "charlotte@nguyenphysio.example",
        "71 Smith Street|Fitzroy|VIC|3065|Australia|+61 3 5550 0147",
        "AUD australia en",
    ),
    _client(
        "Jürgen Weiß",
        "Weiß Lichttechnik",
        "juergen@weiss-licht.example",
        "Hauptstraße 12a|München|Bayern|80331|Germany|089 5550 161",
        "EUR germany de",
    ),
    _client(
        "Sofía Peña",
        "Bodegas Peña",
        "sofia@bodegaspena.example",
        "Calle Mayor 7|Logroño|La Rioja|26001|España|+34 941 555 012",
        "EUR spain es",
    ),
    _client(
        "Yuki Tanaka",
        "Tanaka Tea K.K.",
        "yuki@tanakatea.example",
        "3-14-2 Minami-Aoyama|Minato-ku|Tokyo|107-0062|日本|+81 3 5550 0171",
        "JPY japan ja",
    ),
    _client(
        "Ruth",
        "Harborfront Farmers' Market",
        "",
        "Pier 4|Portland|Maine||USA|",
        "USD none en",
    ),
)

# What they sell, with a price per unit.
CABINET_WORK = (
    ("Cabinet fitting", 85),
    ("Kitchen design", 110),
    ("Maple fronts, per piece", 64),
    ("Soft-close hinges", 5),
    ("Countertop, oiled oak", 420),
    ("Delivery and assembly", 95),
    ("Repair call-out", 72),
)
STUDIO_WORK = (
    ("Logo design", 380),
    ("Website maintenance", 95),
    ("Illustration", 140),
    ("Packaging layout", 125),
    ("Photo retouching", 48),
    ("Brand workshop", 210),
    ("Print coordination", 65),
)
