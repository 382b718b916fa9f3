"""From what a rehearsal would have sent to the steps that a person reads, field by field."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.models import ClientLink, CollectedPayment, InvoiceLink, PlanStep
from connector.money import Money
from connector.planning.entities import CLIENT, Entity
from connector.planning.rehearsal import Rehearsed
from connector.planning.stand_in import Write
from connector.planning.stripe_stand_in import MADE
from connector.vendors.freshbooks.records import VISIBLE, FreshBooksClient, FreshBooksInvoice
from connector.vendors.stripe.records import StripeCustomer, StripeInvoice

Action = PlanStep.Action
Fields = dict[str, dict[str, str]]
AGREED = "Both sides already agree."
NOTHING_DUE = "Nothing is outstanding."
NOT_RECORDED = "It would not be recorded."
CUSTOMER_FIELDS = {
    "name": "Name",
    "email": "E-mail",
    "phone": "Phone",
    "address": "Address",
    "shipping": "Shipping address",
    "preferred_locales": "Language",
    "tax_id_data": "Tax number",
}


@dataclass(frozen=True, kw_only=True)
class StepDraft:
    """One step before it is stored."""

    action: str
    entity: Entity
    label: str
    fields: Fields
    reason: str = ""


def after(**values: object) -> Fields:
    """Fields that have no value before; empty ones are left out."""
    return {
        name.replace("_", " "): {"after": str(value)}
        for name, value in values.items()
        if value not in (None, "")
    }


def client_steps(
    client: FreshBooksClient | None,
    done: Rehearsed,
    *,
    entity: Entity,
    known: ClientLink | None,
    customers: Iterable[StripeCustomer],
) -> list[StepDraft]:
    """What would be done for one client."""
    label = done.client.name if done.client else _client_name(client, entity)

    def step(action: str, fields: Fields, reason: str = "") -> list[StepDraft]:
        return [
            StepDraft(action=action, entity=entity, label=label[:200], fields=fields, reason=reason)
        ]

    write = next((one for one in done.writes if one.name.endswith("_customer")), None)
    if done.problem:
        return step(Action.SKIP, {}, done.problem)
    if write is not None and write.name == "create_customer":
        notes = " ".join(done.client.notes) if done.client else ""
        return step(Action.CREATE, _customer_fields(write.body) | after(Adapted=notes))
    if changes := _customer_changes(write, customers) | _tax_changes(done.writes):
        return step(Action.UPDATE, changes)
    if client is None or client.vis_state != VISIBLE:
        return step(Action.SKIP, {}, "Deleted or archived in FreshBooks.")
    if known is None or not known.stripe_customer_id:
        found = done.client.stripe_customer_id if done.client else ""
        return step(Action.LINK, after(Stripe_customer=found))
    return step(Action.SKIP, {}, AGREED)


def invoice_steps(
    invoice: FreshBooksInvoice | None,
    done: Rehearsed,
    *,
    entity: Entity,
    linked: StripeInvoice | None,
    waiting: Group[str] = (),
) -> list[StepDraft]:
    """What would be done for one invoice, in order; one SKIP with the reason if nothing would be.

    `waiting` names payments that the plan was asked to record: each is answered for.
    """
    label = _invoice_label(invoice, done.invoice, entity)
    steps: list[tuple[str, Fields, str]] = []
    if linked is not None:
        steps.append((Action.LINK, _linked_fields(linked), ""))
    steps += _in_stripe(invoice, done)
    steps += [_money_step(write) for write in done.writes if write.name in _MONEY]
    steps += _left(done, waiting)
    reason = _why_nothing(invoice, done)
    if not steps or (done.problem and reason):
        steps.append((Action.SKIP, {}, reason))
    return [
        StepDraft(action=action, entity=entity, label=label, fields=fields, reason=why)
        for action, fields, why in steps
    ]


def customers_made_on_the_way(done: Rehearsed) -> list[int]:
    """FreshBooks clients for which an invoice's rehearsal made a customer."""
    made = [write.target for write in done.writes if write.name == "create_customer"]
    return [int(target) for target in made if target.isdecimal()]


def _in_stripe(invoice: FreshBooksInvoice | None, done: Rehearsed) -> list[tuple[str, Fields, str]]:
    """What becomes of the Stripe invoice: made, replaced, removed or sent."""
    gone = {write.target: write for write in done.writes if write.name in {"void", "delete"}}
    made = [write for write in done.writes if write.name == "create_invoice"]
    living = next((write for write in made if write.target not in gone), None)
    old = next((write for target, write in gone.items() if not target.startswith(MADE)), None)
    sent = next((write for write in done.writes if write.name in {"finalize", "send"}), None)
    if living is not None and invoice is not None:
        fields = _invoice_fields(invoice, done, living, sent)
        if old is None:
            return [(Action.CREATE, fields, "")]
        for name in ("number", "total"):
            title = name.capitalize()
            fields[title] = {"before": str(old.body[name])} | fields.get(title, {})
        return [(Action.REPLACE, fields, "")]
    if old is not None:
        fields = {"State in Stripe": {"before": str(old.body["status"]), "after": "gone"}}
        return [(Action.VOID, fields | after(Total=old.body["total"]), "")]
    if sent is not None:
        return [(Action.UPDATE, {"State in Stripe": {"before": "draft", "after": "open"}}, "")]
    return []


