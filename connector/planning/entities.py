"""What a step is about, and its fingerprint: what was seen of it on both sides and here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connector.idempotency import body_hash
from connector.jobs.kinds import SYNC_CLIENT, SYNC_INVOICE, Kind
from connector.mapping.clients import to_stripe_customer
from connector.mapping.invoices import content_hash
from connector.models import ClientLink, CollectedPayment, InvoiceRevision, OutsidePayment
from connector.planning.world import Collection
from connector.vendors.freshbooks.records import DELETED, FreshBooksClient, FreshBooksInvoice

CLIENT, INVOICE = "client", "invoice"
Facts = dict[str, Any]
NAMES = {"FreshBooks": "in FreshBooks", "Stripe": "in Stripe", "here": "here"}


@dataclass(frozen=True)
class Entity:
    """A FreshBooks client or invoice."""

    kind: str
    number: int

    @classmethod
    def named(cls, name: str) -> Entity:
        """From the name that steps, writes and audit entries use, e.g. "invoice:2903314"."""
        kind, _, number = name.partition(":")
        return cls(kind, int(number))

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"

    @property
    def is_client(self) -> bool:
        """Whether it is a client; else it is an invoice."""
        return self.kind == CLIENT

    @property
    def job_kind(self) -> Kind:
        """The kind of job, and so the lane, that works on it."""
        return SYNC_CLIENT if self.is_client else SYNC_INVOICE


def invoice_facts(
    invoice: FreshBooksInvoice | None, stripe: Collection | None, here: Facts
) -> Facts:
    """Everything that decides what is done with an invoice, as plain JSON values."""
    return {
        "FreshBooks": _freshbooks_facts(invoice) if invoice else {},
        "Stripe": _stripe_facts(stripe) if stripe else {},
        "here": here,
    }


def _freshbooks_facts(invoice: FreshBooksInvoice) -> Facts:
    return {
        "changed": invoice.version or invoice.updated,
        "draft": invoice.is_draft,
        "deleted": invoice.vis_state == DELETED,
        "total": str(invoice.amount),
        "paid": str(invoice.paid),
        "outstanding": str(invoice.outstanding),
        "content": content_hash(invoice),
    }


def _stripe_facts(stripe: Collection) -> Facts:
    invoice, payments = stripe
    return {
        "id": invoice.id,
        "status": invoice.status,
        "total": str(invoice.total),
        "paid": str(invoice.amount_paid),
        "remaining": str(invoice.amount_remaining),
        "payments": sorted([row.id, row.status, row.payment_intent_status] for row in payments),
    }


def invoice_here(invoice_id: int) -> Facts:
    """What is known here of an invoice. Inside the tenant's scope."""
    return invoices_here([invoice_id])[invoice_id]


def invoices_here(invoice_ids: Sequence[int]) -> dict[int, Facts]:
    """What is known here of these invoices. Inside the tenant's scope."""
    found: dict[int, Facts] = {number: {name: [] for name in _KNOWN_HERE} for number in invoice_ids}
    for name, (model, columns) in _KNOWN_HERE.items():
        rows = model.objects.filter(invoice__freshbooks_invoice_id__in=invoice_ids).order_by("pk")
        for number, *row in rows.values_list("invoice__freshbooks_invoice_id", *columns):
            found[number][name].append(row)
    return found


_KNOWN_HERE: dict[str, tuple[Any, tuple[str, ...]]] = {
    "revisions": (InvoiceRevision, ("revision", "stripe_invoice_id", "state")),
    "collected": (
        CollectedPayment,
        ("stripe_invoice_payment_id", "recording", "amount_minor", "refunded_minor"),
    ),
    "outside": (OutsidePayment, ("freshbooks_payment_id", "reporting", "amount_minor")),
}


def living_stripe_id(here: Facts) -> str:
    """The Stripe invoice of the revision that is alive, "" if there is none."""
    gone = InvoiceRevision.State.GONE
    alive = [stripe_id for _, stripe_id, state in here["revisions"] if state != gone]
    return str(alive[-1]) if alive else ""


def client_facts(client: FreshBooksClient | None, here: Facts, *, account_id: str) -> Facts:
    """Everything that decides what is done with a client, as plain JSON values."""
    if client is None:
        return {"FreshBooks": {}, "here": here}
    draft = to_stripe_customer(client, freshbooks_account_id=account_id)
    return {
        "FreshBooks": {
            "changed": client.updated,
            "deleted or archived": client.vis_state,
            "content": body_hash(draft.body),
        },
        "here": here,
    }


def client_here(client_id: int) -> Facts:
    """What is known here of a client. Inside the tenant's scope."""
    rows = ClientLink.objects.filter(freshbooks_client_id=client_id)
    columns = rows.order_by("pk").values_list("stripe_customer_id", "content_hash")
    return {"customer": [list(row) for row in columns]}


def fingerprint(facts: Facts) -> str:
    """SHA-256 over the facts."""
    return body_hash(facts)


def what_changed(before: Facts, now: Facts) -> str:
    """In words, for whoever approved the plan: each fact that is another one now."""
    changes = []
    for side, words in NAMES.items():
        old, new = before.get(side, {}), now.get(side, {})
        changes += [
            f"{name} {words}{_figures(old.get(name), new.get(name))}"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    return "Changed since the plan was made: " + "; ".join(changes) + "."


def _figures(old: Any, new: Any) -> str:
    """Both values where they are short enough to say something."""
    short = all(
        value is None or (isinstance(value, str) and len(value) < 40) for value in (old, new)
    )
    return f", {old or 'nothing'} before and {new or 'nothing'} now" if short else ""
