"""What people, payers and banks do in a random run: whatever the vendors' books allow just now."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.core.vendor import ActRefused
from tests.pipeline.shop import Shop

LEAST = 200  # minor units; Stripe takes no less than 50
MOST_INVOICES = 8


@dataclass
class People:
    """Everybody who acts at one of the vendors. No two amounts of an invoice are equal: twins are
    left to a person, and this is about what must go right without one.
    """

    shop: Shop
    dice: random.Random
    note: Callable[[str], None]
    invoices: list[int] = field(default_factory=list)
    drafts: list[int] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    """Invoices that were edited, deleted or paid elsewhere: a difference may rightly stay there."""
    amounts: dict[int, set[int]] = field(default_factory=dict)
    clients: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """Business is under way when a run begins."""
        self.note(f"begins with {self._invoice()} and {self._invoice()}")

    def act(self) -> None:
        """One thing that somebody does; what cannot be done just now is not done."""
        verbs = list(VERBS)
        verb = self.dice.choices(verbs, [VERBS[name] for name in verbs])[0]
        try:
            done = getattr(self, f"_{verb}")()
        except ActRefused as refused:
            done = f"refused: {refused}"
        self.note(f"act {verb}: {done or 'not possible now'}")

    # In FreshBooks -----------------------------------------------------------------------------------

    def _invoice(self) -> str:
        if len(self.invoices) >= MOST_INVOICES:
            return ""
        if not self.clients or self.dice.random() < 0.3:
            number = len(self.clients) + 1
            client = self.shop.client(
                organization=f"Haddad {number}", email=f"ap-{number}@haddad.example"
            )
            self.clients.append(client)
        lines = [self.dice.randrange(50_00, 400_00) for _ in range(self.dice.choice((1, 1, 2, 3)))]
        send = self.dice.random() < 0.8
        made = self.shop.invoice(
            *map(decimal, lines), send=send, client=self.dice.choice(self.clients)
        )
        self.invoices.append(made)
        if not send:
            self.drafts.append(made)
        return f"{made} over {sum(lines)}{'' if send else ', a draft'}"

    def _send(self) -> str:
        if not self.drafts:
            return ""
        draft = self.drafts.pop(self.dice.randrange(len(self.drafts)))
        self.shop.fb("send_invoice", id=draft)
        return str(draft)

    def _edit(self) -> str:
        invoice = self._unpaid()
        if not invoice:
            return ""
        amount = self.dice.randrange(50_00, 400_00)
        self.touched.add(invoice)
        self.shop.edit(invoice, decimal(amount))
        return f"{invoice} to {amount}"

    def _delete(self) -> str:
        invoice = self._unpaid()
        if not invoice:
            return ""
        self.touched.add(invoice)
        self.shop.fb("delete_invoice", id=invoice)
        if invoice in self.drafts:
            self.drafts.remove(invoice)
        return str(invoice)

    def _cheque(self) -> str:
        invoice = self._unpaid()
        if not invoice or invoice in self.drafts:
            return ""
        amount = self._new_amount(invoice, 40_00)
        self.touched.add(invoice)
        self.shop.cheque(invoice, decimal(amount))
        return f"{amount} on {invoice}"

    def _edit_client(self) -> str:
        if not self.clients:
            return ""
        client = self.dice.choice(self.clients)
        town = self.dice.choice(("Lyon", "Bergen", "Halifax", "Kyoto"))
        self.shop.fb("edit_client", id=client, client={"p_city": town})
        return f"{client} moved to {town}"

    # In Stripe ---------------------------------------------------------------------------------------

    def _pay(self) -> str:
        return self._paying(method="card")

    def _debit(self) -> str:
        return self._paying(method="us_bank_account", outcome="processing")

    def _paying(self, **how: str) -> str:
        row = self._one("invoices", lambda row: row["status"] == "open" and _ours(row))
        left = row["amount_remaining"] - self._under_way(row) if row else 0
        if row is None or left < LEAST:
            return ""
        invoice = int(row["metadata"]["fb_invoice_id"])
        whole = self.dice.random() < 0.4
        amount = left if whole else self._new_amount(invoice, min(left, 60_00))
        if whole:
            self.amounts.setdefault(invoice, set()).add(amount)
        self.shop.st("pay_invoice", invoice=row["id"], amount=amount, **how)
        return f"{amount} on {invoice}"

    def _settle(self) -> str:
        return self._with_intent("settle_payment")

    def _fail(self) -> str:
        return self._with_intent("fail_payment")

    def _with_intent(self, verb: str) -> str:
        row = self._one("payment_intents", lambda row: row["status"] == "processing")
        if row is None:
            return ""
        self.shop.st(verb, payment_intent=row["id"])
        return str(row["id"])

    def _refund(self) -> str:
        row = self._one(
            "charges",
            lambda row: (
                row["status"] == "succeeded"
                and not row["disputed"]
                and row["amount"] > row["amount_refunded"]
            ),
        )
        if row is None:
            return ""
        left = row["amount"] - row["amount_refunded"]
        whole = left <= LEAST + 1 or self.dice.random() < 0.5
        amount = left if whole else self.dice.randrange(LEAST, left)
        self.shop.st("refund", charge=row["id"], amount=amount)
        return f"{amount} of {row['id']}"

    def _fail_refund(self) -> str:
        row = self._one("refunds", lambda row: row["status"] == "succeeded")
        if row is None:
            return ""
        self.shop.st("fail_refund", refund=row["id"])
        return str(row["id"])

    def _dispute(self) -> str:
        row = self._one(
            "charges",
            lambda row: (
                row["status"] == "succeeded" and not row["disputed"] and not row["amount_refunded"]
            ),
        )
        if row is None:
            return ""
        self.shop.st("dispute", charge=row["id"])
        return str(row["id"])

    def _win(self) -> str:
        return self._with_dispute("win_dispute")

    def _lose(self) -> str:
        return self._with_dispute("lose_dispute")

    def _with_dispute(self, verb: str) -> str:
        row = self._one("disputes", lambda row: row["status"] not in {"won", "lost"})
        if row is None:
            return ""
        self.shop.st(verb, dispute=row["id"])
        return str(row["id"])

    # Choosing ----------------------------------------------------------------------------------------

    def _one(self, kind: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        found = [row for row in self.shop.st_book()[kind] if wanted(row)]
        return self.dice.choice(found) if found else None

    def _under_way(self, invoice: dict[str, Any]) -> int:
        book = self.shop.st_book()
        processing = {row["id"] for row in book["payment_intents"] if row["status"] == "processing"}
        return sum(
            int(row["amount_requested"])
            for row in book["invoice_payments"]
            if row["invoice"] == invoice["id"]
            and row["payment"].get("payment_intent") in processing
        )

    def _unpaid(self) -> int:
        """An invoice without any payment at either vendor."""
        book = self.shop.st_book()
        paying = {row["invoice"] for row in book["invoice_payments"] if row["status"] != "open"}
        paying |= {row["invoice"] for row in book["invoice_payments"]}
        stripe = {
            int(row["metadata"]["fb_invoice_id"])
            for row in book["invoices"]
            if _ours(row) and row["id"] in paying
        }
        paid = {row["invoiceid"] for row in self.shop.fb_book()["payments"]}
        free = [one for one in self._live() if one not in stripe and one not in paid]
        return self.dice.choice(free) if free else 0

    def _live(self) -> list[int]:
        rows = self.shop.fb_book()["invoices"]
        return [row["id"] for row in rows if row["vis_state"] == 0 and row["id"] in self.invoices]

    def _new_amount(self, invoice: int, most: int) -> int:
        seen = self.amounts.setdefault(invoice, set())
        amount = self.dice.randrange(LEAST, max(LEAST + 1, most))
        while amount in seen:
            amount += 1
        seen.add(amount)
        return amount


def decimal(minor: int) -> str:
    """Minor units as FreshBooks writes them."""
    return f"{minor // 100}.{minor % 100:02d}"


def _ours(row: dict[str, Any]) -> bool:
    return bool(row["metadata"].get("fb_invoice_id"))


# How often each is tried.
VERBS = {
    "invoice": 8,
    "send": 3,
    "edit": 3,
    "delete": 1,
    "cheque": 2,
    "edit_client": 2,
    "pay": 12,
    "debit": 4,
    "settle": 4,
    "fail": 1,
    "refund": 5,
    "fail_refund": 2,
    "dispute": 2,
    "win": 1,
    "lose": 1,
}
