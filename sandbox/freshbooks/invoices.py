"""Invoices: creating, changing in phases, sending, deleting."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from sandbox.freshbooks.book import (
    ACTIVE,
    ARCHIVED,
    DELETED,
    DRAFT,
    SENT,
    VIEWED,
    Account,
    Client,
    Invoice,
)
from sandbox.freshbooks.events import raise_event
from sandbox.freshbooks.fields import clean, money, not_writable, phase_of, require, vis_state
from sandbox.freshbooks.invoice_fields import CHECKS, DEFAULTS, READ_ONLY, SNAPSHOT, TOLERATED
from sandbox.freshbooks.invoice_filters import invoice_filters, invoice_sort_keys
from sandbox.freshbooks.invoice_view import render_invoice
from sandbox.freshbooks.ledger import payment_status, recompute_total, settle
from sandbox.freshbooks.lines import read_lines
from sandbox.freshbooks.problems import DELETED as DELETED_ERRNO
from sandbox.freshbooks.problems import (
    DUPLICATE,
    INVALID,
    NOT_A_NUMBER,
    REQUIRED,
    Problem,
    not_found,
)
from sandbox.freshbooks.resource import MakeFilter, Resource


class Invoices(Resource[Invoice]):
    """The invoices of an account."""

    path = "invoices/invoices"
    thing, singular, plural, id_field = "invoice", "invoice", "invoices", "invoiceid"
    scope = "invoices"
    deletable = True
    sort_keys = invoice_sort_keys

    def rows(self, account: Account) -> dict[int, Invoice]:
        """All invoices."""
        return account.invoices

    def client_of(self, row: Invoice) -> int | None:
        """Its customer may read it once it is no draft."""
        return None if row.status == DRAFT else row.client_id

    def filters(self, _account: Account) -> Mapping[str, MakeFilter[Invoice]]:
        """See `invoice_filters`."""
        return invoice_filters(self.world)

    def render(self, account: Account, row: Invoice, includes: Collection[str]) -> dict[str, Any]:
        """The invoice as the API shows it."""
        return render_invoice(self.world, account, row, includes)

    def create(self, account: Account, data: Mapping[str, Any]) -> Invoice:
        """Add an invoice; it is a draft unless a status says otherwise."""
        require(data, ("customerid", "create_date"), "invoice")
        given = self._clean(data)
        client = self._client(account, given.pop("customerid"))
        now = self.world.now()
        invoice = Invoice(
            id=0,  # an id is only spent on an invoice that is accepted
            uuid=self.world.new_uuid(),
            client_id=client.id,
            number=given.pop("invoice_number", "") or f"{account.highest_number + 1:07d}",
            create_date=given.pop("create_date"),
            due_offset_days=given.pop("due_offset_days", 0),
            currency=given.pop("currency_code", client.fields["currency_code"]),
            fields={**DEFAULTS, **_snapshot(client)},
            created_at=now,
            updated_at=now,
        )
        self._apply(invoice, given, data)
        self._refuse_duplicate_number(account, invoice)
        invoice.id = self.world.next_id(account, "invoice")
        account.invoices[invoice.id] = invoice
        _note_number(account, invoice)
        self._changed(account, invoice, "invoice.create")
        return invoice

    def update(self, account: Account, row: Invoice, data: Mapping[str, Any]) -> None:
        """Carry out one phase; what else the body says is dropped without a word."""
        phase = phase_of(data)
        if phase == "vis_state":
            self._set_vis_state(account, row, data["vis_state"])
        elif phase == "actions":
            self._send(account, row, data)
        elif phase == "data":
            self._edit(account, row, data)
        else:
            self._changed(account, row, "invoice.update")

    def delete(self, account: Account, row: Invoice) -> None:
        """HTTP DELETE: the same as vis_state 1."""
        self._set_vis_state(account, row, DELETED)

    def share_link(self, account: Account, row: Invoice) -> dict[str, Any]:
        """A link for the client; a draft has none."""
        if row.status == DRAFT:
            raise Problem(INVALID, "Invoice is a draft.", field="status", thing="invoice")
        return {
            "resourceid": str(row.id),
            "resource_type": "invoice",
            "clientid": row.client_id,
            "share_method": "share_link",
            "share_link": f"{self.world.base_url}/link/{account.account_id}-{row.id}",
        }

    def mark_viewed(self, account: Account, row: Invoice) -> None:
        """The client opened the sent invoice."""
        if row.status == SENT:
            row.status = VIEWED
            self._changed(account, row, "invoice.update")

    def _set_vis_state(self, account: Account, row: Invoice, value: Any) -> None:
        state = vis_state(value, (ACTIVE, DELETED, ARCHIVED), "invoice")
        event = "invoice.delete" if state == DELETED != row.vis_state else "invoice.update"
        row.vis_state = state
        self._changed(account, row, event)

    def _send(self, account: Account, row: Invoice, data: Mapping[str, Any]) -> None:
        _refuse_deleted(row)
        recipients = data.get("email_recipients") or []
        if data.get("action_email"):
            if not isinstance(recipients, list) or not all(map(_is_address, recipients)):
                raise Problem(INVALID, "Invalid recipients.", field="email_recipients")
            recipients = recipients or [row.fields.get("email")]
            if not all(recipients):
                raise Problem(REQUIRED, "No recipients.", field="email_recipients", thing="invoice")
        if row.status == DRAFT:
            row.status = SENT
        self._changed(account, row, "invoice.update")
        if data.get("action_email"):
            about = f"Invoice {row.number}"
            email_sent = {"to": recipients, "about": about, "at": self.world.now()}
            account.emails.append(email_sent)
            raise_event(self.world, account, "invoice.sendByEmail", row.id)

    def _edit(self, account: Account, row: Invoice, data: Mapping[str, Any]) -> None:
        if self.world.switches["deleted_record_edit"] == "refused":
            _refuse_deleted(row)
        locked = self.world.switches["paid_invoice_edit"] == "refused"
        if locked and payment_status(row) == "paid":
            raise Problem(
                INVALID, "A paid invoice cannot be edited.", thing="invoice", value=row.id
            )
        given = self._clean(data)
        edited = replace(row, fields=dict(row.fields))  # so that a refusal changes nothing
        if "customerid" in given:
            edited.client_id = self._client(account, given.pop("customerid")).id
        edited.number = given.pop("invoice_number", row.number) or row.number
        edited.create_date = given.pop("create_date", row.create_date)
        edited.due_offset_days = given.pop("due_offset_days", row.due_offset_days)
        edited.currency = given.pop("currency_code", row.currency)
        self._apply(edited, given, data)
        self._refuse_duplicate_number(account, edited)
        vars(row).update(vars(edited))
        _note_number(account, row)
        settle(account, row)
        self._changed(account, row, "invoice.update")

    def _clean(self, data: Mapping[str, Any]) -> dict[str, Any]:
        if "due_date" in data:
            raise not_writable("due_date", "invoice", data["due_date"])
        separate = TOLERATED | {"lines", "status", "deposit_amount"}
        rest = {name: value for name, value in data.items() if name not in separate}
        switches = self.world.switches
        return clean(rest, CHECKS, thing="invoice", switches=switches, read_only=READ_ONLY)

    def _apply(self, invoice: Invoice, given: dict[str, Any], data: Mapping[str, Any]) -> None:
        invoice.discount_percent = given.pop("discount_value", invoice.discount_percent)
        if "deposit_percentage" in data:
            invoice.deposit_percent = given.pop("deposit_percentage") or None
        if "deposit_amount" in data:
            wanted = data["deposit_amount"]
            invoice.deposit_amount = None if wanted is None else money(wanted, invoice.currency)
        if "status" in data:
            invoice.status = _settable_status(data["status"])
        invoice.fields.update(given)
        if "lines" in data:
            invoice.lines = read_lines(self.world, data["lines"], invoice.currency)
        recompute_total(self.world, invoice)

    def _changed(self, account: Account, invoice: Invoice, event: str) -> None:
        if event != "invoice.create":
            invoice.updated_at = self.world.now()
        invoice.audit.append((invoice.updated_at, event))
        raise_event(self.world, account, event, invoice.id)

    def _client(self, account: Account, client_id: int) -> Client:
        client = account.clients.get(client_id)
        if client is None:
            raise not_found("client", "customerid", client_id)
        if client.vis_state == DELETED:
            raise Problem(DELETED_ERRNO, "Client is deleted.", field="customerid", thing="invoice")
        return client

    def _refuse_duplicate_number(self, account: Account, invoice: Invoice) -> None:
        other = account.invoices.get(account.invoice_of_number.get(invoice.number, 0))
        taken = other is not None and other.number == invoice.number and other.id != invoice.id
        if other is None or not taken or other.vis_state == DELETED:
            return
        if self.world.switches["duplicate_invoice_number"] == "refused":
            raise Problem(
                DUPLICATE,
                "Invoice number is in use.",
                field="invoice_number",
                thing="invoice",
                value=invoice.number,
            )


def _note_number(account: Account, invoice: Invoice) -> None:
    account.invoice_of_number[invoice.number] = invoice.id
    if invoice.number.isascii() and invoice.number.isdigit() and len(invoice.number) < 16:
        account.highest_number = max(account.highest_number, int(invoice.number))


def _snapshot(client: Client) -> dict[str, Any]:
    return {own: client.fields[theirs] for own, theirs in SNAPSHOT.items()}


def _settable_status(value: Any) -> int:
    """0 to 3 as a number; strings are errno 1015, 4 to 8 are driven by payments."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Problem(
            NOT_A_NUMBER, "Status must be a number.", field="status", thing="invoice", value=value
        )
    if value not in (0, 1, 2, 3):
        raise Problem(INVALID, "Status not settable.", field="status", thing="invoice", value=value)
    return value


def _refuse_deleted(row: Invoice) -> None:
    if row.vis_state == DELETED:
        raise Problem(
            DELETED_ERRNO, "Invoice is deleted.", field="invoiceid", thing="invoice", value=row.id
        )


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and "@" in value
