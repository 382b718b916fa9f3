"""FreshBooks client to Stripe customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.vendors.freshbooks.records import FreshBooksClient


@dataclass(frozen=True, kw_only=True)
class CustomerDraft:
    """Body of Stripe "create customer", and what was left out or shortened, in plain words."""

    body: dict[str, Any]
    notes: tuple[str, ...]


def to_stripe_customer(client: FreshBooksClient, *, freshbooks_account_id: str) -> CustomerDraft:
    """Build the Stripe customer that mirrors one FreshBooks client."""
    raise NotImplementedError


def customer_update(draft: CustomerDraft) -> dict[str, Any]:
    """Body of Stripe "update customer": no create-only fields, "" clears what is empty now."""
    raise NotImplementedError


def require_email(client: FreshBooksClient) -> str:
    """The client's e-mail address, without which Stripe cannot send an invoice."""
    raise NotImplementedError
