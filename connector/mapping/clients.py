"""FreshBooks client to Stripe customer. What cannot be carried is left out and said, never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from connector.errors import NotRepresentable
from connector.mapping.countries import country_code, province_code
from connector.mapping.phones import to_phone
from connector.mapping.tax_ids import to_tax_id
from connector.mapping.text import clean, fit, join_present
from connector.vendors.freshbooks.records import FreshBooksClient, PostalAddress

MAX_NAME = 256
MAX_PERSON_NAME = 150
MAX_EMAIL = 512
MAX_ADDRESS_PART = 5000
ADDRESS_PARTS = ("line1", "line2", "city", "state", "postal_code", "country")
_CREATE_ONLY = frozenset({"tax_id_data"})
_CLEARABLE = ("email", "phone", "individual_name", "business_name", "address", "shipping")
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]]+@[^\s@<>,;:\"()\[\]]+\.[^\s@<>,;:\"()\[\].]+")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}))?")


@dataclass(frozen=True, kw_only=True)
class CustomerDraft:
    """Body of Stripe "create customer", and what was left out or shortened, in plain words.

    `body` has no empty fields; `customer_update` adds what an update must clear.
    """

    body: dict[str, Any]
    notes: tuple[str, ...]


def to_stripe_customer(client: FreshBooksClient, *, freshbooks_account_id: str) -> CustomerDraft:
    """Build the Stripe customer that mirrors one FreshBooks client.

    Shapes: ids in metadata; the tax id only on create, as Stripe takes it there alone.
    """
    notes: list[str] = []
    country = _country(client.billing_address, "Billing", notes)
    body = _names(client, notes) | {
        "email": _email(client, notes),
        "phone": to_phone(_phones(client), country, notes),
        "address": _address(client.billing_address, country, "Billing", notes),
        "shipping": {},
        "preferred_locales": _locales(client.language, notes),
        "tax_id_data": _tax_ids(client, country, notes),
    }
    shipping = client.shipping_address
    ship_to = _address(shipping, _country(shipping, "Shipping", notes), "Shipping", notes)
    if ship_to:
        body["shipping"] = {"name": body["name"], "address": ship_to}
    body["metadata"] = {"fb_account": freshbooks_account_id, "fb_client_id": str(client.id)}
    return CustomerDraft(
        body={name: value for name, value in body.items() if value},
        notes=tuple(dict.fromkeys(notes)),
    )


def customer_update(draft: CustomerDraft) -> dict[str, Any]:
    """Body of Stripe "update customer": no create-only fields, "" clears what is empty now.

    Stripe merges addresses part by part, so every part is named. Languages and metadata are only
    ever replaced: an empty language says nothing about the client.
    """
    body = {name: value for name, value in draft.body.items() if name not in _CREATE_ONLY}
    body = dict.fromkeys(_CLEARABLE, "") | body
    if body["address"]:
        body["address"] = dict.fromkeys(ADDRESS_PARTS, "") | body["address"]
    if body["shipping"]:
        ship_to = dict.fromkeys(ADDRESS_PARTS, "") | body["shipping"]["address"]
        body["shipping"] = {"name": body["shipping"]["name"], "address": ship_to}
    return body


def require_email(client: FreshBooksClient) -> str:
    """The client's e-mail address.

    Raises: NotRepresentable without a valid one: Stripe refuses to make an invoice to be sent.
    """
    email = client.email.strip()
    if _is_email(email):
        return email
    found = f"found {clean(email)[:60]!r}" if email else "none is set"
    raise NotRepresentable(
        f"Stripe cannot send an invoice to a client without an e-mail address ({found}).",
        next_step=f"Add an e-mail address to client {_display_name(client)[:80]} in FreshBooks.",
        vendor="stripe",
        field="email",
    )


def _is_email(text: str) -> bool:
    return len(text) <= MAX_EMAIL and text.isprintable() and _EMAIL.fullmatch(text) is not None


def _email(client: FreshBooksClient, notes: list[str]) -> str:
    email = client.email.strip()
    if not email or _is_email(email):
        return email
    notes.append("E-mail was left out: it is not a single valid address.")
    return ""


def _organization(client: FreshBooksClient) -> str:
    """The organization. FreshBooks fills it with the e-mail when a client has nothing else."""
    organization = clean(client.organization)
    return "" if organization.casefold() == clean(client.email).casefold() else organization


def _person(client: FreshBooksClient) -> str:
    return join_present([clean(client.first_name), clean(client.last_name)], " ")


def _display_name(client: FreshBooksClient) -> str:
    named = _organization(client) or _person(client) or clean(client.email)
    return named or f"Client {client.id}"


def _names(client: FreshBooksClient, notes: list[str]) -> dict[str, Any]:
    return {
        "name": fit(_display_name(client), MAX_NAME, what="Name", notes=notes),
        "individual_name": fit(_person(client), MAX_PERSON_NAME, what="Person", notes=notes),
        "business_name": fit(
            _organization(client), MAX_PERSON_NAME, what="Business name", notes=notes
        ),
    }


def _phones(client: FreshBooksClient) -> tuple[str, str, str]:
    return client.business_phone, client.mobile_phone, client.home_phone


def _country(address: PostalAddress, which: str, notes: list[str]) -> str | None:
    written = clean(address.country)
    code = country_code(written) if written else None
    if written and code is None:
        notes.append(f"{which} country {written[:40]!r} was left out: it is not a known country.")
    return code


def _address(
    address: PostalAddress, country: str | None, which: str, notes: list[str]
) -> dict[str, str]:
    province = clean(address.province)
    written = {
        "line1": clean(address.street),
        "line2": clean(address.street2),
        "city": clean(address.city),
        "state": province_code(province, country) or province,
        "postal_code": clean(address.code),
        "country": country or "",
    }
    return {
        part: fit(value, MAX_ADDRESS_PART, what=f"{which} {part}", notes=notes)
        for part, value in written.items()
        if value
    }


def _locales(language: str, notes: list[str]) -> list[str]:
    written = clean(language)
    match = _LANGUAGE.fullmatch(written)
    if match is None:
        if written:
            notes.append(f"Language {written[:20]!r} was left out: it is not a language code.")
        return []
    return [match[1].lower() + (f"-{match[2].upper()}" if match[2] else "")]


def _tax_ids(
    client: FreshBooksClient, country: str | None, notes: list[str]
) -> list[dict[str, str]]:
    written = clean(client.vat_number)
    tax_id = to_tax_id(written, country=country) if written else None
    if tax_id is not None:
        return [{"type": tax_id.type, "value": tax_id.value}]
    if written:
        notes.append(f"Tax number {written[:40]!r} was left out: its type is not certain.")
    return []