def _invoice_fields(
    invoice: FreshBooksInvoice, done: Rehearsed, made: Write, sent: Write | None
) -> Fields:
    added = (w for w in done.writes if w.name == "add_lines" and w.target == made.target)
    lines = [line for write in added for line in write.body["lines"]]
    tax = sum(tax["amount"] for line in lines for tax in line.get("tax_amounts", ()))
    client = done.invoice.client if done.invoice else None
    notes = done.invoice.notes if done.invoice else []
    shown = {field["name"]: field["value"] for field in made.body.get("custom_fields", ())}
    due = datetime.fromtimestamp(made.body["due_date"], UTC).date().isoformat()
    if "Due date" in shown:
        due = f"the soonest that Stripe takes; {shown['Due date']} is shown on it"
    return after(
        Number=made.body.get("number") or invoice.number,
        Customer=client.name if client else "",
        Lines=len(lines),
        Total=invoice.amount,
        Tax=Money.from_stripe(tax, invoice.currency_code),
        Discount="" if invoice.discount_total.is_zero else invoice.discount_total,
        Due_date=due,
        State_in_Stripe="open" if sent else "draft",
        Emailed_by_Stripe="yes" if sent and sent.name == "send" else "no",
        Adapted=" ".join(notes),
    )


def _linked_fields(linked: StripeInvoice) -> Fields:
    return after(
        Stripe_invoice=linked.id, Number=linked.number, State=linked.status, Total=linked.total
    )


def _recorded(write: Write) -> tuple[str, Fields, str]:
    body = write.body
    fields = after(Amount=body["amount"], Date=body["date"], Type=body["type"], Note=body["note"])
    return Action.RECORD, fields, ""


def _lowered(write: Write) -> tuple[str, Fields, str]:
    now = str(write.body.get("amount", "removed"))
    return Action.REMOVE, {"Amount": {"before": str(write.body["before"]), "after": now}}, ""


def _told(write: Write) -> tuple[str, Fields, str]:
    whole = write.name == "pay_out_of_band"
    return Action.REPORT, after(Amount=write.body["amount"], Rest="none" if whole else ""), ""


def _taken_back(write: Write) -> tuple[str, Fields, str]:
    return Action.REPORT, after(Taken_back=write.body["amount"]), ""


_MONEY = {
    "create_payment": _recorded,
    "update_payment_amount": _lowered,
    "delete_payment": _lowered,
    "pay_out_of_band": _told,
    "attach_payment": _told,
    "report_refund": _taken_back,
}


def _money_step(write: Write) -> tuple[str, Fields, str]:
    return _MONEY[write.name](write)


def _left(done: Rehearsed, waiting: Group[str]) -> list[tuple[str, Fields, str]]:
    """Payments that were asked for and would not be recorded, each with its reason."""
    recorded = CollectedPayment.Recording.RECORDED
    return [
        (
            Action.SKIP,
            after(
                Payment=row.stripe_invoice_payment_id, Amount=Money(row.amount_minor, row.currency)
            ),
            row.reason or done.problem or NOT_RECORDED,
        )
        for row in done.payments
        if row.stripe_invoice_payment_id in waiting and row.recording != recorded
    ]


def _why_nothing(invoice: FreshBooksInvoice | None, done: Rehearsed) -> str:
    if done.problem:
        return done.problem
    if invoice is None or done.invoice is None:
        return "FreshBooks does not have this invoice."
    state, reason = done.invoice.state, done.invoice.reason
    if state == InvoiceLink.State.REMOVED:
        return reason or "Deleted in FreshBooks."
    if state in {InvoiceLink.State.BLOCKED, InvoiceLink.State.SKIPPED} and reason:
        return reason
    nothing_due = invoice.outstanding.is_zero or invoice.outstanding.is_negative
    never_sent = not done.invoice.stripe_invoice_id
    return NOTHING_DUE if nothing_due and never_sent else AGREED


def _invoice_label(
    invoice: FreshBooksInvoice | None, link: InvoiceLink | None, entity: Entity
) -> str:
    number = invoice.number if invoice else link.number if link else ""
    return (number or f"invoice {entity.number}")[:200]


def _client_name(client: FreshBooksClient | None, entity: Entity) -> str:
    if client is None:
        return f"{CLIENT} {entity.number}"
    person = f"{client.first_name} {client.last_name}".strip()
    return client.organization or person or client.email or f"{CLIENT} {entity.number}"


def _customer_fields(body: dict[str, Any]) -> Fields:
    return {
        title: {"after": _shown(body[name])}
        for name, title in CUSTOMER_FIELDS.items()
        if body.get(name)
    }


def _customer_changes(write: Write | None, customers: Iterable[StripeCustomer]) -> Fields:
    """What Stripe's list tells of the customer is shown as it was before."""
    if write is None:
        return {}
    before = next((row for row in customers if row.id == write.target), None)
    fields = _customer_fields(write.body)
    for name, title in (("name", "Name"), ("email", "E-mail")):
        old = getattr(before, name, "")
        if old and title in fields:
            fields[title] = {"before": old} | fields[title]
    return fields


def _tax_changes(writes: list[Write]) -> Fields:
    """A tax number is an object of its own in Stripe: taken away, made, or both."""
    gone = any(write.name == "delete_tax_id" for write in writes)
    made = next((write.body for write in writes if write.name == "create_tax_id"), None)
    if made is None and not gone:
        return {}
    before = {"before": "the one before"} if gone else {}
    return {"Tax number": before | {"after": _shown(dict(made)) if made else "none"}}


def _shown(value: Any) -> str:
    """A value of a request body in one line."""
    if isinstance(value, dict):
        return ", ".join(filter(None, (_shown(part) for part in value.values())))
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value)
    return str(value)
