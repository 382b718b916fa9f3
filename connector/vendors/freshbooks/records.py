"""What FreshBooks answers, as frozen records. Only fields that the product uses.

Dates are calendar dates and never pass through a time zone. `updated` keeps FreshBooks' raw
US/Eastern text (its order is the order of change, save for one hour a year); `updated_at` is the
instant in UTC. Money is exact minor units of its currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from connector.money import Money

Row = TypeVar("Row")

VISIBLE, DELETED, ARCHIVED = 0, 1, 2


@dataclass(frozen=True, kw_only=True)
class UnreadableRow:
    """A row of a list that could not be turned into a record, so that the others still can."""

    object_id: str  # "" if not even that was found
    reason: str


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Row]):
    """One page of a list. `last` is true on an empty page or when page >= pages.

    `unreadable` must not be passed over in silence; `pages.all_pages` raises for it at the end.
    `ignored_filters` names filters that some row does not satisfy: FreshBooks ignores a filter it
    does not like without a word. The rows are all here; whoever asked decides.
    `bodies` are the rows of invoices as they came, by their id as text.
    """

    rows: tuple[Row, ...]
    unreadable: tuple[UnreadableRow, ...] = ()
    ignored_filters: tuple[str, ...] = ()
    bodies: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    page: int
    pages: int
    per_page: int
    total: int

    @property
    def last(self) -> bool:
        """Whether no page follows."""
        return not (self.rows or self.unreadable) or self.page >= self.pages


@dataclass(frozen=True, kw_only=True)
class PostalAddress:
    """An address as people typed it; country and province are free text."""

    street: str
    street2: str
    city: str
    province: str  # free text
    code: str
    country: str  # free text


@dataclass(frozen=True, kw_only=True)
class FreshBooksClient:
    """A client; texts are "" when FreshBooks has null or nothing."""

    id: int
    first_name: str
    last_name: str
    organization: str
    email: str
    business_phone: str
    home_phone: str
    mobile_phone: str
    billing_address: PostalAddress
    shipping_address: PostalAddress
    currency_code: str
    language: str
    vat_name: str
    vat_number: str
    updated: str
    updated_at: datetime
    vis_state: int


@dataclass(frozen=True, kw_only=True)
class LineTax:
    """One tax of a line: its name and percentage are copied there, no tax is referenced."""

    name: str
    percent: Decimal  # 0-100, up to 3 places
    number: str


@dataclass(frozen=True, kw_only=True)
class InvoiceLine:
    """One line of an invoice; FreshBooks rounds, nothing is recomputed from it."""

    line_id: int
    name: str
    description: str
    quantity: Decimal
    unit_cost: Decimal  # in major units; may have more places than the currency
    amount: Money  # quantity x unit cost, before discount and tax
    taxes: tuple[LineTax, ...]  # at most two
    compounded_tax: bool


@dataclass(frozen=True, kw_only=True)
class FreshBooksInvoice:
    """An invoice with its lines, as FreshBooks computed it."""

    id: int
    client_id: int
    number: str
    create_date: date
    due_date: date
    currency_code: str
    language: str
    po_number: str
    notes: str
    terms: str
    amount: Money
    paid: Money
    outstanding: Money
    discount_percent: Decimal
    discount_total: Money  # negative or zero
    discount_description: str
    lines: tuple[InvoiceLine, ...]
    status: int
    payment_status: str  # open enum
    v3_status: str  # open enum, for display
    display_status: str
    auto_bill: bool
    email: str
    deposit: str = ""  # what is asked for first, e.g. "30.00 CAD" or "25 %"; "" without a deposit
    updated: str
    updated_at: datetime
    version: str  # microsecond text in newer bodies, else ""
    vis_state: int

    @property
    def is_draft(self) -> bool:
        """Not yet sent: status 1 (contract section 5.3)."""
        return self.status == 1


@dataclass(frozen=True, kw_only=True)
class FreshBooksPayment:
    """A payment on one invoice; `vis_state` 1 means that it was deleted."""

    id: int
    invoice_id: int
    client_id: int
    amount: Money
    paid_on: date
    type: str
    note: str
    gateway: str  # "" unless FreshBooks' own processing took it
    from_credit: bool
    credit_id: int | None
    overpayment_id: int | None
    updated: str
    updated_at: datetime
    vis_state: int


@dataclass(frozen=True, kw_only=True)
class FreshBooksPaymentDraft:
    """Body of "create payment". `note` carries the marker by which we find it again."""

    invoice_id: int
    amount: Money
    paid_on: date
    type: str
    note: str


@dataclass(frozen=True, kw_only=True)
class FreshBooksCallback:
    """One registration: one event of one account to one uri."""

    callback_id: int
    event: str
    uri: str
    verified: bool


@dataclass(frozen=True, kw_only=True)
class PaymentOptions:
    """How FreshBooks itself would collect one invoice online."""

    gateway_name: str  # lower case; "" if none
    collects_online: bool  # at least one of its payment methods is switched on
    allow_partial_payments: bool


@dataclass(frozen=True, kw_only=True)
class GatewayConnection:
    """One gateway that the business has connected to FreshBooks itself."""

    name: str  # stripe_unified, stripe, paypal, ...; open enum
    stripe_account_id: str  # "" unless it is a Stripe account
    country: str
    charges_enabled: bool


@dataclass(frozen=True, kw_only=True)
class Business:
    """One business that a FreshBooks login can reach."""

    business_id: int
    account_id: str  # "" when the business has no accounting account
    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who connected, and the businesses that this login can reach."""

    identity_id: int
    email: str
    businesses: tuple[Business, ...]


@dataclass(frozen=True, kw_only=True)
class TokenPair:
    """What the token endpoint answered. Both tokens are secrets: `repr` hides them."""

    access_token: str
    refresh_token: str
    expires_at: datetime
    scopes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"TokenPair(expires_at={self.expires_at!r}, scopes={self.scopes!r})"
