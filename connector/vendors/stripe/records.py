"""What Stripe answers and what we send it, as frozen records. Only what the product uses.

Amounts are Money in our minor units (ISO 4217 exponents); the client converts Stripe's special
cases. Times are UTC instants. Drafts are plain request bodies built by `connector.mapping`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from connector.money import Money

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class StripeAccount:
    """Whose key this is. `account_id` may be "" with a restricted key that may not read it."""

    account_id: str
    name: str
    country: str
    default_currency: str
    livemode: bool


@dataclass(frozen=True, kw_only=True)
class StripeCustomer:
    """A customer; a deleted one still answers, with `deleted` true and no more than its id."""

    id: str
    name: str
    email: str
    deleted: bool
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StripeTaxId:
    """One tax id of a customer."""

    id: str
    type: str
    value: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StripeInvoice:
    """An invoice; reconcile on `amount_remaining`, never on `status` alone."""

    id: str
    status: str  # draft, open, paid, uncollectible, void; open enum; "deleted" for a deleted draft
    number: str
    customer_id: str
    total: Money
    amount_due: Money
    amount_paid: Money
    amount_remaining: Money
    amount_overpaid: Money
    pre_payment_credits: Money  # credit notes that lowered what is asked
    post_payment_credits: Money  # credit notes over what was paid already
    starting_balance_minor: int
    currency: str  # upper case
    due_date: datetime | None
    finalized_at: datetime | None
    paid_at: datetime | None
    hosted_invoice_url: str
    livemode: bool
    metadata: Mapping[str, str]

    @property
    def balance_applied(self) -> Money:
        """What the customer's credit balance paid when it was finalized; negative if it added debt."""
        if self.finalized_at is None:
            return Money.zero(self.total.currency)
        return self.total - self.pre_payment_credits - self.amount_due


@dataclass(frozen=True, kw_only=True)
class StripeInvoicePayment:
    """The link between an invoice and one payment: what is booked is `amount_paid`."""

    id: str
    invoice_id: str
    status: str  # open, paid, canceled; open enum
    amount_requested: Money
    amount_paid: Money | None
    is_default: bool
    payment_type: str  # payment_intent, charge, payment_record; open enum
    payment_intent_id: str
    charge_id: str
    payment_record_id: str
    payment_intent_status: str  # "" when not expanded
    method_type: str  # card, us_bank_account, ...; "" when unknown
    card_brand: str
    paid_at: datetime | None
    created_at: datetime
    charge_status: str  # succeeded, pending, failed; "" when not expanded
    charge_amount: Money | None  # of the whole charge, which may pay several invoices
    charge_refunded: Money | None  # of the whole charge; None when not expanded
    charge_disputed: bool  # ever; stays true when won


@dataclass(frozen=True, kw_only=True)
class StripePaymentRecord:
    """Money paid elsewhere that was reported to Stripe."""

    id: str
    amount: Money
    refunded: Money
    payment_reference: str
    created_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class StripeEvent:
    """A hint that something changed. Only ids, type and times are trusted; the object is re-read."""

    id: str
    type: str
    created_at: datetime
    livemode: bool
    account_id: str  # "" unless a connected account
    object_type: str
    object_id: str
    invoice_id: str  # data.object.invoice, or the invoice's own id; "" if none
    payment_id: str  # the PaymentIntent it is about, else the charge; "" if none
    customer_id: str  # "" if none
    idempotency_key: str  # of the request that caused it; "" if none did


@dataclass(frozen=True, kw_only=True)
class StripeWebhookEndpoint:
    """One registered webhook endpoint. `secret` is a credential: `repr` hides it."""

    id: str
    url: str
    status: str
    api_version: str
    enabled_events: tuple[str, ...]
    secret: str  # only in the answer to create, else ""

    def __repr__(self) -> str:
        return f"StripeWebhookEndpoint(id={self.id!r}, url={self.url!r}, status={self.status!r})"


@dataclass(frozen=True, kw_only=True)
class PermissionCheck:
    """What one harmless probe of a key found. `message` is Stripe's own words when not `ok`."""

    area: str
    ok: bool
    message: str


@dataclass(frozen=True, kw_only=True)
class UnreadableObject:
    """A row of a list that could not be turned into a record, so that the others still can."""

    object_id: str  # "" if not even that was found
    reason: str


@dataclass(frozen=True, kw_only=True)
class StripePage(Generic[Row]):
    """One page of a list, newest first; `next_cursor` is "" on the last page.

    `unreadable` must not be passed over in silence; `pages.all_pages` raises for it at the end.
    """

    rows: tuple[Row, ...]
    next_cursor: str
    unreadable: tuple[UnreadableObject, ...] = ()
