"""The records FreshBooks keeps, and the book that holds them. No rules here."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.freshbooks.money import ZERO

ACTIVE, DELETED, ARCHIVED = 0, 1, 2
DISPUTED, DRAFT, SENT, VIEWED, PAID = 0, 1, 2, 3, 4

FIRST_IDS = {
    "client": 418201,
    "invoice": 2903301,
    "payment": 771401,
    "credit_note": 5101,
    "tax": 7801,
    "callback": 88201,
}


@dataclass
class Client:
    """A customer of the business."""

    id: int
    uuid: str
    fields: dict[str, Any]
    """Everything a caller can write, by its name in the API."""
    username: str
    signup_at: float
    updated_at: float
    vis_state: int = ACTIVE


@dataclass(frozen=True)
class LineTax:
    """A tax as one line carries it: copied, not referenced."""

    name: str
    percent: Decimal
    number: str | None = None


@dataclass(frozen=True)
class Line:
    """One line of an invoice; `amount` is before tax and discount."""

    kind: int
    name: str
    description: str
    quantity: Decimal
    unit_cost: Decimal
    amount: Decimal
    tax1: LineTax | None
    tax2: LineTax | None
    compounded: bool
    updated_at: float


@dataclass
class Invoice:
    """An invoice; `total` and `paid` are kept current by the ledger."""

    id: int
    uuid: str
    client_id: int
    number: str
    create_date: date
    due_offset_days: int
    currency: str
    fields: dict[str, Any]
    """Plain writable fields, the client's address snapshot among them."""
    created_at: float
    updated_at: float
    lines: list[Line] = field(default_factory=list)
    discount_percent: Decimal = ZERO
    deposit_amount: Decimal | None = None
    deposit_percent: Decimal | None = None
    status: int = DRAFT
    """What was set: 0 to 3; paid is derived."""
    vis_state: int = ACTIVE
    total: Decimal = ZERO
    discount_total: Decimal = ZERO
    paid: Decimal = ZERO
    date_paid: date | None = None
    audit: list[tuple[float, str]] = field(default_factory=list)
    payment_options: dict[str, Any] | None = None

    @property
    def outstanding(self) -> Decimal:
        """What is still owed; below zero if the total fell under what was paid."""
        return self.total - self.paid


@dataclass
class Payment:
    """Money received for one invoice."""

    id: int
    invoice_id: int
    client_id: int
    amount: Decimal
    currency: str
    date: date
    type: str
    updated_at: float
    note: str = ""
    gateway: str | None = None
    overpayment_id: int | None = None
    overpayment_credit_id: int | None = None
    """The credit note booked for what was paid too much; not shown."""
    credit_id: int | None = None
    transaction_id: Any = None
    send_client_notification: bool | None = None
    vis_state: int = ACTIVE


@dataclass
class CreditNote:
    """Credit of a client."""

    id: int
    client_id: int
    number: str
    type: str
    date: date
    currency: str
    amount: Decimal
    updated_at: float
    used: Decimal = ZERO
    vis_state: int = ACTIVE


@dataclass
class Tax:
    """A tax the business can pick for a line."""

    id: int
    name: str
    percent: Decimal
    number: str | None
    compound: bool
    updated_at: float


@dataclass
class Callback:
    """One webhook registration; the verifier is also its signing key."""

    id: int
    event: str
    uri: str
    verifier: str
    updated_at: float
    verified: bool = False
    failures: int = 0
    """Deliveries given up in a row."""


@dataclass
class Account:
    """The accounting book of one business."""

    account_id: str
    business_id: int
    owner_identity_id: int
    currency: str
    clients: dict[int, Client] = field(default_factory=dict)
    invoices: dict[int, Invoice] = field(default_factory=dict)
    payments: dict[int, Payment] = field(default_factory=dict)
    credit_notes: dict[int, CreditNote] = field(default_factory=dict)
    taxes: dict[int, Tax] = field(default_factory=dict)
    callbacks: dict[int, Callback] = field(default_factory=dict)
    callbacks_stopped: bool = False
    payments_of_invoice: dict[int, list[int]] = field(default_factory=dict)
    stripe_gateway: dict[str, Any] | None = None
    emails: list[dict[str, Any]] = field(default_factory=list)
    next_ids: dict[str, int] = field(default_factory=lambda: dict(FIRST_IDS))
    highest_number: int = 0
    """The highest invoice number that consists of digits."""
    invoice_of_number: dict[str, int] = field(default_factory=dict)


@dataclass
class Membership:
    """What an identity may do in a business."""

    id: int
    business_id: int
    role: str
    account_role: str


@dataclass
class Business:
    """A business; the account can be missing."""

    id: int
    uuid: str
    name: str
    account_id: str | None
    subscription: str = "active"


@dataclass
class Identity:
    """A person who can log in."""

    id: int
    uuid: str
    email: str
    first_name: str
    last_name: str
    created_at: float
    memberships: list[Membership] = field(default_factory=list)


@dataclass
class Code:
    """An authorisation code."""

    value: str
    identity_id: int
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str | None
    expires_at: float
    used: bool = False


@dataclass
class Token:
    """One pair of access and refresh token."""

    access: str
    refresh: str
    identity_id: int
    scopes: tuple[str, ...]
    issued_at: float
    expires_at: float
    access_live: bool = True
    refresh_live: bool = True


@dataclass
class Book:
    """Everything FreshBooks knows."""

    identities: dict[int, Identity] = field(default_factory=dict)
    businesses: dict[int, Business] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    by_access: dict[str, Token] = field(default_factory=dict)
    by_refresh: dict[str, Token] = field(default_factory=dict)
    global_ids: dict[str, int] = field(default_factory=lambda: dict(FIRST_IDS))
    next_identity_id: int = 778120
    next_business_id: int = 1472001
    next_membership_id: int = 553201

    def identity_by_email(self, email: str) -> Identity | None:
        """Logins are told apart by e-mail, without regard to case."""
        wanted = email.strip().casefold()
        matches = (one for one in self.identities.values() if one.email.casefold() == wanted)
        return next(matches, None)
