"""A wide business goes through the whole pipeline: equal to the minor unit, or blocked with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.models import ClientLink, InvoiceLink
from tenants.scope import tenant_scope
from tests.conformance.altering import Altered, Change, altering
from tests.conformance.checking import check_record
from tests.conformance.scenario import TAXED, item
from tests.pipeline.shop import Shop, open_shop
from tests.pipeline.simulators import Simulators

BLOCKED = InvoiceLink.State.BLOCKED
# Major units, and the integer that Stripe counts them with (docs.stripe.com/currencies).
CURRENCIES = {
    **dict.fromkeys(("USD", "CAD", "EUR", "GBP", "INR", "HUF", "TWD"), ("1234.56", 123456)),
    **dict.fromkeys(("JPY", "KRW", "CLP", "VND", "XOF"), ("123456", 123456)),
    **dict.fromkeys(("UGX", "ISK"), ("123456", 12345600)),
    "MGA": ("123456.00", 123456),
    **dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), ("1234.560", 1234560)),
}
NOT_IN_STRIPE = {"IQD": "1234.567", "LYD": "1.000", "KWD": "1.234", "MGA": "0.50"}


@pytest.fixture
def altered(simulators: Simulators, settings: Any) -> Iterator[Altered]:
    """The product talks to a FreshBooks whose answers can be changed."""
    with altering(simulators.freshbooks.url) as found:
        settings.FRESHBOOKS_API_BASE = found.url
        yield found


@pytest.fixture
def shop(altered: Altered, simulators: Simulators, no_jobs: None) -> Shop:
    return open_shop(simulators.freshbooks, simulators.stripe)


def pay_everything(shop: Shop, invoices: list[int], *, part: int = 10_000) -> None:
    """A part, in Stripe's units, and then the rest."""
    for number in invoices:
        shop.pay(number, part)
    shop.poll()
    for number in invoices:
        shop.pay(number)
    shop.poll()


def assert_paid_to_the_minor_unit(shop: Shop, number: int) -> None:
    link = shop.link(number)
    figures = (link.freshbooks_total_minor, link.stripe_total_minor, link.freshbooks_paid_minor)
    assert len(set(figures)) == 1, (link.currency, figures)
    assert (link.freshbooks_outstanding_minor, link.stripe_remaining_minor) == (0, 0)
    assert (link.state, link.collection_status) == ("settled", "paid")
    assert len(shop.fb_payments(number)) == 2
    assert shop.differences(number) == []


def assert_blocked(shop: Shop, number: int) -> None:
    """Nothing living in Stripe, and a person is told why."""
    link = shop.link(number)
    assert (link.state, bool(link.reason)) == (BLOCKED, True), (link.currency, link.state)
    assert not set(shop.statuses(number)) - {"void", "deleted"}
    assert shop.differences(number) != []


def test_every_kind_of_currency_is_paid_to_the_minor_unit(shop: Shop) -> None:
    made = {code: shop.invoice(amount, currency=code) for code, (amount, _) in CURRENCIES.items()}
    refused = {code: shop.invoice(amount, currency=code) for code, amount in NOT_IN_STRIPE.items()}
    shop.poll()
    for code, number in made.items():
        (invoice,) = shop.st_invoices(number)
        assert (invoice["total"], invoice["currency"]) == (CURRENCIES[code][1], code.lower())
    pay_everything(shop, list(made.values()), part=50_000)
    for number in made.values():
        assert_paid_to_the_minor_unit(shop, number)
    for number in refused.values():
        assert_blocked(shop, number)
    assert shop.jobs(state__in=["dead", "held"]) == []


def without(*keys: str) -> Change:
    def change(row: dict[str, Any]) -> None:
        for key in keys:
            row.pop(key)

    return change


