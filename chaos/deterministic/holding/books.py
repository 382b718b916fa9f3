"""What the checks read: both vendors' own books of one tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.models import Discrepancy
from tenants.scope import tenant_scope
from tests.money.vendor_books import InvoiceBooks, read_books


@dataclass(frozen=True, kw_only=True)
class Books:
    """One tenant's account at each vendor, as the simulators' control API shows it."""

    tenant_id: int
    freshbooks: dict[str, Any]
    stripe: dict[str, Any]

    def invoices(self) -> list[int]:
        """Every FreshBooks invoice."""
        return [int(row["id"]) for row in self.freshbooks["invoices"]]

    def of(self, invoice_id: int) -> InvoiceBooks:
        """One invoice at both vendors."""
        return read_books(self.freshbooks, self.stripe, invoice_id)

    def told(self, invoice_id: int) -> set[str]:
        """The kinds of difference about this invoice that people are shown."""
        with tenant_scope(self.tenant_id):
            rows = Discrepancy.objects.filter(
                invoice__freshbooks_invoice_id=invoice_id, state=Discrepancy.State.OPEN
            )
            return set(rows.values_list("kind", flat=True))
