"""Both vendors' own books at one moment, and where they are not as expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from demo.expected import Expected, InStripe
from demo.month import digits
from demo.simulators import Simulator

ALIVE = frozenset({"draft", "open", "paid", "uncollectible"})
MARKER = "mlc:"
DELETED = 1


@dataclass(frozen=True)
class Mismatch:
    """Something that is not as expected."""

    subject: str
    what: str
    expected: object
    found: object

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One invoice as both books have it. Amounts in minor units."""

    number: str = ""
    freshbooks_total: int = 0
    freshbooks_outstanding: int = 0
    freshbooks_deleted: bool = False
    recorded: int = 0
    recorded_payments: int = 0
    by_people: int = 0
    alive: int = 0
    versions: int = 0
    stripe_id: str = ""
    stripe_status: str = ""
    stripe_total: int = 0
    stripe_remaining: int = 0
    collected: int = 0
    reported: int = 0
    hosted_url: str = ""


class Books:
    """What both vendors have for one business."""

    def __init__(
        self,
        freshbooks: dict[str, Any],
        stripe: dict[str, Any],
        *,
        account_id: str,
        stripe_account: str,
    ) -> None:
        account = freshbooks["accounts"][account_id]
        self._invoices = {row["id"]: row for row in account["invoices"]}
        self._payments: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in account["payments"]:
            if row["vis_state"] != DELETED:
                self._payments[row["invoiceid"]].append(row)
        theirs = next(row for row in stripe["accounts"] if row["id"] == stripe_account)
        self.stripe_invoices: dict[str, int] = {}
        self._twins: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for row in theirs.get("invoices", []):
            named = row["metadata"].get("fb_invoice_id", "")
            if row["metadata"].get("fb_account") == account_id and named.isdigit():
                self._twins[int(named)].append(row)
                self.stripe_invoices[row["id"]] = int(named)
        self._intents = {row["id"]: row for row in theirs.get("payment_intents", [])}
        self._stripe_payments: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in theirs.get("invoice_payments", []):
            if row["status"] == "paid":
                self._stripe_payments[row["invoice"]].append(row)

    def of(self, freshbooks_id: int) -> Figures:
        """One invoice's figures on both sides."""
        row = self._invoices[freshbooks_id]
        recorded, by_people = self._freshbooks_payments(freshbooks_id)
        twins = self._twins[freshbooks_id]
        alive = [twin for twin in twins if twin["status"] in ALIVE]
        shown = alive or twins
        stripe = self._stripe_figures(shown[-1]) if shown else {}
        return Figures(
            number=row["invoice_number"],
            freshbooks_total=minor(row["amount"]),
            freshbooks_outstanding=minor(row["outstanding"]),
            freshbooks_deleted=row["vis_state"] == DELETED,
            recorded=sum(recorded),
            recorded_payments=len(recorded),
            by_people=sum(by_people),
            alive=len(alive),
            versions=len(twins),
            **stripe,
        )

    def payment_intent(self, freshbooks_id: int) -> str:
        """The one Stripe payment of an invoice."""
        (payment,) = self._stripe_payments[self.of(freshbooks_id).stripe_id]
        return str(payment["payment"]["payment_intent"])

    def charge(self, freshbooks_id: int) -> str:
        """The charge of that payment."""
        return str(self._intents[self.payment_intent(freshbooks_id)]["latest_charge"])

    def mismatches(self, expected: Iterable[Expected]) -> list[Mismatch]:
        """Everything that is not as it should be by now."""
        return [
            problem for one in expected for problem in _compare(one, self.of(one.freshbooks_id))
        ]

    def _freshbooks_payments(self, freshbooks_id: int) -> tuple[list[int], list[int]]:
        """Those of the connector, and those of people."""
        ours: list[int] = []
        theirs: list[int] = []
        for row in self._payments[freshbooks_id]:
            (ours if MARKER in (row["note"] or "") else theirs).append(minor(row["amount"]))
        return ours, theirs

    def _stripe_figures(self, row: dict[str, Any]) -> dict[str, Any]:
        payments = self._stripe_payments[row["id"]]
        return {
            "stripe_id": row["id"],
            "stripe_status": row["status"],
            "stripe_total": row["total"],
            "stripe_remaining": row["amount_remaining"],
            "collected": sum(p["amount_paid"] for p in payments if _is_stripe_money(p)),
            "reported": sum(p["amount_paid"] for p in payments if not _is_stripe_money(p)),
            "hosted_url": row["hosted_invoice_url"] or "",
        }


def read_books(
    freshbooks: Simulator, stripe: Simulator, accounts: Iterable[tuple[str, str]]
) -> list[Books]:
    """The books of several businesses, all of the same moment."""
    theirs, money = freshbooks.book(), stripe.book()
    return [
        Books(theirs, money, account_id=account_id, stripe_account=stripe_account)
        for account_id, stripe_account in accounts
    ]


def minor(amount: dict[str, str]) -> int:
    """FreshBooks' amount in minor units."""
    return int(Decimal(amount["amount"]).scaleb(digits(amount["code"])))


def _is_stripe_money(payment: dict[str, Any]) -> bool:
    return str(payment["payment"]["type"]) != "payment_record"


def _compare(expected: Expected, found: Figures) -> list[Mismatch]:
    wanted: list[tuple[str, object, object]] = [
        ("total in FreshBooks", expected.total, found.freshbooks_total),
        (
            "outstanding in FreshBooks",
            expected.freshbooks_outstanding,
            found.freshbooks_outstanding,
        ),
        ("recorded in FreshBooks by the connector", expected.recorded, found.recorded),
        (
            "number of payments recorded by the connector",
            expected.card_payments if expected.recorded else 0,
            found.recorded_payments,
        ),
        ("payments entered by people", expected.cheques, found.by_people),
        ("deleted in FreshBooks", expected.deleted, found.freshbooks_deleted),
        ("living Stripe invoices", int(expected.synced), found.alive),
        ("in Stripe", expected.in_stripe, found.stripe_status or InStripe.NOWHERE),
    ]
    if expected.synced:
        reported = 0 if expected.is_draft else expected.cheques
        wanted += [
            ("total in Stripe", expected.total, found.stripe_total),
            ("remaining in Stripe", expected.stripe_remaining, found.stripe_remaining),
            ("collected by Stripe", expected.card, found.collected),
            ("reported to Stripe", reported, found.reported),
            ("versions in Stripe", expected.revisions, found.versions),
        ]
    return [
        Mismatch(f"{found.number} ({expected.fate})", what, should, does)
        for what, should, does in wanted
        if should != does
    ]