LONG = "é" * 10_000
BODIES: dict[str, dict[str, Any]] = {
    "two taxes": {"lines": [item("3", "33.35", **TAXED)]},
    "compound": {"lines": [item("7", "33.35", **TAXED, compounded_tax=True)]},
    "discount": {"lines": [item("3", "99.99", **TAXED), item("1", "0.01")], "discount_value": "7"},
    "negative line": {"lines": [item("1", "500.00", **TAXED), item("1", "-100.01", **TAXED)]},
    "fractions": {"lines": [item("0.333", "999.99", **TAXED), item("1.005", "100.00")]},
    "many lines": {"lines": [item("1", f"{n}.99", **(TAXED if n % 2 else {})) for n in range(300)]},
    "texts": {"notes": LONG, "terms": LONG, "po_number": "P" * 255},
    "characters": {
        "lines": [{**item("1", "200.00"), "name": "קפה\x00\u202e🫖", "description": "a\x1b[0m\nb"}],
        "notes": "\x00\ud83d\ude00 שלום\r\n\x07",
        "invoice_number": "№ 1/2026 🧾",
    },
    "long number": {"invoice_number": "N" * 60},
}


def test_every_kind_of_invoice_is_paid_to_the_minor_unit(shop: Shop) -> None:
    made = {name: shop.invoice("150.00", **body) for name, body in BODIES.items()}
    shop.poll()
    pay_everything(shop, list(made.values()))
    for number in made.values():
        assert_paid_to_the_minor_unit(shop, number)
    for name in ("many lines", "texts"):
        assert shop.link(made[name]).notes
        assert "invoice.fitted" in shop.audited(f"invoice:{made[name]}")
    assert shop.jobs(state__in=["dead", "held"]) == []


CLIENTS: dict[str, dict[str, Any]] = {
    "uk": {"p_country": "UK"},
    "usa": {"p_country": "U.S.A.", "p_province": "Calif.", "bus_phone": "(415) 555-0100 ext. 12"},
    "germany": {"p_country": "Deutschland", "vat_number": "DE136695976", "language": "de"},
    "nowhere": {"p_country": "", "bus_phone": "call me"},
    "fiction": {"p_country": "Ruritania", "s_country": "Narnia", "s_street": "1 Wardrobe"},
    "letters": {"organization": "עברית\u202e 🫖\x00", "fname": "\U0001f469\u200d\U0001f52c"},
    "person": {"organization": "", "fname": "Noor", "lname": "Haddad"},
    "twin one": {"email": "same@twins.example"},
    "twin two": {"email": "same@twins.example"},
}
CHANGED_CLIENTS: dict[str, Change] = {
    "long name": lambda row: row.update(organization=LONG, fname=LONG, p_street=LONG),
    "null account": lambda row: row.update(accounting_systemid=None, p_country=None, language=None),
    "new fields": lambda row: row.update(loyalty={"level": [1, None]}, language="tlh", role="?"),
    "fewer fields": without("fax", "s_city", "vat_name", "language"),
}


def test_every_kind_of_client_gets_a_customer_of_its_own(shop: Shop, altered: Altered) -> None:
    made = {name: shop.client(**fields) for name, fields in CLIENTS.items()}
    for name, change in CHANGED_CLIENTS.items():
        made[name] = shop.client()
        altered.client(made[name], change)
    invoices = [shop.invoice("150.00", client=number) for number in made.values()]
    shop.poll()
    book = shop.st_book()
    owners = sorted(int(row["metadata"]["fb_client_id"]) for row in book["customers"])
    assert owners == sorted(made.values())
    pay_everything(shop, invoices)
    for number in invoices:
        assert_paid_to_the_minor_unit(shop, number)
    customers = {int(row["metadata"]["fb_client_id"]): row for row in book["customers"]}
    countries = {
        name: (customers[number]["address"] or {}).get("country") for name, number in made.items()
    }
    assert [countries[name] for name in ("uk", "usa", "germany")] == ["GB", "US", "DE"]
    assert {countries["nowhere"], countries["fiction"]} == {None}
    with tenant_scope(shop.tenant.pk):
        notes = {link.freshbooks_client_id: link.notes for link in ClientLink.objects.all()}
    assert [name for name in ("fiction", "long name", "nowhere") if not notes[made[name]]] == []
    assert any(notes[made[name]] for name in ("twin one", "twin two"))


