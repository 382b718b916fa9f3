"""Clients: who the business invoices."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

from sandbox.freshbooks.book import ACTIVE, ARCHIVED, DELETED, DRAFT, Account, Client, Invoice
from sandbox.freshbooks.events import raise_event
from sandbox.freshbooks.fields import (
    LONG_LIMIT,
    Check,
    boolean,
    clean,
    currency,
    email,
    phase_of,
    text,
    vis_state,
)
from sandbox.freshbooks.filters import (
    contains,
    equals_number,
    equals_text,
    in_numbers,
    is_true,
    updated_range,
)
from sandbox.freshbooks.ledger import is_overdue
from sandbox.freshbooks.money import ZERO
from sandbox.freshbooks.problems import DELETED as DELETED_ERRNO
from sandbox.freshbooks.problems import DUPLICATE, INVALID, REQUIRED, Problem
from sandbox.freshbooks.resource import MakeFilter, Resource
from sandbox.freshbooks.times import eastern_text, utc_text

_ADDRESS = ("street", "street2", "city", "province", "code", "country")
_TEXT_DEFAULTS: dict[str, str | None] = {
    **dict.fromkeys(("fname", "lname", "organization", "bus_phone", "mob_phone", "fax"), ""),
    "home_phone": None,
    **{f"{kind}_{part}": "" for kind in ("p", "s") for part in _ADDRESS},
    "vat_name": None,
    "vat_number": None,
    "company_industry": None,
    "company_size": None,
}
_BOOLEAN_DEFAULTS = {
    "allow_late_fees": True,
    "allow_late_notifications": True,
    "allow_email_include_pdf": False,
    "pref_email": True,
    "pref_gmail": False,
}
_CHECKS: dict[str, Check] = {
    **{name: text(empty=empty) for name, empty in _TEXT_DEFAULTS.items()},
    **dict.fromkeys(_BOOLEAN_DEFAULTS, boolean),
    "email": email,
    "currency_code": currency,
    "language": text(16),
    "note": text(LONG_LIMIT, empty=None),
}
_CONSTANTS: dict[str, Any] = {
    "direct_link_token": None,
    "has_retainer": None,
    "last_activity": None,
    "last_login": None,
    "level": 0,
    "notified": False,
    "num_logins": 0,
    "retainer_id": None,
    "role": "client",
    "statement_token": None,
    "subdomain": None,
}


class Clients(Resource[Client]):
    """The clients of an account."""

    path = "users/clients"
    thing, singular, plural, id_field = "client", "client", "clients", "userid"
    scope = "clients"

    def rows(self, account: Account) -> dict[int, Client]:
        """All clients."""
        return account.clients

    def client_of(self, row: Client) -> int | None:
        """A client may read itself."""
        return row.id

    def create(self, account: Account, data: Mapping[str, Any]) -> Client:
        """Add a client; with an e-mail only, the organization becomes that e-mail."""
        given = clean(data, _CHECKS, thing="client", switches=self.world.switches)
        named = any(given.get(name) for name in ("organization", "fname", "lname"))
        if not named and not given.get("email"):
            raise Problem(
                REQUIRED, "Organization, name or email is required.", field="email", thing="client"
            )
        if not named:
            given["organization"] = given["email"]
        self._refuse_duplicate_email(account, given.get("email", ""), None)
        now = self.world.now()
        fields = {
            **_TEXT_DEFAULTS,
            **_BOOLEAN_DEFAULTS,
            "email": "",
            "currency_code": account.currency,
            "language": "en",
            "note": None,
            **given,
        }
        client = Client(
            id=self.world.next_id(account, "client"),
            uuid=self.world.new_uuid(),
            fields=fields,
            username=self.world.word(10),
            signup_at=now,
            updated_at=now,
        )
        account.clients[client.id] = client
        raise_event(self.world, account, "client.create", client.id)
        return client

    def update(self, account: Account, row: Client, data: Mapping[str, Any]) -> None:
        """One phase: visibility or data."""
        event = "client.update"
        if phase_of(data) == "vis_state":
            state = vis_state(data["vis_state"], (ACTIVE, DELETED, ARCHIVED), "client")
            self._check_deletable(account, row, state)
            event = "client.delete" if state == DELETED != row.vis_state else event
            row.vis_state = state
        elif phase_of(data) == "data":
            if row.vis_state == DELETED and not self._may_edit_deleted():
                raise Problem(
                    DELETED_ERRNO,
                    "Client is deleted.",
                    field="userid",
                    thing="client",
                    value=row.id,
                )
            given = clean(data, _CHECKS, thing="client", switches=self.world.switches)
            self._refuse_duplicate_email(account, given.get("email", ""), row)
            row.fields.update(given)
        row.updated_at = self.world.now()
        raise_event(self.world, account, event, row.id)

    def _may_edit_deleted(self) -> bool:
        return self.world.switches["deleted_record_edit"] == "allowed"

    def _check_deletable(self, account: Account, row: Client, state: int) -> None:
        if state != DELETED or self.world.switches["delete_client_with_invoices"] == "allowed":
            return
        if any(invoice.client_id == row.id for invoice in _invoices(account)):
            raise Problem(INVALID, "Client has invoices.", field="vis_state", thing="client")

    def _refuse_duplicate_email(self, account: Account, address: str, own: Client | None) -> None:
        if not address or not self.world.switches.on("client_email_unique"):
            return
        for other in account.clients.values():
            same = other.fields["email"].casefold() == address.casefold()
            if same and other is not own and other.vis_state != DELETED:
                raise Problem(
                    DUPLICATE, "Email is in use.", field="email", thing="client", value=address
                )

    def render(self, account: Account, row: Client, includes: Collection[str]) -> dict[str, Any]:
        """The client as the API shows it."""
        shown = {
            "id": row.id,
            "userid": row.id,
            "uuid": row.uuid,
            "accounting_systemid": account.account_id,
            **row.fields,
            **_CONSTANTS,
            "username": row.username,
            "signup_date": utc_text(row.signup_at),
            "updated": eastern_text(row.updated_at),
            "vis_state": row.vis_state,
        }
        balances = {
            "outstanding_balance": self._outstanding,
            "overdue_balance": self._overdue,
            "draft_balance": self._draft,
            "credit_balance": self.credit,
            "grand_total_balance": self._grand_total,
        }
        for name, compute in balances.items():
            if name in includes:
                shown[name] = self._balance(compute(account, row))
        if "late_reminders" in includes:
            shown["late_reminders"] = []
        if "late_fee" in includes:
            shown["late_fee"] = None
        return shown

    def _balance(self, sums: Mapping[str, Decimal]) -> list[dict[str, Any]]:
        money = self.world.money
        return [{"amount": money.json(value, code)} for code, value in sums.items() if value]

    def _outstanding(self, account: Account, row: Client) -> dict[str, Decimal]:
        return _sum_outstanding(i for i in _invoices_of(account, row) if i.status != DRAFT)

    def _overdue(self, account: Account, row: Client) -> dict[str, Decimal]:
        return _sum_outstanding(i for i in _invoices_of(account, row) if is_overdue(self.world, i))

    def _draft(self, account: Account, row: Client) -> dict[str, Decimal]:
        return _sum_outstanding(i for i in _invoices_of(account, row) if i.status == DRAFT)

    def _grand_total(self, account: Account, row: Client) -> dict[str, Decimal]:
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for invoice in _invoices_of(account, row):
            sums[invoice.currency] += invoice.total
        return sums

    def credit(self, account: Account, row: Client) -> dict[str, Decimal]:
        """Unused credit per currency."""
        sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for credit in account.credit_notes.values():
            if credit.client_id == row.id and credit.vis_state == ACTIVE:
                sums[credit.currency] += credit.amount - credit.used
        return sums

    sort_keys = {
        "client_id": lambda row: row.id,
        "organization_name": lambda row: row.fields["organization"].casefold(),
        "fullname": lambda row: f"{row.fields['fname']} {row.fields['lname']}".casefold(),
        "primarycontact": lambda row: f"{row.fields['fname']} {row.fields['lname']}".casefold(),
        "email": lambda row: row.fields["email"].casefold(),
        "bus_phone": lambda row: row.fields["bus_phone"] or "",
        "updated": lambda row: row.updated_at,
    }

    def filters(self, account: Account) -> Mapping[str, MakeFilter[Client]]:
        """Keys documented for clients; plain `fname` and `organization` are not among them."""

        def positive(compute: Any) -> Any:
            return lambda row: any(value > 0 for value in compute(account, row).values())

        loose = self.world.switches["email_search"] == "loose"
        fields = ("fname", "lname", "organization", "email", "note")
        return {
            "userid": equals_number(lambda row: row.id),
            "userids[]": in_numbers(lambda row: row.id),
            "email": (contains if loose else equals_text)(lambda row: row.fields["email"]),
            "username": equals_text(lambda row: row.username),
            **{f"{name}_like": contains(_field(name)) for name in fields},
            "address_like": contains(lambda row: _joined(row, [f"p_{part}" for part in _ADDRESS])),
            "phone_like": contains(lambda row: _joined(row, ["bus_phone", "mob_phone"])),
            "user_like": contains(lambda row: _joined(row, [*fields[:4]])),
            "has_credit": is_true(positive(self.credit)),
            "has_draft": is_true(positive(self._draft)),
            "has_outstanding": is_true(positive(self._outstanding)),
            "has_overdue": is_true(positive(self._overdue)),
            **updated_range(self.world.switches),
        }


def _field(name: str) -> Callable[[Client], Any]:
    return lambda row: row.fields[name]


def _joined(row: Client, names: list[str]) -> str:
    return " ".join(row.fields[name] or "" for name in names)


def _invoices(account: Account) -> list[Invoice]:
    return [one for one in account.invoices.values() if one.vis_state != DELETED]


def _invoices_of(account: Account, row: Client) -> list[Invoice]:
    return [invoice for invoice in _invoices(account) if invoice.client_id == row.id]


def _sum_outstanding(invoices: Any) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for invoice in invoices:
        sums[invoice.currency] += invoice.outstanding
    return sums
