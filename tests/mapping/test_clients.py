"""A FreshBooks client becomes a Stripe customer; what cannot be carried is left out and said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.mapping.clients import CustomerDraft, customer_update, to_stripe_customer
from connector.vendors.freshbooks.records import FreshBooksClient, PostalAddress
from tests.mapping.builders import NO_ADDRESS, OTTAWA, client
from tests.mapping.contract import violations


def mapped(freshbooks: FreshBooksClient) -> CustomerDraft:
    draft = to_stripe_customer(freshbooks, freshbooks_account_id="Kq3ZrP")
    assert violations("/v1/customers", draft.body) == []
    assert violations("/v1/customers/{customer}", customer_update(draft)) == []
    return draft


def test_whole_client() -> None:
    draft = mapped(client(vat_number="123456789RT0001"))
    assert draft.notes == ()
    assert draft.body == {
        "name": "Haddad Dental",
        "individual_name": "Noor Haddad",
        "business_name": "Haddad Dental",
        "email": "ap@haddad-dental.example",
        "phone": "+16135550182",
        "address": {
            "line1": "88 Elgin St",
            "city": "Ottawa",
            "state": "ON",
            "postal_code": "K2P 1C6",
            "country": "CA",
        },
        "preferred_locales": ["en"],
        "tax_id_data": [{"type": "ca_gst_hst", "value": "123456789RT0001"}],
        "metadata": {"fb_account": "Kq3ZrP", "fb_client_id": "418207"},
    }


def test_empty_client_has_a_name_and_our_ids_only() -> None:
    nobody = client(
        first_name="",
        last_name=" ",
        organization="\x00",
        email="",
        mobile_phone="",
        language="",
        billing_address=NO_ADDRESS,
    )
    assert mapped(nobody).body == {
        "name": "Client 418207",
        "metadata": {"fb_account": "Kq3ZrP", "fb_client_id": "418207"},
    }


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "Haddad Dental"),
        ({"organization": ""}, "Noor Haddad"),
        ({"organization": "", "first_name": ""}, "Haddad"),
        ({"organization": "", "first_name": "", "last_name": ""}, "ap@haddad-dental.example"),
        # FreshBooks fills the organization with the e-mail when a client has nothing else.
        ({"organization": "AP@haddad-dental.example"}, "Noor Haddad"),
        ({"organization": " A\tB \n C "}, "A B C"),
        ({"organization": "شركة النور"}, "شركة النور"),
        ({"organization": "\u202bעברית\u202c 🦷"}, "\u202bעברית\u202c 🦷"),
        ({"organization": "bad\ud800\x00\x1b[31m"}, "bad[31m"),
    ],
)
def test_name(changes: dict[str, Any], name: str) -> None:
    assert mapped(client(**changes)).body["name"] == name


def test_long_names_are_shortened_and_said() -> None:
    draft = mapped(client(organization="x" * 10_000, first_name="y" * 10_000))
    lengths = [len(draft.body[field]) for field in ("name", "business_name", "individual_name")]
    assert lengths == [256, 150, 150]
    assert "Name: shortened from 10000 to 256 characters." in draft.notes
    assert len(draft.notes) == 3


@pytest.mark.parametrize(
    "email",
    ["none", "a@b", "a@b.c, d@e.f", "a b@c.example", "<a@b.example>", "x" * 510 + "@b.example"],
)
def test_bad_email_is_left_out_and_said(email: str) -> None:
    draft = mapped(client(email=email))
    assert "email" not in draft.body
    assert any(note.startswith("E-mail") for note in draft.notes)


def test_unknown_country_is_left_out_and_said() -> None:
    address = replace(OTTAWA, country="Atlantis", province="Lower Deep")
    draft = mapped(client(billing_address=address, mobile_phone=""))
    assert "country" not in draft.body["address"]
    assert draft.body["address"]["state"] == "Lower Deep"
    assert draft.notes == ("Billing country 'Atlantis' was left out: it is not a known country.",)


def test_shipping_goes_along_with_the_name() -> None:
    shipping = PostalAddress(
        street="Ringstraße 1\nHof",
        street2="2. OG",
        city="Wien",
        province="",
        code="1010",
        country="Österreich",
    )
    body = mapped(client(shipping_address=shipping)).body
    assert body["shipping"] == {
        "name": "Haddad Dental",
        "address": {
            "line1": "Ringstraße 1 Hof",
            "line2": "2. OG",
            "city": "Wien",
            "postal_code": "1010",
            "country": "AT",
        },
    }


@pytest.mark.parametrize(
    ("language", "locales", "said"),
    [
        ("en", ["en"], False),
        ("FR", ["fr"], False),
        ("pt_br", ["pt-BR"], False),
        ("zh-TW", ["zh-TW"], False),
        ("", None, False),
        ("English", None, True),
        ("e\x00n", ["en"], False),
    ],
)
def test_language(language: str, locales: list[str] | None, *, said: bool) -> None:
    draft = mapped(client(language=language))
    assert draft.body.get("preferred_locales") == locales
    assert any("Language" in note for note in draft.notes) is said


def test_uncertain_tax_number_is_left_out_and_said() -> None:
    draft = mapped(client(vat_number="12-34-56"))
    assert "tax_id_data" not in draft.body
    assert draft.notes == ("Tax number '12-34-56' was left out: its type is not certain.",)


def test_update_clears_what_is_gone_and_names_every_part_of_an_address() -> None:
    body = customer_update(mapped(client(mobile_phone="", vat_number="123456789RT0001")))
    assert "tax_id_data" not in body
    assert body["phone"] == ""
    assert body["shipping"] == ""
    assert body["address"] == {
        "line1": "88 Elgin St",
        "line2": "",
        "city": "Ottawa",
        "state": "ON",
        "postal_code": "K2P 1C6",
        "country": "CA",
    }
    gone = customer_update(mapped(client(billing_address=NO_ADDRESS, email="", organization="")))
    assert (gone["address"], gone["email"], gone["business_name"]) == ("", "", "")
    ship = customer_update(mapped(client(shipping_address=replace(NO_ADDRESS, city="Ottawa"))))
    assert ship["shipping"]["address"]["line1"] == ""


def test_draft_itself_is_not_changed_by_the_update() -> None:
    draft = mapped(client())
    before = dict(draft.body["address"])
    customer_update(draft)
    assert draft.body["address"] == before


wild = st.one_of(st.text(max_size=60), st.text(min_size=300, max_size=400))


@settings(deadline=None, max_examples=80)
@given(
    address=st.builds(
        PostalAddress, street=wild, street2=wild, city=wild, province=wild, code=wild, country=wild
    ),
    texts=st.fixed_dictionaries(
        dict.fromkeys(
            ("first_name", "last_name", "organization", "email", "business_phone", "vat_number"),
            wild,
        )
        | {"language": wild}
    ),
)
def test_any_text_makes_a_body_that_stripe_describes(
    address: PostalAddress, texts: dict[str, str]
) -> None:
    draft = mapped(client(billing_address=address, shipping_address=address, **texts))
    assert "\x00" not in str(draft.body)
    assert draft.body["name"]
