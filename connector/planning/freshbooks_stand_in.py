"""FreshBooks' stand-in for a rehearsal."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connector.money import Money
from connector.planning.stand_in import StandIn
from connector.planning.world import World
from connector.vendors.freshbooks.records import (
    DELETED,
    VISIBLE,
    FreshBooksClient,
    FreshBooksInvoice,
    FreshBooksPayment,
    FreshBooksPaymentDraft,
    Page,
)


@dataclass
class FreshBooksStandIn(StandIn):
    """FreshBooks as it was read."""

    vendor = "freshbooks"

    def get_invoice(self, *, invoice_id: int) -> FreshBooksInvoice:
        """From the list."""
        known = self.world.invoices.get(invoice_id)
        answer: FreshBooksInvoice = known or self.read("get_invoice", invoice_id=invoice_id)
        return answer

    def get_client(self, *, client_id: int) -> FreshBooksClient:
        """From the list."""
        known = self.world.clients.get(client_id)
        answer: FreshBooksClient = known or self.read("get_client", client_id=client_id)
        return answer

    def list_payments(self, *, page: int, invoice_id: int) -> Page[FreshBooksPayment]:
        """One invoice's payments, from the list of all."""
        if self.world.payments is None:
            found: Page[FreshBooksPayment] = self.read(
                "list_payments", page=page, invoice_id=invoice_id
            )
            return found
        rows = self.world.payments.get(invoice_id, ())
        return Page(rows=rows, page=1, pages=1, per_page=100, total=len(rows))

    def create_payment(self, *, draft: FreshBooksPaymentDraft) -> FreshBooksPayment:
        """Noted; answered as recorded in full."""
        made = _made_payment(draft, number=len(self.writes) + 1, world=self.world)
        body = {
            "amount": str(draft.amount),
            "date": draft.paid_on.isoformat(),
            "type": draft.type,
            "note": draft.note,
        }
        self.note("create_payment", draft.invoice_id, body)
        return made

    def update_payment_amount(
        self, *, payment_id: int, amount: Money, note: str
    ) -> FreshBooksPayment:
        """Noted."""
        before = self._payment(payment_id)
        body = {"amount": str(amount), "before": str(before.amount), "note": note}
        self.note("update_payment_amount", payment_id, body)
        return replace(before, amount=amount, note=note)

    def delete_payment(self, *, payment_id: int) -> FreshBooksPayment:
        """Noted."""
        before = self._payment(payment_id)
        self.note("delete_payment", payment_id, {"before": str(before.amount)})
        return replace(before, vis_state=DELETED)

    def _payment(self, payment_id: int) -> FreshBooksPayment:
        for rows in (self.world.payments or {}).values():
            for payment in rows:
                if payment.id == payment_id:
                    return payment
        answer: FreshBooksPayment = self.read("get_payment", payment_id=payment_id)
        return answer


def _made_payment(draft: FreshBooksPaymentDraft, *, number: int, world: World) -> FreshBooksPayment:
    invoice = world.invoices.get(draft.invoice_id)
    some = invoice or next(
        found for found in world.answers.values() if getattr(found, "id", 0) == draft.invoice_id
    )
    return FreshBooksPayment(
        id=-number,
        invoice_id=draft.invoice_id,
        client_id=some.client_id,
        amount=draft.amount,
        paid_on=draft.paid_on,
        type=draft.type,
        note=draft.note,
        gateway="",
        from_credit=False,
        credit_id=None,
        overpayment_id=None,
        updated=some.updated,
        updated_at=some.updated_at,
        vis_state=VISIBLE,
    )
