"""Credit notes and taxes: read through the API, made by people and by overpayments."""

from collections.abc import Collection, Mapping
from typing import Any

from sandbox.freshbooks.book import Account, CreditNote, Tax
from sandbox.freshbooks.filters import (
    date_range,
    equals_number,
    equals_text,
    in_numbers,
    updated_range,
)
from sandbox.freshbooks.money import plain
from sandbox.freshbooks.resource import MakeFilter, Resource
from sandbox.freshbooks.times import eastern_text


class CreditNotes(Resource[CreditNote]):
    """Credit notes; the wrapper is plural even for one."""

    path = "credit_notes/credit_notes"
    thing, singular, plural = "credit_note", "credit_notes", "credit_notes"
    id_field = "creditid"
    scope = "credit_notes"
    writable = False

    def rows(self, account: Account) -> dict[int, CreditNote]:
        """All credit notes."""
        return account.credit_notes

    def client_of(self, row: CreditNote) -> int | None:
        """The client may read it."""
        return row.client_id

    def render(
        self, account: Account, row: CreditNote, includes: Collection[str]
    ) -> dict[str, Any]:
        """The credit note as the API shows it; `clientid` is a string here."""
        client = account.clients[row.client_id].fields
        used_up = row.used >= row.amount > 0
        shown = {
            "id": row.id,
            "creditid": row.id,
            "accounting_systemid": account.account_id,
            "clientid": str(row.client_id),
            "credit_number": row.number,
            "credit_type": row.type,
            "create_date": row.date.isoformat(),
            "currency_code": row.currency,
            "amount": self.world.money.json(row.amount, row.currency),
            "paid": self.world.money.json(row.used, row.currency),
            "display_status": "created",
            "payment_status": "paid" if used_up else "partial" if row.used else "unpaid",
            "language": client["language"],
            "fname": client["fname"],
            "lname": client["lname"],
            "organization": client["organization"],
            "notes": "",
            "terms": None,
            "updated": eastern_text(row.updated_at),
            "vis_state": row.vis_state,
        }
        if "lines" in includes:
            shown["lines"] = []
        return shown

    def filters(self, _account: Account) -> Mapping[str, MakeFilter[CreditNote]]:
        """A few obvious keys; none is documented in detail."""
        return {
            "creditid": equals_number(lambda row: row.id),
            "clientid": equals_number(lambda row: row.client_id),
            "credit_type": equals_text(lambda row: row.type),
            **date_range("date", lambda row: row.date),
            **updated_range(self.world.switches),
        }


class Taxes(Resource[Tax]):
    """Taxes: reference data; lines copy name and percent."""

    path = "taxes/taxes"
    thing, singular, plural, id_field = "tax", "tax", "taxes", "taxid"
    scope = "taxes"
    writable = False

    def rows(self, account: Account) -> dict[int, Tax]:
        """All taxes."""
        return account.taxes

    def client_of(self, _row: Tax) -> int | None:
        """Not for clients."""
        return None

    def render(self, account: Account, row: Tax, _includes: Collection[str]) -> dict[str, Any]:
        """The tax as the API shows it; `amount` is a percentage."""
        return {
            "id": row.id,
            "taxid": row.id,
            "accounting_systemid": account.account_id,
            "name": row.name,
            "amount": plain(row.percent),
            "number": row.number,
            "compound": row.compound,
            "updated": eastern_text(row.updated_at),
        }

    def filters(self, _account: Account) -> Mapping[str, MakeFilter[Tax]]:
        """By id, name and change."""
        return {
            "taxid": equals_number(lambda row: row.id),
            "taxids[]": in_numbers(lambda row: row.id),
            "name": equals_text(lambda row: row.name),
            **updated_range(self.world.switches),
        }