def test_a_client_without_email_is_told_about_and_works_once_it_has_one(shop: Shop) -> None:
    client = shop.client(email="")
    number = shop.invoice("150.00", client=client)
    shop.poll()
    assert_blocked(shop, number)
    assert "e-mail" in shop.link(number).reason
    shop.freshbooks.advance(2)
    shop.fb("edit_client", id=client, client={"email": "late@haddad.example"})
    shop.poll()
    assert shop.link(number).state == "open"


def money(key: str, amount: Any, code: str = "CAD") -> Change:
    return lambda row: row.update({key: {"amount": amount, "code": code}})


READABLE: dict[str, Change] = {
    "unknown words": lambda row: row.update(
        v3_status="martian", payment_status="", display_status="?", autobill_status="x"
    ),
    "new fields": lambda row: row.update(blockchain={"is": None}, lines=with_news(row["lines"])),
    "fewer fields": without("version", "uuid", "notes", "template"),
    "null account": lambda row: row.update(accounting_systemid=None, accountid=None, ownerid=None),
    "numbers for texts": money("outstanding", 150),
}
UNREADABLE: dict[str, Change] = {
    "not a number": money("amount", "NaN"),
    "infinity": money("outstanding", "-Infinity"),
    "exponent": money("amount", "1e5"),
    "30 digits": money("amount", "1" * 30),
    "comma": money("amount", "1,500.00"),
    "third decimal": money("paid", "0.001"),
    "no amount": lambda row: row.update(amount=None),
    "no currency": money("amount", "150.00", ""),
    "unknown currency": money("amount", "150.00", "XQQ"),
    "another currency": money("outstanding", "150.00", "USD"),
    "no lines": lambda row: row.pop("lines"),
    "impossible day": lambda row: row.update(create_date="2026-02-30"),
    "text for a quantity": lambda row: row["lines"][0].update(qty="many"),
    "another invoice": lambda row: row.update(id=99, invoiceid=99),
}
NOT_BELIEVABLE: dict[str, Change] = {
    "another total": money("amount", "151.00"),
    "negative": money("amount", "-150.00"),
    "huge tax": lambda row: row["lines"][0].update(taxName1="T", taxAmount1="1000"),
}


def with_news(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "type": 77, "colour": "blue", "taxName2": ""} for one in lines]


def test_odd_answers_are_read_refused_or_blocked_and_hold_up_nothing_else(
    shop: Shop, altered: Altered
) -> None:
    odd = READABLE | UNREADABLE | NOT_BELIEVABLE
    made = {name: shop.invoice("150.00") for name in odd}
    for name, change in odd.items():
        altered.invoice(made[name], change)
    plain = shop.invoice("150.00")
    shop.poll()
    assert shop.link(plain).state == "open"
    for name in READABLE:
        assert shop.link(made[name]).state == "open", name
        assert [row["total"] for row in shop.st_invoices(made[name])] == [15000]
    for name in NOT_BELIEVABLE:
        assert_blocked(shop, made[name])
    for name in UNREADABLE:
        assert shop.st_invoices(made[name]) == [], name
    stopped = shop.jobs(state__in=["dead", "held"])
    assert all(job.failure_message for job in stopped)
    said = {job.subject for job in stopped if job.kind == "sync_invoice"}
    assert said >= {str(made[name]) for name in UNREADABLE if name != "another invoice"}


def test_an_answer_that_is_no_json_is_asked_for_again(shop: Shop, altered: Altered) -> None:
    """One NaN without quotes makes the whole page unreadable; it is not taken for an empty one."""
    number = shop.invoice("150.00")
    altered.invoice(number, money("amount", float("nan")))
    shop.poll()
    stopped = shop.jobs(state__in=["dead", "held"])
    assert [job.kind for job in stopped] == ["poll_freshbooks"]
    assert "JSON" in stopped[0].failure_message
    altered.changes.clear()
    shop.poll()
    assert shop.link(number).state == "open"


def test_all_requests_so_far_keep_to_the_contracts(simulators: Simulators) -> None:
    check_record(simulators.record)
